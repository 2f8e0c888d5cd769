import type { Family } from '../../net/family.ts';
import { isAbsent } from '../../ruleset/absent.ts';
import type { Engine } from '../../ruleset/engine.ts';
import { coversFamily, HOOKS, type Hook } from '../../ruleset/hook.ts';
import type { HookEntry } from '../../ruleset/host.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import type { AnyChain, AnyTable } from '../../ruleset/table.ts';

/** A chain, or all chains of a table, in the words of `--order`. */
export interface OrderName {
  /** ip, ip6, inet; null: any. */
  readonly family: string | null;
  readonly table: string;
  /** null: every chain of the table. */
  readonly chain: string | null;
  /** Legacy iptables can hold tables of the same names; absent: any. */
  readonly engine?: Engine;
}

/** A base chain with its table. */
export interface BaseAt {
  readonly table: AnyTable;
  readonly chain: AnyChain;
  readonly priority: number;
}

/** Chains of one priority: the orders in which they can run, one where it is known. */
export interface Group {
  readonly priority: number;
  readonly orders: readonly (readonly BaseAt[])[];
}

/** What is called at a hook. */
export type Called =
  | { readonly kind: 'chains'; readonly priority: number; readonly group: Group }
  /** The nat chains of the hook, at the kernel's fixed place. */
  | { readonly kind: 'nat'; readonly priority: number; readonly groups: readonly Group[] }
  | { readonly kind: 'conntrack'; readonly priority: number }
  /** IPVS looks for its servers' answers, or for packets to its services. */
  | { readonly kind: 'ipvs-replies' | 'ipvs'; readonly priority: number };

/** include/uapi/linux/netfilter_ipv4.h: NF_IP_PRI_CONNTRACK, NF_IP_PRI_NAT_DST, NF_IP_PRI_NAT_SRC. */
const CONNTRACK = -200;
const NAT_DST = -100;
const NAT_SRC = 100;
/** net/netfilter/ipvs/ip_vs_core.c, ip_vs_ops4. */
const IPVS_INPUT = NAT_SRC - 1;
export const IPVS_OUTPUT = NAT_DST + 2;
const IPVS_REPLIES: Partial<Readonly<Record<Hook, number>>> = { input: NAT_SRC - 2, forward: 100, output: NAT_DST + 1 };

/** Orders to try at most; more chains of one priority than this are tried in some orders only. */
const MOST_ORDERS = 24;

const names = ({ family, table, chain, engine }: OrderName, at: BaseAt): boolean =>
  (engine === undefined || engine === at.table.engine) &&
  (family === null || family === at.table.family) &&
  table === at.table.name &&
  (chain === null || chain === at.chain.name);

const rankBy = (order: readonly OrderName[], at: BaseAt): number => order.findIndex((name) => names(name, at));

const hookRank = (entries: readonly HookEntry[], hook: Hook, at: BaseAt): number =>
  entries.findIndex(
    (entry) =>
      entry.hook === hook &&
      entry.chain !== null &&
      entry.chain.table === at.table.name &&
      entry.chain.name === at.chain.name &&
      entry.chain.family === at.table.family,
  );

/** Negative: a runs before b; null: nobody knows. */
const compare = (ruleset: Ruleset, order: readonly OrderName[], hook: Hook, a: BaseAt, b: BaseAt): number | null => {
  const [byUserA, byUserB] = [rankBy(order, a), rankBy(order, b)];
  if (byUserA !== -1 && byUserB !== -1 && byUserA !== byUserB) return byUserA - byUserB;
  const { hookOrder } = ruleset.host;
  if (!isAbsent(hookOrder)) {
    const [first, second] = [hookRank(hookOrder, hook, a), hookRank(hookOrder, hook, b)];
    if (first !== -1 && second !== -1) return first - second;
  }
  if (a.table !== b.table) return null;
  // The last registered runs first; a listing has the chains of a table in the order of their handles.
  const places = [...a.table.chains.keys()];
  return a.chain.handle !== undefined && b.chain.handle !== undefined
    ? b.chain.handle - a.chain.handle
    : places.indexOf(b.chain.name) - places.indexOf(a.chain.name);
};

/** A chain that does nothing can stand anywhere. */
const isIdle = ({ chain }: BaseAt): boolean => chain.rules.length === 0 && chain.base?.policy !== 'drop';

/** Puts a chain in front of the first that it is known to precede, else last. */
const inserted =
  (precedes: (a: BaseAt, b: BaseAt) => boolean) =>
  (chains: readonly BaseAt[], one: BaseAt): readonly BaseAt[] => {
    const found = chains.findIndex((other) => precedes(one, other));
    const at = found === -1 ? chains.length : found;
    return [...chains.slice(0, at), one, ...chains.slice(at)];
  };

const permutations = (
  chains: readonly BaseAt[],
  mayPrecede: (a: BaseAt, b: BaseAt) => boolean,
): readonly (readonly BaseAt[])[] => {
  if (chains.length < 2) return [chains];
  const found: (readonly BaseAt[])[] = [];
  for (const first of chains) {
    const others = chains.filter((one) => one !== first);
    if (!others.every((other) => mayPrecede(first, other))) continue;
    for (const rest of permutations(others, mayPrecede)) {
      if (found.length >= MOST_ORDERS) return found;
      found.push([first, ...rest]);
    }
  }
  return found;
};

const groupsOf = (ruleset: Ruleset, order: readonly OrderName[], hook: Hook, bases: readonly BaseAt[]): Group[] => {
  const byPriority = new Map<number, BaseAt[]>();
  for (const base of bases) {
    const same = byPriority.get(base.priority);
    if (same === undefined) byPriority.set(base.priority, [base]);
    else same.push(base);
  }
  return [...byPriority]
    .sort(([a], [b]) => a - b)
    .map(([priority, same]) => {
      const busy = same.filter((base) => !isIdle(base));
      const orders = permutations(busy, (a, b) => (compare(ruleset, order, hook, a, b) ?? -1) <= 0);
      const idle = same.filter(isIdle);
      const precedes = (a: BaseAt, b: BaseAt): boolean => (compare(ruleset, order, hook, a, b) ?? 1) < 0;
      return {
        priority,
        orders: (orders.length === 0 ? [busy] : orders).map((chains) => idle.reduce(inserted(precedes), chains)),
      };
    });
};

const basesOf = (ruleset: Ruleset, family: Family, hook: Hook): readonly (BaseAt & { readonly type: string })[] =>
  ruleset.tables.flatMap((table) =>
    !coversFamily(table.family, family) || table.flags?.includes('dormant') === true
      ? []
      : [...table.chains.values()].flatMap((chain) =>
          chain.base?.hook === hook ? [{ table, chain, priority: chain.base.priority, type: chain.base.type }] : [],
        ),
  );

const build = (ruleset: Ruleset, family: Family, hook: Hook, order: readonly OrderName[]): readonly Called[] => {
  const bases = basesOf(ruleset, family, hook);
  const called: Called[] = groupsOf(
    ruleset,
    order,
    hook,
    bases.filter(({ type }) => type !== 'nat'),
  ).map((group) => ({ kind: 'chains', priority: group.priority, group }));
  const nat = groupsOf(
    ruleset,
    order,
    hook,
    bases.filter(({ type }) => type === 'nat'),
  );
  if (hook !== 'forward')
    called.push({ kind: 'nat', priority: hook === 'prerouting' || hook === 'output' ? NAT_DST : NAT_SRC, groups: nat });
  if (hook === 'prerouting' || hook === 'output') called.push({ kind: 'conntrack', priority: CONNTRACK });
  const replies = IPVS_REPLIES[hook];
  if (replies !== undefined) called.push({ kind: 'ipvs-replies', priority: replies });
  if (hook === 'input') called.push({ kind: 'ipvs', priority: IPVS_INPUT });
  if (hook === 'output') called.push({ kind: 'ipvs', priority: IPVS_OUTPUT });
  const rank = ({ kind }: Called): number => (kind === 'chains' ? 1 : 0);
  return called.sort((a, b) => a.priority - b.priority || rank(a) - rank(b));
};

const withNat = new WeakMap<Ruleset, Map<Family, boolean>>();

/**
 * Whether there is any nat chain, at whatever hook: the first one brings the tracker's rewriting to all of them
 * (net/netfilter/nf_nat_core.c, nf_nat_register_fn).
 */
export const hasNat = (ruleset: Ruleset, family: Family): boolean => {
  const known = withNat.get(ruleset) ?? new Map<Family, boolean>();
  withNat.set(ruleset, known);
  const found =
    known.get(family) ?? HOOKS.some((hook) => basesOf(ruleset, family, hook).some(({ type }) => type === 'nat'));
  known.set(family, found);
  return found;
};

const NO_ORDER: readonly OrderName[] = [];
const remembered = new WeakMap<Ruleset, WeakMap<readonly OrderName[], Map<string, readonly Called[]>>>();

/**
 * What is called at a hook, in order: by priority, nat chains as one group at their fixed place; at equal priority the
 * last registered first, as far as dumps, `nft list hooks` or `order` tell.
 */
export const hookCalls = (
  ruleset: Ruleset,
  family: Family,
  hook: Hook,
  order: readonly OrderName[] = NO_ORDER,
): readonly Called[] => {
  const byOrder = remembered.get(ruleset) ?? new WeakMap<readonly OrderName[], Map<string, readonly Called[]>>();
  remembered.set(ruleset, byOrder);
  const calls = byOrder.get(order) ?? new Map<string, readonly Called[]>();
  byOrder.set(order, calls);
  const key = `${family} ${hook}`;
  const known = calls.get(key) ?? build(ruleset, family, hook, order);
  calls.set(key, known);
  return known;
};
