import { LAST } from '../../net/family.ts';
import type { IptablesRule } from '../../ruleset/iptables/rule.ts';
import { lower } from '../../lower/lower.ts';
import type { Step } from '../../lower/step.ts';
import type { AnyChain } from '../../ruleset/table.ts';
import { destinationOf, SOURCES, type State } from '../state/state.ts';

/**
 * The rules of a long chain by what they demand first. kube-proxy's chains are dispatch tables: of 14,421 rules in
 * KUBE-SERVICES a packet can match a handful. A rule that is not found through the index certainly does not match and
 * has no effect.
 */
interface Dispatch {
  readonly byDestination: ReadonlyMap<bigint, readonly number[]>;
  readonly byPort: ReadonlyMap<number, readonly number[]>;
  readonly bySource: ReadonlyMap<bigint, readonly number[]>;
  /** All rules of `bySource`. */
  readonly ofAnySource: readonly number[];
  /** Rules that demand none of these. */
  readonly always: readonly number[];
}

/** Shorter chains are walked rule by rule. */
const WORTH_AN_INDEX = 8;
/** Port ranges up to this many ports are written out. */
const MOST_PORTS = 256;

type Demand =
  | { readonly kind: 'destination' | 'source'; readonly address: bigint }
  | { readonly kind: 'ports'; readonly ports: readonly number[] };

const demandOf = (step: Step): Demand | null => {
  if (step.kind !== 'test' || step.negate) return null;
  const [value, ...more] = step.values;
  if (step.field === 'destination-port') {
    const ports: number[] = [];
    for (const one of step.values) {
      if (one.kind !== 'range' || ports.length + Number(one.last - one.first) >= MOST_PORTS) return null;
      for (let port = Number(one.first); port <= Number(one.last); port++) ports.push(port);
    }
    return { kind: 'ports', ports };
  }
  if (step.field !== 'destination' && step.field !== 'source') return null;
  if (value?.kind !== 'range' || more.length > 0 || value.first !== value.last) return null;
  return { kind: step.field, address: value.first };
};

const isPure = ({ kind }: Step): boolean =>
  kind === 'test' || kind === 'any' || kind === 'lookup' || kind === 'ipset' || kind === 'note';

const RANK = { destination: 0, ports: 1, source: 2 } as const;

/** The most telling demand among the conditions before the rule's first effect. */
const bestDemand = (steps: readonly Step[]): Demand | null => {
  let best: Demand | null = null;
  for (const step of steps) {
    if (!isPure(step)) break;
    const demand = demandOf(step);
    if (demand !== null && (best === null || RANK[demand.kind] < RANK[best.kind])) best = demand;
  }
  return best;
};

/**
 * The same from an iptables rule as it is written: conditions come first there, so that most rules need not be lowered.
 */
const writtenDemand = ({ matches }: IptablesRule): Demand | null => {
  let best: Demand | null = null;
  for (const match of matches) {
    let demand: Demand | null = null;
    if (match.kind === 'address' && !match.negate && match.address.mask === LAST[match.address.family])
      demand = { kind: match.side, address: match.address.address };
    else if (match.kind === 'ports' && match.destination !== null && !match.destination.negate) {
      const { first, last } = match.destination.value;
      if (last - first < MOST_PORTS)
        demand = { kind: 'ports', ports: Array.from({ length: last - first + 1 }, (_, index) => first + index) };
    }
    if (demand !== null && (best === null || RANK[demand.kind] < RANK[best.kind])) best = demand;
  }
  return best;
};

const push = <K>(map: Map<K, number[]>, key: K, index: number): void => {
  const list = map.get(key);
  if (list === undefined) map.set(key, [index]);
  else list.push(index);
};

const build = ({ rules }: AnyChain): Dispatch => {
  const byDestination = new Map<bigint, number[]>();
  const byPort = new Map<number, number[]>();
  const bySource = new Map<bigint, number[]>();
  const ofAnySource: number[] = [];
  const always: number[] = [];
  for (const [index, rule] of rules.entries()) {
    const demand = (rule.kind === 'iptables' ? writtenDemand(rule) : null) ?? bestDemand(lower(rule));
    if (demand === null) always.push(index);
    else if (demand.kind === 'ports') for (const port of new Set(demand.ports)) push(byPort, port, index);
    else if (demand.kind === 'destination') push(byDestination, demand.address, index);
    else {
      push(bySource, demand.address, index);
      ofAnySource.push(index);
    }
  }
  return { byDestination, byPort, bySource, ofAnySource, always };
};

const indexes = new WeakMap<AnyChain, Dispatch>();

const NONE: readonly number[] = [];

/** The position in an ascending list of the first number that is not below `from`. */
const lowerBound = (list: readonly number[], from: number): number => {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? 0) < from) low = middle + 1;
    else high = middle;
  }
  return low;
};

const nextIn = (list: readonly number[], from: number): number =>
  list[lowerBound(list, from)] ?? Number.MAX_SAFE_INTEGER;

/** The next rule from `from` on that the packets of a state could match; past the end where there is none. */
export const nextRule = (chain: AnyChain, from: number, state: State): number => {
  if (chain.rules.length < WORTH_AN_INDEX) return from;
  let dispatch = indexes.get(chain);
  if (dispatch === undefined) {
    dispatch = build(chain);
    indexes.set(chain, dispatch);
  }
  const { byDestination, byPort, bySource, ofAnySource, always } = dispatch;
  let next = nextIn(always, from);
  const toDestination = byDestination.get(destinationOf(state)) ?? NONE;
  if (toDestination.length > 0) next = Math.min(next, nextIn(toDestination, from));
  const { destinationPort } = state;
  if (typeof destinationPort === 'number') {
    const toPort = byPort.get(destinationPort) ?? NONE;
    if (toPort.length > 0) next = Math.min(next, nextIn(toPort, from));
  } else if (destinationPort === undefined && byPort.size > 0) return from;
  if (bySource.size > 0) {
    const source = state.source === SOURCES ? state.point : state.source;
    // A set of sources could meet any of them.
    const ofSource = source === null || source === undefined ? ofAnySource : (bySource.get(source) ?? NONE);
    if (ofSource.length > 0) next = Math.min(next, nextIn(ofSource, from));
  }
  return next;
};
