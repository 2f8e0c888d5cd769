import type { Access, ExposureAccess } from '../../access/model.ts';
import type { Address } from '../../net/address.ts';
import { addressDifference, isNobody, ofFamily } from '../../net/address-set.ts';
import { FAMILIES } from '../../net/family.ts';
import {
  difference,
  emptySet,
  EVERY_ADDRESS,
  intersection,
  isEmpty,
  ranges,
  setOfRanges,
  union,
  type PrefixSet,
} from '../../net/prefix-set.ts';
import { guardsOf } from '../../access/guard-of.ts';
import { exposureId } from '../../access/exposures.ts';
import { TABLE } from '../../compile/table/names.ts';
import { appliesSourceRanges, isWrittenByKubernetes } from '../../kube-proxy/chain-role.ts';
import { looseSet } from '../../net/loose-set.ts';
import { refText } from '../../lower/rule-ref.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import { allSteps } from '../../simulate/all-steps.ts';
import type { Entry } from '../../simulate/state/packet-set.ts';
import { refOf, type Place } from '../../simulate/state/place.ts';
import { simulate, type SimulateOptions } from '../../simulate/simulate.ts';
import { nodeAddresses, outerInterfaces } from '../reach/entries.ts';
import { findExposures, type FoundExposure } from '../exposures/find-exposures.ts';
import { collectDifferences, type Difference, type Proof } from './differences.ts';
import { probeOf, reachOf, type Reach, type ReachPart } from '../reach/reach.ts';

/** kube-proxy's own chains, but for those that apply a Service's source ranges. */
const isKubeProxy = (place: Place): boolean =>
  place.kind === 'rule' &&
  isWrittenByKubernetes(place.table, place.chain.name) &&
  !appliesSourceRanges(place.chain.name);

/**
 * Sources that routing refuses: whatever is said of them is no difference, so they may be said with their neighbours.
 */
const routedAway = ({ exposure, parts }: Reach): PrefixSet =>
  parts
    .filter(({ result }) => result === 'unroutable')
    .reduce((sum, { sources }) => union(sum, sources), emptySet(exposure.family));

/** The first source of a set. */
const witness = (sources: PrefixSet): PrefixSet => {
  const [first] = ranges(sources);
  return first === undefined ? sources : setOfRanges(sources.family, [{ first: first.first, last: first.first }]);
};

/** Rules that rewrite the destination of a packet from one of these sources, and that are not kube-proxy's. */
const rewritings = (
  ruleset: Ruleset,
  { exposure, destination, entry }: Reach,
  sources: PrefixSet,
  options: SimulateOptions,
): readonly Place[] => {
  const trace = simulate(ruleset, { ...probeOf(exposure, destination, entry), sources: witness(sources) }, options);
  return [...allSteps(trace.root)].flatMap((step) =>
    step.kind === 'rule' &&
    !isKubeProxy(step.at) &&
    step.effects.some((effect) => effect.kind === 'nat' && effect.how !== 'snat' && effect.how !== 'masquerade')
      ? [step.at]
      : [],
  );
};

/**
 * The rule by which an allowed source does not get in; null: nobody closes the port, it has no endpoint here or routing
 * refuses.
 */
const closedBy = (
  ruleset: Ruleset,
  reach: Reach,
  part: ReachPart,
  sources: PrefixSet,
  options: SimulateOptions,
): readonly Place[] => {
  const { decidedBy, reached, result, separatedBy } = part;
  const others = (places: readonly Place[]): readonly Place[] =>
    places.filter((place) => place.kind === 'rule' && !isKubeProxy(place));
  if (reached === 'no' && result === 'local') return rewritings(ruleset, reach, sources, options);
  const deciding = others([decidedBy]);
  return deciding.length > 0 || reached === 'no' ? deciding : others(separatedBy);
};

/** By what a refused source gets in: a rewriting before the own table judges, or that table's silence. */
const openedBy = (ruleset: Ruleset, reach: Reach, sources: PrefixSet, options: SimulateOptions): readonly string[] => {
  const before = rewritings(ruleset, reach, sources, options);
  if (before.length > 0) return before.map((place) => refText(refOf(place)));
  const there = ruleset.tables.some(({ family, name }) => name === TABLE.name && family === TABLE.family);
  return [
    there
      ? `nothing in table ${TABLE.family} ${TABLE.name} refuses it`
      : `there is no table ${TABLE.family} ${TABLE.name}`,
  ];
};

/** Ports of an exposure at which something answers; of a range those that another exposure does not judge. */
const portsOf = (
  { ports, protocol, address, id }: ExposureAccess,
  guard: ReturnType<typeof guardsOf>,
  found: readonly FoundExposure[],
): readonly number[] => {
  if (ports.first === ports.last) return [ports.first];
  const inside = found.filter(
    (one) =>
      one.protocol === protocol &&
      ports.first <= one.port &&
      one.port <= ports.last &&
      (one.address === null || address === null),
  );
  return [...new Set(inside.map(({ port }) => port))].filter(
    (port) => guard(protocol, port, address ?? 'local')?.id === id,
  );
};

/**
 * Compares who really can reach each guarded port, by the whole ruleset of a node, with what the policies say: other
 * rules that open or close it, rewritings past the own table. What routing refuses (martians) and ports without
 * endpoints are no differences. Packets are the first of a connection and come in by the outer interfaces.
 */
export const verifyNode = (ruleset: Ruleset, access: Access, options: SimulateOptions = {}): Proof => {
  const found = findExposures(ruleset);
  const guard = guardsOf(access);
  const differences = collectDifferences();
  const note = (kind: 'gained' | 'lost', id: string, set: PrefixSet, because: readonly string[]): void => {
    if (because.length > 0) differences.note(kind, id, set, () => because);
  };
  const compare = (id: string, reach: Reach, allowed: PrefixSet): void => {
    const { family } = reach.exposure;
    const refused = difference(EVERY_ADDRESS[family], allowed);
    const unroutable = routedAway(reach);
    for (const part of reach.parts) {
      const gained = part.reached === 'no' ? emptySet(family) : intersection(part.sources, refused);
      if (!isEmpty(gained)) {
        const because = openedBy(ruleset, reach, gained, options);
        note('gained', id, looseSet(gained, intersection(unroutable, refused)), because);
      }
      const lost = part.reached === 'yes' ? emptySet(family) : intersection(part.sources, allowed);
      if (!isEmpty(lost)) {
        const because = closedBy(ruleset, reach, part, lost, options).map((place) => refText(refOf(place)));
        note('lost', id, looseSet(lost, intersection(unroutable, allowed)), because);
      }
    }
  };
  const guarded = access.exposures.filter(({ selection }) => selection !== null);
  for (const family of FAMILIES) {
    const addresses = nodeAddresses(ruleset.host, family);
    const entries = outerInterfaces(ruleset.host, family).map((name): Entry => ({ kind: 'interface', name }));
    for (const exposure of guarded) {
      if (exposure.address !== null && exposure.address.family !== family) continue;
      const { selection } = exposure;
      const allowedSet = selection === null ? undefined : access.selections.get(selection)?.allowed;
      const allowed = allowedSet === undefined ? EVERY_ADDRESS[family] : ofFamily(allowedSet, family);
      for (const port of portsOf(exposure, guard, found))
        for (const destination of exposure.address === null
          ? judged(addresses, exposure, port, guard)
          : [exposure.address]) {
          const id = exposureId(exposure.address, { first: port, last: port }, exposure.protocol);
          const known = found.find((one) => one.id === id && one.family === family);
          const asked: FoundExposure = known ?? {
            id,
            kind: 'HostPort',
            family,
            protocol: exposure.protocol,
            port,
            address: exposure.address,
            service: null,
            from: 'policy',
          };
          for (const entry of entries)
            compare(exposure.id, reachOf(ruleset, asked, destination, entry, options), allowed);
        }
    }
  }
  return differences.proof(guarded.length);
};

/** The node's addresses at which the exposure itself judges a port: those of Services have exposures of their own. */
const judged = (
  addresses: readonly Address[],
  { protocol }: ExposureAccess,
  port: number,
  guard: ReturnType<typeof guardsOf>,
): readonly Address[] => addresses.filter((address) => guard(protocol, port, address) === null);

/**
 * Both proofs of a node as one: what the own table tells names its rules best, the whole ruleset adds what that cannot
 * tell.
 */
export const bothProofs = (table: Proof, node: Proof): Proof => {
  const own = new Map(table.differences.map((one) => [one.exposure, one]));
  const added = node.differences.flatMap(({ exposure, gained, lost, because }): Difference[] => {
    const known = own.get(exposure);
    const rest = {
      gained: known === undefined ? gained : addressDifference(gained, known.gained),
      lost: known === undefined ? lost : addressDifference(lost, known.lost),
    };
    return isNobody(rest.gained) && isNobody(rest.lost) ? [] : [{ exposure, ...rest, because }];
  });
  const differences = [...table.differences, ...added];
  return { holds: differences.length === 0, exposures: table.exposures, differences };
};
