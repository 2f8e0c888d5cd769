import { guardsOf } from '../../access/guard-of.ts';
import type { Access, ExposureAccess } from '../../access/model.ts';
import { exposureId } from '../../access/exposures.ts';
import { postrouting, prerouting } from '../../compile/table/frame.ts';
import { POSTROUTING, PREROUTING, REPLIES } from '../../compile/table/names.ts';
import type { Address } from '../../net/address.ts';
import { addressUnion, nobody, ofFamily, type AddressSet } from '../../net/address-set.ts';
import { FAMILIES, type Family } from '../../net/family.ts';
import { difference, emptySet, fullSet, intersection, isEmpty, type PrefixSet } from '../../net/prefix-set.ts';
import { knownDifference, knownIntersection, memoUnion } from '../../net/remembered.ts';
import type { Protocol } from '../../net/protocol.ts';
import type { Table } from '../../ruleset/table.ts';
import { incoming, outgoing, type AddressType, type Packet } from '../../simulate/packet.ts';
import { runBaseChain, type Outcome } from '../../simulate/run.ts';
import { placesOf } from './own-table.ts';
import { portClasses } from './port-class.ts';

/** Where the kernel's own listing and the access disagree. */
export interface Difference {
  /** An exposure's id, or the port or address where there is no exposure. */
  readonly exposure: string;
  /** Sources that the kernel may let in although the policies refuse them. */
  readonly gained: AddressSet;
  /** Sources that the kernel may refuse although the policies allow them. */
  readonly lost: AddressSet;
  /** The rules that decide so: `prerouting rule 3`. */
  readonly because: readonly string[];
}

export interface Proof {
  readonly holds: boolean;
  /** Guarded exposures that were compared. */
  readonly exposures: number;
  readonly differences: readonly Difference[];
}

const EVERYBODY = { 4: fullSet(4), 6: fullSet(6) } as const;
const NOBODY = { 4: emptySet(4), 6: emptySet(6) } as const;

/** Types of destination addresses that reach sockets of this host, with the families that have them. */
const OWN_TYPES: Readonly<Record<Family, readonly AddressType[]>> = {
  4: ['local', 'broadcast', 'multicast'],
  6: ['local', 'anycast', 'multicast'],
};

/**
 * Compares what a listed table does with an access, for every source address of both families and at every port and address where
 * either can change its behaviour (law 5). Only the own table is looked at, and only up to its verdict.
 */
export const prove = (table: Table | null, access: Access): Proof => {
  const collect = collector();
  const guard = guardsOf(access);
  const places = placesOf(table, access);
  const guarded = access.exposures.filter(({ selection }) => selection !== null);
  const framed = table === null ? 'there is no table inet portcullis' : frameProblem(table);
  if (framed !== null) {
    if (table !== null || guarded.length > 0)
      for (const exposure of guarded)
        for (const family of FAMILIES) collect.gain(exposure.id, family, refusedBy(access, exposure, family), framed);
    if (table !== null && guarded.length === 0) collect.gain('every port', 4, NOBODY[4], framed);
    return collect.proof(guarded.length);
  }
  if (table === null) return collect.proof(0);

  const expect = (
    id: string,
    family: Family,
    packet: Packet,
    chain: string,
    allowed: PrefixSet,
    gains = true,
  ): void => {
    const { may, mayNot, rules } = summary(family, runBaseChain(table, chain, packet));
    if (gains && may !== allowed) collect.gain(id, family, knownDifference(may, allowed), rules.admit);
    if (!isEmpty(mayNot)) collect.lose(id, family, knownIntersection(mayNot, allowed), rules.refuse);
  };
  const allowedAt = (exposure: ExposureAccess | null, family: Family): PrefixSet => allowedBy(access, exposure, family);
  const check = (protocol: Protocol, port: number, destination: Address | null): void => {
    const exposure =
      guard(protocol, port, destination ?? 'local') ?? (destination === null ? null : guard(protocol, port, 'local'));
    const id = exposure?.id ?? exposureId(destination, { first: port, last: port }, protocol);
    const vipOnly = destination !== null && guard(protocol, port, destination) === null;
    for (const family of destination === null ? FAMILIES : [destination.family]) {
      const allowed = allowedAt(exposure, family);
      const to = (type: AddressType, direction: 'original' | 'reply' | 'untracked', through?: 'lo'): Packet =>
        incoming({
          family,
          protocol,
          port,
          destination,
          type,
          direction,
          ...(through === undefined ? {} : { through }),
        });
      for (const type of destination === null ? OWN_TYPES[family] : (['local', 'unicast'] as const)) {
        const wanted = vipOnly && type === 'unicast' ? EVERYBODY[family] : allowed;
        for (const direction of ['original', 'untracked'] as const)
          expect(id, family, to(type, direction), PREROUTING, wanted);
      }
      if (destination === null) expect(id, family, to('unicast', 'original'), PREROUTING, EVERYBODY[family]);
      expect(id, family, to('local', 'reply'), PREROUTING, EVERYBODY[family]);
      expect(id, family, to('local', 'original', 'lo'), PREROUTING, EVERYBODY[family]);
      // Replies may be cut for refused clients only; which of them are cut depends on what is tracked.
      expect(id, family, outgoing({ family, protocol, port, source: destination }), POSTROUTING, allowed, false);
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
      const before = collect.found();
      check(protocol, port, null);
      if (like !== null && collect.found() === before) right.add(like);
    }
  for (const { address, protocol, port } of places.vips) check(protocol, port, address);
  return collect.proof(guarded.length);
};

const allowedBy = (access: Access, exposure: ExposureAccess | null, family: Family): PrefixSet => {
  const selection = exposure?.selection == null ? undefined : access.selections.get(exposure.selection);
  return selection === undefined ? EVERYBODY[family] : ofFamily(selection.allowed, family);
};

const refusedBy = (access: Access, exposure: ExposureAccess, family: Family): PrefixSet =>
  difference(EVERYBODY[family], allowedBy(access, exposure, family));

/** The table must be awake and its base chains must be attached where they judge; a further one could decide before or after them. */
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

const ruleName = ({ decidedBy }: Outcome): string =>
  `${decidedBy.chain} ${decidedBy.rule === 'policy' ? 'policy' : `rule ${decidedBy.rule}`}`;

/** Sources that may get through, sources that may not, and the rules behind each. */
const summary = (family: Family, outcomes: readonly Outcome[]) => {
  let [may, mayNot]: readonly PrefixSet[] & { 0: PrefixSet; 1: PrefixSet } = [NOBODY[family], NOBODY[family]];
  const admit: Outcome[] = [];
  const refuse: Outcome[] = [];
  for (const outcome of outcomes) {
    const { subjects, verdict } = outcome;
    if (verdict !== 'drop' && verdict !== 'reject') {
      may = memoUnion(may, subjects);
      admit.push(outcome);
    }
    if (verdict !== 'accept') {
      mayNot = memoUnion(mayNot, subjects);
      refuse.push(outcome);
    }
  }
  return { may, mayNot, rules: { admit, refuse } };
};

/** Gathers differences per exposure over all the packets that were tried. */
const collector = () => {
  const found = new Map<string, { gained: AddressSet; lost: AddressSet; because: Set<string> }>();
  let notes = 0;
  const note = (
    kind: 'gained' | 'lost',
    exposure: string,
    family: Family,
    set: PrefixSet,
    why: readonly Outcome[] | string,
  ): void => {
    if (isEmpty(set) && typeof why !== 'string') return;
    notes++;
    const entry = found.get(exposure) ?? { gained: nobody, lost: nobody, because: new Set<string>() };
    found.set(exposure, entry);
    entry[kind] = addressUnion(entry[kind], { v4: NOBODY[4], v6: NOBODY[6], [family === 4 ? 'v4' : 'v6']: set });
    const rules =
      typeof why === 'string'
        ? [why]
        : why.filter(({ subjects }) => !isEmpty(intersection(subjects, set))).map(ruleName);
    for (const rule of rules) entry.because.add(rule);
  };
  return {
    gain: (exposure: string, family: Family, set: PrefixSet, why: readonly Outcome[] | string) =>
      note('gained', exposure, family, set, why),
    lose: (exposure: string, family: Family, set: PrefixSet, why: readonly Outcome[] | string) =>
      note('lost', exposure, family, set, why),
    /** Number of differences noted so far, each time one is seen. */
    found: (): number => notes,
    proof: (exposures: number): Proof => ({
      holds: found.size === 0,
      exposures,
      differences: [...found].map(([exposure, { gained, lost, because }]) => ({
        exposure,
        gained,
        lost,
        because: [...because].slice(0, 8),
      })),
    }),
  };
};
