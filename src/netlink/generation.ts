import { ok, type Result } from '../diagnostic/diagnostic.ts';
import { number32, readNumber32, readText, visitAttributes } from './attribute.ts';
import { BATCH, FLAG, HEADER, MESSAGE, NFTA, SUBSYSTEM_NFTABLES } from './constants.ts';
import { encodeMessage, malformed, nftables, type Message, type Received } from './message.ts';

/**
 * A commit of somebody: every transaction of nf_tables in a network namespace raises its generation by one
 * (nf_tables_gen_notify, net/netfilter/nf_tables_api.c).
 */
export interface Commit {
  readonly generation: number;
  /** The thread that wrote, numbered in the machine's first pid namespace; null where the kernel does not say. */
  readonly process: number | null;
  /** Its name, at most 15 letters; empty where the kernel does not say. */
  readonly name: string;
  /**
   * The port of its socket: the number of its process, where no other socket of the network namespace has that
   * (netlink_autobind).
   */
  readonly port: number;
}

/** Asks for the ruleset's generation. */
export const askGeneration: Message = {
  type: nftables(MESSAGE.getGeneration),
  flags: FLAG.request,
  family: 0,
  attributes: [],
};

/** Whether a message tells a generation: the answer to the question, or the event that ends each commit. */
export const isGeneration = ({ type }: Received): boolean => type === nftables(MESSAGE.newGeneration);

/** Reads a generation, and who has made it. */
export const readGeneration = ({ view, first, end, port }: Received): Result<Commit> => {
  const read = { generation: null as number | null, process: null as number | null, name: '' };
  const whole = visitAttributes(view, first + HEADER.netfilter, end, (type, from, to) => {
    if (type === NFTA.generation.id) read.generation = readNumber32(view, from, to);
    else if (type === NFTA.generation.process) read.process = readNumber32(view, from, to);
    else if (type === NFTA.generation.name) read.name = readText(view, from, to);
  });
  const { generation } = read;
  return whole && generation !== null ? ok({ ...read, generation, port }) : malformed('a generation is cut');
};

/**
 * The generation after another: they are numbers of 32 bits that begin anew at 1 (nft_base_seq in nf_tables_commit
 * leaves out 0).
 */
export const nextGeneration = (generation: number): number => (generation === 0xffff_ffff ? 1 : generation + 1);

/**
 * Begins a transaction. With `expected` the kernel commits only if the ruleset still has that generation, else it
 * answers ERESTART and nothing is changed (nfnetlink_rcv_batch, net/netfilter/nfnetlink.c).
 */
export const beginBatch = (expected: number | null): Message => ({
  type: BATCH.begin,
  flags: FLAG.request,
  family: 0,
  resource: SUBSYSTEM_NFTABLES,
  attributes: expected === null ? [] : [number32(BATCH.generation, expected)],
});

/**
 * Ends a transaction. Kernels before 6.10 acknowledge neither the begin nor the end of one, so its last message within
 * asks for that (nfnetlink_rcv_batch); the kernel answers when everything is committed.
 */
export const endBatch: Message = {
  type: BATCH.end,
  flags: FLAG.request,
  family: 0,
  resource: SUBSYSTEM_NFTABLES,
  attributes: [],
};

/**
 * A transaction as one datagram: the kernel takes all of it or nothing. `messages` has at least one. Message `i` of it
 * carries the sequence `sequence + 1 + i`, the begin `sequence`; the answer that ends the exchange carries that of the
 * last, or an error the begin's.
 */
export const encodeBatch = (messages: readonly Message[], expected: number | null, sequence: number): Uint8Array => {
  const parts = [
    encodeMessage(beginBatch(expected), sequence),
    ...messages.map((message, index) =>
      encodeMessage(
        index === messages.length - 1 ? { ...message, flags: message.flags | FLAG.acknowledge } : message,
        sequence + 1 + index,
      ),
    ),
    encodeMessage(endBatch, sequence + 1 + messages.length),
  ];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
};
