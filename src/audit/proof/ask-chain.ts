import { PROTOCOL_NUMBER, type Protocol } from '../../net/protocol.ts';
import type { Family } from '../../net/family.ts';
import { EVERY_ADDRESS, type PrefixSet } from '../../net/prefix-set.ts';
import { certain } from '../../lower/fraction.ts';
import type { Field } from '../../lower/field.ts';
import { symbol, type Value } from '../../ruleset/values/data-type.ts';
import { unknownRuleset, type Ruleset } from '../../ruleset/ruleset.ts';
import type { Table } from '../../ruleset/table.ts';
import { visitBaseChain, type ChainExit } from '../../simulate/chain/chain-walk.ts';
import { hostIndex } from '../../simulate/host/host-index.ts';
import type { Context } from '../../simulate/state/context.ts';
import type { Place } from '../../simulate/state/place.ts';
import { ANY_PORT, onePort, SOURCES, type Connection, type State, type Tuple } from '../../simulate/state/state.ts';

/** The kernel's address types that matter here (include/uapi/linux/rtnetlink.h, RTN_*). */
export type AddressType = 'local' | 'broadcast' | 'anycast' | 'multicast' | 'unicast';

/** How the connection tracker sees the packets. */
export type Seen = 'original' | 'reply' | 'untracked' | 'invalid';

/**
 * Packets between every client at once and one port of the node. What is not said here (marks, flags, sizes, the state
 * of the connection, extension headers …) is anything.
 */
export interface Question {
  readonly family: Family;
  readonly protocol: Protocol;
  /** The node's port. */
  readonly port: number;
  /** The address on the node's side, and its type for the routing. */
  readonly address: bigint;
  readonly type: AddressType;
  readonly seen: Seen;
  /** The interface by which they come in, or leave. */
  readonly device: string;
}

/**
 * What can become of the packets of some clients, and the rule that decides it. The same client can stand in several.
 */
export interface Outcome {
  readonly clients: PrefixSet;
  readonly verdict: 'accept' | 'drop' | 'reject' | 'unknown';
  readonly at: Place;
}

/** Asks the chains of one table; see {@link chainAsker}. */
export interface ChainAsker {
  /** Packets that come in from clients, at a base chain in prerouting. */
  readonly incoming: (chain: string, question: Question) => readonly Outcome[];
  /** Packets that the node's side sends to clients, at a base chain in postrouting. */
  readonly outgoing: (chain: string, question: Question) => readonly Outcome[];
}

/**
 * The verdict of a chain as far as it concerns the packet's way on; a rewriting is none that the own table should give.
 */
const verdictOf = ({ verdict }: ChainExit): Outcome['verdict'] => {
  switch (verdict.kind) {
    case 'accept':
    case 'drop':
    case 'reject':
      return verdict.kind;
    case 'mapped':
    case 'gave-up':
    case 'unknown':
      return 'unknown';
  }
};

const connectionOf = (question: Question, seen: 'original' | 'reply'): Connection => {
  const ofClient: Tuple = {
    source: SOURCES,
    destination: question.address,
    sourcePort: ANY_PORT,
    destinationPort: onePort(question.port),
  };
  const anything: Tuple = {
    source: undefined,
    destination: undefined,
    sourcePort: ANY_PORT,
    destinationPort: ANY_PORT,
  };
  return {
    state: undefined,
    direction: seen,
    original: ofClient,
    reply: anything,
    dnatDone: true,
    snatDone: true,
    dnat: false,
    snat: false,
    confirmed: true,
    seenReply: false,
    assured: false,
    mark: undefined,
    zone: undefined,
  };
};

/** What the tracker holds for packets of the node's own connections is not known at all. */
const ofNodesOwn = (connection: Connection): Connection => ({ ...connection, original: connection.reply });

const contextOf = (ruleset: Ruleset, question: Question, fields: ReadonlyMap<Field, Value>): Context => {
  return {
    ruleset,
    family: question.family,
    index: hostIndex(ruleset.host, question.family),
    packet: {
      family: question.family,
      sources: EVERY_ADDRESS[question.family],
      destination: question.address,
      protocol: PROTOCOL_NUMBER[question.protocol],
      sourcePort: null,
      destinationPort: question.port,
      entry: { kind: 'interface', name: question.device },
      state: 'established',
      direction: question.seen === 'reply' ? 'reply' : 'original',
      fields,
      unstated: 'unknown',
    },
    order: [],
    earlier: null,
    balanced: null,
    recording: false,
    spent: { forks: 0 },
  };
};

type Fields = Readonly<Record<AddressType, ReadonlyMap<Field, Value>>>;

const typed = (field: Field): Fields => {
  const of = (type: AddressType): ReadonlyMap<Field, Value> => new Map([[field, symbol(type)]]);
  return {
    local: of('local'),
    broadcast: of('broadcast'),
    anycast: of('anycast'),
    multicast: of('multicast'),
    unicast: of('unicast'),
  };
};
const TO_TYPE = typed('destination-type');
const FROM_TYPE = typed('source-type');

const stateOf = (question: Question, connection: State['connection'], incoming: boolean): State => ({
  sources: EVERY_ADDRESS[question.family],
  point: null,
  source: incoming ? SOURCES : question.address,
  sourcePort: incoming ? ANY_PORT : onePort(question.port),
  destination: incoming ? question.address : SOURCES,
  destinationPort: incoming ? question.port : undefined,
  mark: undefined,
  ttl: undefined,
  dscp: undefined,
  length: undefined,
  in: incoming ? question.device : '',
  out: incoming ? '' : question.device,
  arrived: incoming ? question.device : '',
  route: null,
  template: null,
  connection,
  hasSocket: false,
  ipvs: null,
  chosen: null,
  translatedSource: false,
  weight: certain,
  shared: false,
  assuming: null,
  chances: null,
  path: null,
});

const ask = (
  table: Table,
  ruleset: Ruleset,
  chainName: string,
  question: Question,
  incoming: boolean,
): readonly Outcome[] => {
  const chain = table.chains.get(chainName);
  if (chain === undefined) return [];
  const { seen, type } = question;
  const tracked = seen === 'original' || seen === 'reply' ? connectionOf(question, seen) : seen;
  const connection = incoming && seen === 'reply' && typeof tracked !== 'string' ? ofNodesOwn(tracked) : tracked;
  const context = contextOf(ruleset, question, (incoming ? TO_TYPE : FROM_TYPE)[type]);
  const hook = incoming ? 'prerouting' : 'postrouting';
  const exits = visitBaseChain(context, table, chain, hook, stateOf(question, connection, incoming));
  return exits.map((exit) => ({ clients: exit.state.sources, verdict: verdictOf(exit), at: exit.at }));
};

/**
 * Asks the base chains of a table what they do with packets of all clients at once; the evaluator is that of every
 * simulation.
 */
export const chainAsker = (table: Table): ChainAsker => {
  // One node for all questions, so that what is made ready for look-ups is made once.
  const ruleset = { ...unknownRuleset(), tables: [table] };
  return {
    incoming: (chain, question) => ask(table, ruleset, chain, question, true),
    outgoing: (chain, question) => ask(table, ruleset, chain, question, false),
  };
};
