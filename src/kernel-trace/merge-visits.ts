import type { Family } from '../net/family.ts';
import { HOOKS, type Hook } from '../ruleset/hook.ts';
import type { Ruleset } from '../ruleset/ruleset.ts';
import type { AnyChain } from '../ruleset/table.ts';
import { hookCalls, IPVS_OUTPUT, type Group, type OrderName } from '../simulate/host/hook-order.ts';
import { tableOf, type KernelHop } from './kernel-hops.ts';
import type { PacketSet } from '../simulate/state/packet-set.ts';

/** A visit, and where on the packet's way it was. */
interface Placed {
  readonly hop: KernelHop;
  /** A packet that comes back over lo begins again. */
  readonly round: number;
  /** -1: the chain is in no dump; the visit follows the one before it. */
  readonly hook: number;
  /**
   * What IPVS takes over at output goes through output once more, from the beginning; beyond its place there is one
   * pass, the last.
   */
  readonly pass: number;
  /** Groups of chains that run one after another. */
  readonly slot: number;
  readonly group: Group | null;
  readonly chain: AnyChain | null;
}

const LAST = Number.POSITIVE_INFINITY;

/** Chains of one priority as they run, where that is known. */
type Order = readonly OrderName[] | undefined;

/** The groups of a hook in the order in which they run: nat chains stand at the kernel's fixed place. */
const slotsOf = (ruleset: Ruleset, family: Family, hook: Hook, order: Order): readonly Group[] =>
  hookCalls(ruleset, family, hook, order).flatMap((called) =>
    called.kind === 'chains' ? [called.group] : called.kind === 'nat' ? called.groups : [],
  );

const placed = (
  ruleset: Ruleset,
  { family, entry }: PacketSet,
  hops: readonly KernelHop[],
  order: Order,
): readonly Placed[] => {
  const found: Placed[] = [];
  for (const hop of hops) {
    const last = found.at(-1);
    const chain = tableOf(ruleset, hop)?.chains.get(hop.chain) ?? null;
    const hook = HOOKS.find((one) => one === chain?.base?.hook);
    if (chain === null || hook === undefined) {
      found.push({ hop, round: last?.round ?? 0, hook: -1, pass: 0, slot: -1, group: null, chain: null });
      continue;
    }
    const slots = slotsOf(ruleset, family, hook, order);
    const slot = slots.findIndex(({ orders }) => orders[0]?.some((base) => base.chain === chain) === true);
    const at = HOOKS.indexOf(hook);
    const known = found.findLast((one) => one.hook !== -1);
    const isAgain = known !== undefined && at === known.hook && (slot < known.slot || chain === known.chain);
    const byIpvs = isAgain && hook === 'output' && known.pass !== LAST;
    const isBehind = known !== undefined && (at < known.hook || (isAgain && !byIpvs));
    const isBack = entry.kind === 'node' && hop.header?.in === 'lo';
    const round = Math.max((known?.round ?? 0) + (isBehind ? 1 : 0), isBack ? 1 : 0);
    const group = slots[slot] ?? null;
    const earlier = at === known?.hook && !isBehind ? known.pass : 0;
    const isLate = hook === 'output' && chain.base?.type !== 'nat' && (group?.priority ?? 0) > IPVS_OUTPUT;
    const pass = isLate ? LAST : earlier + (byIpvs ? 1 : 0);
    found.push({ hop, round, hook: at, pass, slot, group, chain });
  }
  return found;
};

/** Negative: a was before b; null: chains of one priority, in an order that no dump tells. */
const compared = (a: Placed, b: Placed): number | null => {
  if (a.hook === -1 || b.hook === -1) return a.hook === -1 ? -1 : 1;
  if (a.round !== b.round) return a.round - b.round;
  if (a.hook !== b.hook) return a.hook - b.hook;
  if (a.pass !== b.pass) return a.pass < b.pass ? -1 : 1;
  if (a.slot !== b.slot) return a.slot - b.slot;
  const found = new Set(
    (a.group?.orders ?? []).map((chains) =>
      Math.sign(
        chains.findIndex(({ chain }) => chain === a.chain) - chains.findIndex(({ chain }) => chain === b.chain),
      ),
    ),
  );
  const [only = null] = found;
  return found.size === 1 ? only : null;
};

/** Undecided places that are tried both ways; at more of them the first order is kept. */
const MOST_UNDECIDED = 4;

/**
 * What nft and what legacy iptables told about one packet, as one way. Both tell in order, but without a common clock:
 * visits are put together by round, hook and priority. Where the order of chains of one priority is not known, there
 * are several ways to do it.
 */
export const mergedVisits = (
  ruleset: Ruleset,
  packet: PacketSet,
  nft: readonly KernelHop[],
  legacy: readonly KernelHop[],
  order?: readonly OrderName[],
): readonly (readonly KernelHop[])[] => {
  const [left, right] = [placed(ruleset, packet, nft, order), placed(ruleset, packet, legacy, order)];
  const ways: KernelHop[][] = [];
  const merge = (a: number, b: number, before: readonly KernelHop[], undecided: number): void => {
    const way = [...before];
    for (;;) {
      const [one, other] = [left[a], right[b]];
      if (one === undefined || other === undefined) {
        ways.push([...way, ...left.slice(a).map(({ hop }) => hop), ...right.slice(b).map(({ hop }) => hop)]);
        return;
      }
      const order = compared(one, other);
      if (order === null && undecided < MOST_UNDECIDED) merge(a, b + 1, [...way, other.hop], undecided + 1);
      if ((order ?? -1) < 0) {
        way.push(one.hop);
        a++;
      } else {
        way.push(other.hop);
        b++;
      }
      if (order === null) undecided++;
    }
  };
  merge(0, 0, [], 0);
  return ways.toReversed();
};
