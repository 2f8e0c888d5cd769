import { closeSync, read, writeSync } from 'node:fs';
import { ok, type Result } from '../diagnostic/diagnostic.ts';
import { commitReader, type FollowedCommit } from '../netlink/commits.ts';
import { askGeneration } from '../netlink/generation.ts';
import { encodeMessage, messagesOf } from '../netlink/message.ts';
import { openNetlinkSocket } from './netlink-libc.ts';

/** NFNLGRP_NFTABLES (include/uapi/linux/netfilter/nfnetlink.h): who is in it hears of every commit. */
const NFTABLES_EVENTS = 7;

/** Larger than any event: nf_tables puts them together up to a page or a few (NLMSG_GOODSIZE). */
const BUFFER_BYTES = 1 << 18;

/** Sequence of the question that wakes a read which waits. */
const WAKE = 0x7fff_ffff;

/** Who is told. */
export interface CommitListener {
  readonly onCommit: (commit: FollowedCommit) => void;
  /** Commits may have been missed: the kernel had no room for an event, or one could not be read. Following goes on. */
  readonly onLost: (why: string) => void;
}

/** What ends the following. */
export interface Following {
  readonly close: () => void;
}

/**
 * Follows every commit of anybody in the network namespace of this process, in order, with its number, its writer and the tables that it
 * has written. A read that waits holds one of the threads that Node has for files. Problems: see `openNetlinkSocket`.
 */
export const followCommits = ({ onCommit, onLost }: CommitListener): Result<Following> => {
  const opened = openNetlinkSocket([NFTABLES_EVENTS]);
  if (!opened.ok) return opened;
  const fd = opened.value;
  const buffer = new Uint8Array(BUFFER_BYTES);
  let readCommit = commitReader();
  let isOpen = true;
  const lose = (why: string): void => {
    readCommit = commitReader();
    onLost(why);
  };
  const hear = (bytes: Uint8Array): void => {
    const messages = messagesOf(bytes);
    if (!messages.ok) return lose(messages.problems[0]?.message ?? '');
    for (const message of messages.value) {
      if (message.sequence === WAKE) continue;
      const commit = readCommit(message);
      if (!commit.ok) lose(commit.problems[0]?.message ?? '');
      else if (commit.value !== null) onCommit(commit.value);
    }
  };
  const next = (): void =>
    read(fd, buffer, 0, buffer.length, null, (cause, length) => {
      if (!isOpen) return closeSync(fd);
      if (cause !== null) lose(cause.message);
      else hear(buffer.subarray(0, length));
      next();
    });
  next();
  return ok({
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      writeSync(fd, encodeMessage(askGeneration, WAKE));
    },
  });
};
