import type { Protocol } from '../../net/protocol.ts';
import { PROTOCOL_NUMBER, PROTOCOLS } from '../../net/protocol.ts';
import { single, symbol } from '../../ruleset/values/data-type.ts';
import { l4proto, type Expression } from '../../ruleset/nft/expression.ts';
import { counted, match, values, verdict, type Statement } from '../../ruleset/nft/statement.ts';
import type { Chain, Rule } from '../../ruleset/table.ts';
import { accept, goto, jump } from '../../ruleset/values/verdict.ts';
import { rangeOfChain, readOwnName, selectionNames } from './names.ts';

/** What the chain of an exposure does with a packet of one protocol. */
export type Treatment =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'guarded';
      /** The selection instance that admits. */
      readonly instance: string;
      /** Whether Audit policies would refuse somebody: then the sources are noted first. */
      readonly audit: boolean;
      /** The chain that refuses. */
      readonly refuse: string;
    };

export type Treatments = ReadonlyMap<Protocol, Treatment>;

export const sameTreatment = (a: Treatment, b: Treatment): boolean =>
  a.kind === 'open'
    ? b.kind === 'open'
    : b.kind === 'guarded' && a.instance === b.instance && a.audit === b.audit && a.refuse === b.refuse;

const typeOfDestination: Expression = { kind: 'fib', flags: ['daddr'], result: 'type' };

/**
 * "Not for this node": goes on to the next base chain. For the kernel every IPv4 address outside the local table is
 * unicast (net/ipv4/fib_frontend.c, __inet_dev_addr_type); broadcast, anycast and multicast addresses reach sockets of
 * this host and are judged.
 */
const elsewhere: Rule = {
  statements: [match(typeOfDestination, values(symbol('unicast'))), verdict({ kind: 'return' })],
};

const only = (protocol: Protocol | null): readonly Statement[] =>
  protocol === null ? [] : [match(l4proto, values(single(PROTOCOL_NUMBER[protocol])))];

/**
 * `isRange`: the rule that asks who may come in counts all packets, because nft 1.0.6 cannot give a new map of ranges
 * what an old one has counted.
 */
const judgeOf =
  (isRange: boolean) =>
  (protocol: Protocol | null, treatment: Treatment): readonly Rule[] => {
    if (treatment.kind === 'open') return [{ statements: [...only(protocol), verdict(accept)] }];
    const { allow, audit } = selectionNames(treatment.instance);
    return [
      ...(treatment.audit ? [{ statements: [...only(protocol), verdict(jump(audit))] }] : []),
      { statements: [...only(protocol), ...(isRange ? [counted()] : []), verdict(jump(allow))] },
      { statements: [...only(protocol), counted(), verdict(goto(treatment.refuse))] },
    ];
  };

/** What a rule of an exposure's chain counts: all packets of a range, or those that are refused. */
export const countedBy = ({ statements }: Rule): 'judged' | 'refused' => {
  const last = statements.at(-1);
  return last?.kind === 'verdict' && last.verdict.kind === 'jump' ? 'judged' : 'refused';
};

/** Rules for each protocol apart, or one set of rules where all are treated alike. */
export const perProtocol = (
  treatments: Treatments,
  rulesOf: (protocol: Protocol | null, treatment: Treatment) => readonly Rule[],
): readonly Rule[] => {
  const list = PROTOCOLS.flatMap((protocol) => {
    const treatment = treatments.get(protocol);
    return treatment === undefined ? [] : [{ protocol, treatment }];
  });
  const [first] = list;
  if (first === undefined) return [];
  return list.every(({ treatment }) => sameTreatment(treatment, first.treatment))
    ? rulesOf(null, first.treatment)
    : list.flatMap(({ protocol, treatment }) => rulesOf(protocol, treatment));
};

/**
 * The rules of an exposure's stable chain. A chain for any local address (its key names none) judges only packets to
 * this node. Where that is asked for costs a look at the routes, so it is asked of those alone who are not let in
 * anyway; not where Audit policies note, who would note too many then.
 */
export const exposureRules = (treatments: Treatments, chain: string): readonly Rule[] => {
  const rules = perProtocol(treatments, judgeOf(rangeOfChain(chain) !== null));
  if (readOwnName(chain)?.kind !== 'local') return rules;
  const [allow, refuse, ...more] = rules;
  const isPlain = [...treatments.values()].every((treatment) => treatment.kind === 'guarded' && !treatment.audit);
  return isPlain && allow !== undefined && refuse !== undefined && more.length === 0
    ? [allow, elsewhere, refuse]
    : [elsewhere, ...rules];
};

/** What a chain of ours, listed from the kernel, does with a protocol; null when it has been changed by hand. */
export const treatmentIn = ({ rules }: Chain, protocol: Protocol): Treatment | null => {
  const known = read.get(rules) ?? new Map<Protocol, Treatment | null>();
  read.set(rules, known);
  const treatment = known.get(protocol) ?? readTreatment(rules, protocol);
  known.set(protocol, treatment);
  return treatment;
};

/** Lists of rules never change, and a process that goes on running sees the same ones again. */
const read = new WeakMap<readonly Rule[], Map<Protocol, Treatment | null>>();

const readTreatment = (rules: readonly Rule[], protocol: Protocol): Treatment | null => {
  let audit = false;
  let instance: string | null = null;
  for (const { statements } of rules) {
    const [first, ...others] = statements;
    const guard = first?.kind === 'match' && isProtocolTest(first) ? first : null;
    if (guard !== null && !tests(guard, protocol)) continue;
    const last = (guard === null ? statements : others).at(-1);
    if (last?.kind !== 'verdict') return null;
    const { verdict: said } = last;
    if (said.kind === 'accept' && instance === null) return { kind: 'open' };
    const led = said.kind === 'jump' ? readOwnName(said.chain) : null;
    if (led?.kind === 'audit') audit = true;
    else if (led?.kind === 'allow' && instance === null) instance = led.instance;
    else if (said.kind === 'goto' && instance !== null) return { kind: 'guarded', instance, audit, refuse: said.chain };
    else if (said.kind !== 'return') return null;
  }
  return null;
};

type Match = Extract<Statement, { kind: 'match' }>;
const isProtocolTest = ({ left }: Match): boolean => left[0]?.kind === 'meta' && left[0].key === 'l4proto';
const tests = ({ right, negate }: Match, protocol: Protocol): boolean =>
  !negate &&
  right.kind === 'values' &&
  right.values.some((value) => value.kind === 'range' && value.first === BigInt(PROTOCOL_NUMBER[protocol]));
