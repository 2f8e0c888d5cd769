import { guardsOf } from '../../access/guard-of.ts';
import type { Access, ExposureAccess } from '../../access/model.ts';
import { exposureId } from '../../access/exposures.ts';
import { postrouting, prerouting } from '../../compile/table/frame.ts';
import { POSTROUTING, PREROUTING, REPLIES, VIPS } from '../../compile/table/names.ts';
import type { Address } from '../../net/address.ts';
import { ofFamily } from '../../net/address-set.ts';
import { FAMILIES, type Family } from '../../net/family.ts';
import { difference, EVERY_ADDRESS, intersection, isEmpty, NO_ADDRESS, type PrefixSet } from '../../net/prefix-set.ts';
import { knownDifference, knownIntersection, memoUnion } from '../../net/remembered.ts';
import type { Protocol } from '../../net/protocol.ts';
import type { Table } from '../../ruleset/table.ts';
import { chainAsker, type AddressType, type Outcome, type Seen } from './ask-chain.ts';
import { chainReads, INCOMING, OUTGOING, type ChainReads } from './chain-reads.ts';
import { collectDifferences, type Proof } from './differences.ts';
import { placesOf } from './own-table.ts';
import { portClasses } from './port-class.ts';

/** Types of destination addresses that reach sockets of this host, with the families that have them. */
const OWN_TYPES: Readonly<Record<Family, readonly AddressType[]>> = {
  4: ['local', 'broadcast', 'multicast'],
  6: ['local', 'anycast', 'multicast'],
};

/** An interface that no rule names. */
const SOME_DEVICE = 'an interface that no rule names';

/**
 * Compares what a listed table does with an access, for every source address of both families and at every port,
 * address and interface where either can change its behaviour (law 5). Only the own table is looked at, and only up to
 * its verdict. What a rule of it does for reasons that cannot be told is a difference: it may let in, and it may
 * refuse.
 */
export const prove = (table: Table | null, access: Access): Proof => {
  const differences = collectDifferences();
  const guarded = access.exposures.filter(({ selection }) => selection !== null);
  const failWith = (why: string): Proof => {
    for (const exposure of guarded)
      for (const family of FAMILIES) differences.fail(exposure.id, refusedBy(access, exposure, family), why);
    if (guarded.length === 0) differences.fail('every port', NO_ADDRESS[4], why);
    return differences.proof(guarded.length);
  };
  if (table === null)
    return guarded.length === 0 ? differences.proof(0) : failWith('there is no table inet portcullis');
  const framed = frameProblem(table);
  if (framed !== null) return failWith(framed);
  const reads = {
    incoming: chainReads(table, PREROUTING, INCOMING, OWN_MAPS),
    outgoing: chainReads(table, POSTROUTING, OUTGOING, OWN_MAPS),
  };
  const unclear = [...reads.incoming.unclear, ...reads.outgoing.unclear];
  if (unclear.length > 0) return failWith(`${unclear.join(', ')}: for whom it matches cannot be told`);

  const guard = guardsOf(access);
  const places = placesOf(table, access);
  const asker = chainAsker(table);
  const expect = (
    id: string,
    outcomes: readonly Outcome[],
    allowed: PrefixSet,
    judges: 'both ways' | 'refusals',
  ): void => {
    const { may, mayNot, admit, refuse } = summary(allowed.family, outcomes);
    if (judges === 'both ways' && may !== allowed) {
      const gained = knownDifference(may, allowed);
      differences.note('gained', id, gained, () => rulesBehind(admit, gained));
    }
    if (isEmpty(mayNot)) return;
    const lost = knownIntersection(mayNot, allowed);
    differences.note('lost', id, lost, () => rulesBehind(refuse, lost));
  };
  const check = (protocol: Protocol, port: number, destination: Address | null): void => {
    const exposure =
      guard(protocol, port, destination ?? 'local') ?? (destination === null ? null : guard(protocol, port, 'local'));
    const id = exposure?.id ?? exposureId(destination, { first: port, last: port }, protocol);
    const isVip = (address: Address): boolean => guard(protocol, port, address) !== null;
    const vipOnly = destination !== null && guard(protocol, port, destination) === null;
    for (const family of destination === null ? FAMILIES : [destination.family]) {
      const allowed = allowedBy(access, exposure, family);
      const everybody = EVERY_ADDRESS[family];
      const ask = (address: bigint, device: string) => (type: AddressType, seen: Seen) =>
        asker.incoming(PREROUTING, { family, protocol, port, address, type, seen, device });
      const seen: readonly Seen[] = reads.incoming.asksForState
        ? ['original', 'untracked', 'invalid']
        : ['original', 'untracked'];
      for (const device of [SOME_DEVICE, ...reads.incoming.devices])
        for (const address of addressesFor(reads.incoming, destination, family, isVip)) {
          const incoming = ask(address, device);
          for (const type of destination === null ? OWN_TYPES[family] : (['local', 'unicast'] as const))
            for (const one of seen)
              expect(id, incoming(type, one), vipOnly && type === 'unicast' ? everybody : allowed, 'both ways');
          if (destination === null) expect(id, incoming('unicast', 'original'), everybody, 'both ways');
          expect(id, incoming('local', 'reply'), everybody, 'both ways');
          if (device === SOME_DEVICE) expect(id, ask(address, 'lo')('local', 'original'), everybody, 'both ways');
        }
      // Replies may be cut for refused clients only; which of them are cut depends on what is tracked.
      if (table.chains.has(POSTROUTING))
        for (const device of [SOME_DEVICE, ...reads.outgoing.devices])
          for (const address of addressesFor(reads.outgoing, destination, family, isVip)) {
            const type = destination === null ? 'local' : 'unicast';
            const replies = { family, protocol, port, address, type, seen: 'reply', device } as const;
            expect(id, asker.outgoing(POSTROUTING, replies), allowed, 'refusals');
          }
    }
  };
  const classOf = portClasses(table);
  /** Classes of ports, with the selection that guards them, at which nothing was found. */
  const right = new Set<string>();
  for (const [protocol, ports] of places.ports)
    for (const port of ports) {
      const like =
        classOf === null
          ? null
          : `${protocol} ${guard(protocol, port, 'local')?.selection}\n${classOf(protocol, port)}`;
      if (like !== null && right.has(like)) continue;
      const before = differences.found();
      check(protocol, port, null);
      if (like !== null && differences.found() === before) right.add(like);
    }
  for (const { address, protocol, port } of places.vips) check(protocol, port, address);
  return differences.proof(guarded.length);
};

/** Maps of which every key is a place of its own. */
const OWN_MAPS: ReadonlySet<string> = new Set(Object.values(VIPS));

/**
 * The address itself; for any local one an address that no rule names, and those that rules name, but for VIPs, which
 * are places of their own.
 */
const addressesFor = (
  reads: ChainReads,
  destination: Address | null,
  family: Family,
  isVip: (address: Address) => boolean,
): readonly bigint[] =>
  destination === null
    ? [reads.unnamed(family), ...reads.addresses(family).filter((value) => !isVip({ family, value }))]
    : [destination.value];

const allowedBy = (access: Access, exposure: ExposureAccess | null, family: Family): PrefixSet => {
  const selection = exposure?.selection == null ? undefined : access.selections.get(exposure.selection);
  return selection === undefined ? EVERY_ADDRESS[family] : ofFamily(selection.allowed, family);
};

const refusedBy = (access: Access, exposure: ExposureAccess, family: Family): PrefixSet =>
  difference(EVERY_ADDRESS[family], allowedBy(access, exposure, family));

/**
 * The table must be awake and its base chains must be attached where they judge; a further one could decide before or
 * after them.
 */
const frameProblem = (table: Table): string | null => {
  if (table.flags !== undefined) return 'the table has a flag (dormant: it judges nothing; or owner)';
  const wanted = [prerouting(new Map()), postrouting];
  const replies = table.sets.get(REPLIES);
  const judgesReplies = replies?.kind === 'verdict-map' && replies.elements.length > 0;
  for (const { name, base } of wanted) {
    if (name === POSTROUTING && !judgesReplies && !table.chains.has(name)) continue;
    const there = table.chains.get(name)?.base ?? null;
    if (there === null) return `the base chain ${name} is missing`;
    if (
      base !== null &&
      (there.hook !== base.hook ||
        there.priority !== base.priority ||
        there.type !== base.type ||
        there.policy !== base.policy)
    )
      return `the base chain ${name} is attached elsewhere: ${there.type} ${there.hook} ${there.priority}, policy ${there.policy}`;
  }
  const extra = [...table.chains.values()].find(
    ({ name, base }) => base !== null && !wanted.some((chain) => chain.name === name),
  );
  return extra === undefined ? null : `there is a base chain that is not ours: ${extra.name}`;
};

const ruleName = ({ at }: Outcome): string =>
  at.kind !== 'rule' ? at.kind : `${at.chain.name} ${at.number === 'policy' ? 'policy' : `rule ${at.number}`}`;

const rulesBehind = (outcomes: readonly Outcome[], clients: PrefixSet): readonly string[] =>
  outcomes.filter((outcome) => !isEmpty(intersection(outcome.clients, clients))).map(ruleName);

/** Clients that may get through, clients that may not, and what is behind each. */
const summary = (family: Family, outcomes: readonly Outcome[]) => {
  let [may, mayNot] = [NO_ADDRESS[family], NO_ADDRESS[family]];
  const admit: Outcome[] = [];
  const refuse: Outcome[] = [];
  for (const outcome of outcomes) {
    const { clients, verdict } = outcome;
    if (verdict !== 'drop' && verdict !== 'reject') {
      may = memoUnion(may, clients);
      admit.push(outcome);
    }
    if (verdict !== 'accept') {
      mayNot = memoUnion(mayNot, clients);
      refuse.push(outcome);
    }
  }
  return { may, mayNot, admit, refuse };
};
