import { closeSync, readSync, writeSync } from 'node:fs';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { isAcknowledgement, readAcknowledgement, type Acknowledgement } from '../netlink/answer.ts';
import { CONTROL, FLAG } from '../netlink/constants.ts';
import { askGeneration, encodeBatch, isGeneration, readGeneration } from '../netlink/generation.ts';
import { encodeMessage, messagesOf, type Message, type Received } from '../netlink/message.ts';
import { openNetlinkSocket } from './netlink-libc.ts';

/** The kernel's numbers for errors that mean something here (include/uapi/asm-generic/errno.h). */
export const ERRNO = { permission: 1, missing: 2, interrupted: 4, exists: 17, full: 23, stale: 85 } as const;

/** What became of a transaction. */
export type Committed =
  /** The kernel has it. `generation` where one was expected: nobody wrote between. */
  | { readonly kind: 'committed'; readonly generation: number | null }
  /** The ruleset was not any more the one that was expected; nothing changed. */
  | { readonly kind: 'stale' }
  /** Nothing changed. `at`: the message at fault, from 0; null where it is none of them. */
  | { readonly kind: 'refused'; readonly errno: number; readonly at: number | null; readonly text: string }
  /** The answer was lost, so only a reading tells whether the kernel has it. */
  | { readonly kind: 'lost'; readonly why: string };

/** A question of which the answer is a list. */
export type Dumped =
  | { readonly kind: 'whole' }
  /** Somebody committed meanwhile: what was told is not one state. */
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'failed'; readonly errno: number | null; readonly why: string };

/** A socket to nf_tables. Its calls wait for the kernel's answer, which takes microseconds for what is small. */
export interface Netlink {
  /** The number of the ruleset's last commit, whoever made it. */
  readonly generation: () => Result<number>;
  /**
   * Gives the messages (at least one) to the kernel as one transaction; with `expected`, only if the ruleset still has
   * that generation.
   */
  readonly commit: (messages: readonly Message[], expected: number | null) => Committed;
  /** Tells of each message of the answer to a question that lists. */
  readonly dump: (question: Message, visit: (message: Received) => void) => Dumped;
  /** The one message that answers a question, or the kernel's error. */
  readonly ask: (question: Message) => Result<Received | Acknowledgement>;
  readonly close: () => void;
}

/** Larger than any datagram of the kernel's: those of a dump have 32 KiB at most (NLMSG_GOODSIZE, netlink_dump). */
const BUFFER_BYTES = 1 << 18;

const wordsOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** Opens a socket in the network namespace of this process. Problems: see `openNetlinkSocket`. */
export const openNetlink = (): Result<Netlink> => {
  const opened = openNetlinkSocket();
  if (!opened.ok) return opened;
  const fd = opened.value;
  const buffer = new Uint8Array(BUFFER_BYTES);
  let sequence = 0;
  const take = (count: number): number => {
    const first = (sequence % 0x4000_0000) + 1;
    sequence = first + count;
    return first;
  };

  /** One datagram's messages. Throws nothing: a failed read is a problem. */
  const receive = (): Result<readonly Received[]> => {
    try {
      const length = readSync(fd, buffer, 0, buffer.length, null);
      if (length === buffer.length) return fail(error('netlink-malformed', 'an answer is longer than any should be'));
      return messagesOf(buffer.subarray(0, length));
    } catch (cause) {
      return fail(error('netlink-lost', `an answer was lost: ${wordsOf(cause)}`));
    }
  };

  const send = (bytes: Uint8Array): Result<null> => {
    try {
      writeSync(fd, bytes);
      return ok(null);
    } catch (cause) {
      return fail(error('netlink-refused', `a message could not be sent: ${wordsOf(cause)}`));
    }
  };

  /**
   * Tells of each message that answers `from` to `to`, until `visit` says that it was the last. Older answers, of calls
   * that gave up, are passed over.
   */
  const listen = (from: number, to: number, visit: (message: Received) => boolean): Result<null> => {
    for (;;) {
      const received = receive();
      if (!received.ok) return received;
      for (const message of received.value) {
        if (message.sequence < from || message.sequence > to) continue;
        if (message.type === CONTROL.overrun) return fail(error('netlink-lost', 'the kernel has lost an answer'));
        if (visit(message)) return ok(null);
      }
    }
  };

  const messageOf = (problems: readonly { readonly message: string }[]): string => problems[0]?.message ?? '';

  const commit = (messages: readonly Message[], expected: number | null): Committed => {
    const first = take(messages.length + 1);
    const last = first + messages.length;
    const sent = send(encodeBatch(messages, expected, first));
    if (!sent.ok) return { kind: 'refused', errno: 0, at: null, text: messageOf(sent.problems) };
    const said: { error: Acknowledgement | null; wrong: string | null } = { error: null, wrong: null };
    const heard = listen(first, last + 1, (message) => {
      if (!isAcknowledgement(message)) return false;
      const read = readAcknowledgement(message);
      if (!read.ok) {
        said.wrong = messageOf(read.problems);
        return true;
      }
      if (read.value.errno !== 0) said.error ??= read.value;
      // The last message asks for an answer; what concerns the whole batch is answered to its begin.
      return message.sequence === last || message.sequence === first;
    });
    if (!heard.ok) return { kind: 'lost', why: messageOf(heard.problems) };
    if (said.wrong !== null) return { kind: 'lost', why: said.wrong };
    if (said.error === null)
      return { kind: 'committed', generation: expected === null ? null : expected === 0xffff_ffff ? 1 : expected + 1 };
    const { errno, sequence: about, text } = said.error;
    if (errno === ERRNO.stale) return { kind: 'stale' };
    return { kind: 'refused', errno, at: about === first ? null : about - first - 1, text };
  };

  const dump = (question: Message, visit: (message: Received) => void): Dumped => {
    const number = take(1);
    const sent = send(encodeMessage(question, number));
    if (!sent.ok) return { kind: 'failed', errno: null, why: messageOf(sent.problems) };
    let interrupted = false;
    let failed: Dumped | null = null;
    const heard = listen(number, number, (message) => {
      interrupted ||= (message.flags & FLAG.dumpInterrupted) !== 0;
      if (message.type === CONTROL.done) {
        const errno = message.end - message.first >= 4 ? -message.view.getInt32(message.first, true) : 0;
        if (errno > 0) failed = { kind: 'failed', errno, why: `the kernel's error ${errno}` };
        return true;
      }
      if (!isAcknowledgement(message)) {
        visit(message);
        return false;
      }
      const read = readAcknowledgement(message);
      const errno = read.ok ? read.value.errno : null;
      failed = { kind: 'failed', errno, why: read.ok ? `the kernel's error ${errno}` : messageOf(read.problems) };
      return true;
    });
    if (!heard.ok) return { kind: 'failed', errno: null, why: messageOf(heard.problems) };
    return failed ?? { kind: interrupted ? 'interrupted' : 'whole' };
  };

  const ask = (question: Message): Result<Received | Acknowledgement> => {
    const number = take(1);
    const sent = send(encodeMessage(question, number));
    if (!sent.ok) return sent;
    const said: { answer: Result<Received | Acknowledgement> | null } = { answer: null };
    const heard = listen(number, number, (message) => {
      said.answer = isAcknowledgement(message) ? readAcknowledgement(message) : ok(message);
      return true;
    });
    if (!heard.ok) return heard;
    return said.answer ?? fail(error('netlink-lost', 'there was no answer'));
  };

  const generation = (): Result<number> => {
    const answer = ask(askGeneration);
    if (!answer.ok) return answer;
    if (!('view' in answer.value) || !isGeneration(answer.value))
      return fail(error('netlink-refused', 'the kernel does not tell the generation of its rules'));
    const read = readGeneration(answer.value);
    return read.ok ? ok(read.value.generation) : read;
  };

  return ok({ generation, commit, dump, ask, close: () => closeSync(fd) });
};
