import { randomInt } from 'node:crypto';
import { closeSync, read, writeSync } from 'node:fs';
import { ok, type Result } from '../diagnostic/diagnostic.ts';
import { commitReader, type FollowedCommit } from '../netlink/commits.ts';
import { askGeneration, nextGeneration } from '../netlink/generation.ts';
import { encodeMessage, messagesOf } from '../netlink/message.ts';
import { openNetlinkSocket } from './netlink-libc.ts';

/** NFNLGRP_NFTABLES (include/uapi/linux/netfilter/nfnetlink.h): who is in it hears of every commit. */
const NFTABLES_EVENTS = 7;

/** Larger than any event: nf_tables puts them together up to a page or a few (NLMSG_GOODSIZE). */
const BUFFER_BYTES = 1 << 18;

/** A read that fails for another reason than want of room is tried again after this time. */
const AGAIN_MS = 1000;

/** Who is told. */
export interface CommitListener {
  readonly onCommit: (commit: FollowedCommit) => void;
  /** Commits may have been missed: the kernel had no room for an event, or one could not be read. Following goes on. */
  readonly onLost: (why: string) => void;
}

/** Commits that are being followed. */
export interface Following {
  /** Is fulfilled when every commit has been told that was made before the call. */
  readonly caughtUp: () => Promise<void>;
  readonly close: () => void;
}

/**
 * Follows every commit of anybody in the network namespace of this process, in order, with its number, its writer and
 * the tables that it has written. A read that waits holds one of the threads that Node has for files. Problems: see
 * `openNetlinkSocket`.
 */
export const followCommits = ({ onCommit, onLost }: CommitListener): Result<Following> => {
  const opened = openNetlinkSocket([NFTABLES_EVENTS]);
  if (!opened.ok) return opened;
  const fd = opened.value;
  const buffer = new Uint8Array(BUFFER_BYTES);
  let readCommit = commitReader();
  let isOpen = true;
  /** Who waits for the answer to a question, by its sequence. */
  const waiting = new Map<number, () => void>();
  const ask = (answered: () => void): void => {
    // Events carry the sequences of their writers, which count from something small: one at random is met by none of
    // them.
    const sequence = randomInt(1, 0x8000_0000);
    waiting.set(sequence, answered);
    writeSync(fd, encodeMessage(askGeneration, sequence));
  };
  let last: number | null = null;
  const lose = (why: string): void => {
    readCommit = commitReader();
    last = null;
    onLost(why);
    // The answers may be lost as well.
    const unanswered = [...waiting.values()];
    waiting.clear();
    for (const answered of unanswered) ask(answered);
  };
  const tell = (commit: FollowedCommit): void => {
    if (last !== null && commit.generation !== nextGeneration(last)) lose('a commit was not told');
    last = commit.generation;
    onCommit(commit);
  };
  const hear = (bytes: Uint8Array): void => {
    const messages = messagesOf(bytes);
    if (!messages.ok) return lose(messages.problems[0]?.message ?? '');
    for (const message of messages.value) {
      const answered = waiting.get(message.sequence);
      if (answered !== undefined) {
        waiting.delete(message.sequence);
        answered();
        continue;
      }
      const commit = readCommit(message);
      if (!commit.ok) lose(commit.problems[0]?.message ?? '');
      else if (commit.value !== null) tell(commit.value);
    }
  };
  const next = (): void => {
    if (!isOpen) return closeSync(fd);
    read(fd, buffer, 0, buffer.length, null, (cause, length) => {
      if (!isOpen) return closeSync(fd);
      if (cause === null) {
        hear(buffer.subarray(0, length));
        return next();
      }
      lose(cause.message);
      if (cause.code === 'ENOBUFS') return next();
      setTimeout(next, AGAIN_MS);
    });
  };
  next();
  return ok({
    caughtUp: () => (isOpen ? new Promise(ask) : Promise.resolve()),
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      // The read that waits ends with this answer.
      ask(() => undefined);
      for (const answered of waiting.values()) answered();
    },
  });
};
