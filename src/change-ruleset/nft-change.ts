import type { Span } from '../diagnostic/diagnostic.ts';
import { keyText } from '../ruleset/values/map-element.ts';
import { valueText } from '../ruleset/values/data-type.ts';
import type { Counter } from '../ruleset/values/counter.ts';
import {
  emptyTable,
  type AnyTable,
  type BaseChain,
  type Chain,
  type Flowtable,
  type Interval,
  type NamedSet,
  type Rule,
  type Table,
} from '../ruleset/table.ts';
import type { TableFamily } from '../ruleset/values/table-family.ts';

/** Where a rule goes, or which one is meant: by the kernel's handle, or by its place, from 0. */
export type RulePlace =
  { readonly kind: 'handle'; readonly number: number } | { readonly kind: 'index'; readonly number: number };

/**
 * What one command of nft changes in one table (nft(8)). `strict`: it is refused where the object is there already, or
 * is not there.
 */
export type NftChange = { readonly span: Span; readonly family: TableFamily; readonly table: string } & (
  | { readonly kind: 'add-table'; readonly strict: boolean; readonly flags: readonly string[] }
  | { readonly kind: 'delete-table'; readonly strict: boolean }
  | { readonly kind: 'flush-table' }
  /** Everything that stands in the braces of `table … { … }`: added to what is there. */
  | { readonly kind: 'merge'; readonly content: Table }
  | {
      readonly kind: 'add-chain';
      readonly name: string;
      readonly strict: boolean;
      readonly base: BaseChain | null;
      /** `{ policy drop; }` alone changes the policy of a base chain that is there. */
      readonly policy: BaseChain['policy'] | null;
      readonly rules: readonly Rule[];
    }
  | { readonly kind: 'delete-chain'; readonly name: string; readonly strict: boolean }
  | { readonly kind: 'flush-chain'; readonly name: string }
  | { readonly kind: 'rename-chain'; readonly name: string; readonly to: string }
  | {
      readonly kind: 'put-rule';
      readonly chain: string;
      readonly how: 'add' | 'insert' | 'replace';
      readonly at: RulePlace | null;
      readonly rule: Rule;
    }
  | { readonly kind: 'delete-rule'; readonly chain: string; readonly at: RulePlace; readonly strict: boolean }
  | { readonly kind: 'add-set'; readonly set: NamedSet; readonly strict: boolean }
  | { readonly kind: 'delete-set'; readonly name: string; readonly strict: boolean }
  | { readonly kind: 'flush-set'; readonly name: string }
  /** `part`: a set of the same kind with these elements alone. */
  | { readonly kind: 'elements'; readonly how: 'add' | 'delete'; readonly strict: boolean; readonly part: NamedSet }
  | { readonly kind: 'add-counter'; readonly name: string; readonly counter: Counter }
  | { readonly kind: 'delete-counter'; readonly name: string; readonly strict: boolean }
  | { readonly kind: 'add-flowtable'; readonly flowtable: Flowtable }
  | { readonly kind: 'delete-flowtable'; readonly name: string; readonly strict: boolean }
);

/** `flush ruleset`, of all families (null) or of one. */
export interface FlushRuleset {
  readonly kind: 'flush-ruleset';
  readonly span: Span;
  readonly family: TableFamily | null;
}

/** Why nft would refuse a change, in words, and where it stands. */
export interface NftRefusal {
  readonly because: string;
  readonly span: Span;
}

/** The tables after the changes, and those of them that nft would refuse, which were passed over. */
export interface NftResult {
  readonly tables: readonly AnyTable[];
  readonly refused: readonly NftRefusal[];
}

const isNft = (table: AnyTable): table is Table => table.engine === 'nft';

/**
 * Does to the tables what nft would do with the commands, one after another. nft itself does all of them or none, so
 * with a refusal among them the tables are what somebody meant, not what a kernel would have.
 */
export const applyNftChanges = (
  tables: readonly AnyTable[],
  changes: readonly (NftChange | FlushRuleset)[],
): NftResult => {
  const own = ownCopies();
  const refused: NftRefusal[] = [];
  let now = [...tables];
  for (const change of changes) {
    if (change.kind === 'flush-ruleset') {
      now = now.filter((table) => !isNft(table) || (change.family !== null && table.family !== change.family));
      continue;
    }
    const at = now.findIndex((table) => isNft(table) && table.family === change.family && table.name === change.table);
    const there = now[at];
    const result = changeTable(own, there !== undefined && isNft(there) ? there : null, change);
    if (typeof result === 'string') refused.push({ because: result, span: change.span });
    else if (result === null) now = at === -1 ? now : now.toSpliced(at, 1);
    else if (at === -1) now.push(result);
    else now[at] = result;
  }
  return { tables: now, refused };
};

/**
 * Copies that one run of changes has made for itself, so that a file of ten thousand commands does not copy everything
 * ten thousand times. What it was given stays as it is.
 */
interface OwnCopies {
  readonly map: <T>(map: ReadonlyMap<string, T>) => Map<string, T>;
  readonly list: <T>(list: readonly T[]) => T[];
  /** The places of a list's elements by their keys; it goes with the list while that only grows at its end. */
  readonly index: <T>(list: readonly T[], keyOf: (element: T) => string) => Map<string, T>;
}

const ownCopies = (): OwnCopies => {
  const made = new WeakSet<object>();
  const indexes = new WeakMap<object, Map<string, unknown>>();
  const own = <T extends object>(copy: T): T => {
    made.add(copy);
    return copy;
  };
  return {
    map: <T>(map: ReadonlyMap<string, T>) => (made.has(map) ? (map as Map<string, T>) : own(new Map(map))),
    list: <T>(list: readonly T[]) => (made.has(list) ? (list as T[]) : own([...list])),
    index: <T>(list: readonly T[], keyOf: (element: T) => string) => {
      const known = indexes.get(list) as Map<string, T> | undefined;
      if (known !== undefined && known.size === list.length) return known;
      const index = new Map(list.map((element) => [keyOf(element), element]));
      indexes.set(list, index);
      return index;
    },
  };
};

/** The table after a change; null: there is none; a text: why nft would refuse it. */
const changeTable = (own: OwnCopies, there: Table | null, change: NftChange): Table | null | string => {
  const { family, table: name } = change;
  switch (change.kind) {
    case 'add-table': {
      if (there !== null && change.strict) return `the table ${family} ${name} is there already`;
      const { flags: _, ...awake } = there ?? emptyTable(family, name);
      return change.flags.length === 0 ? awake : { ...awake, flags: change.flags };
    }
    case 'delete-table':
      return there === null && change.strict ? `there is no table ${family} ${name}` : null;
    case 'merge':
      return mergeTable(own, there ?? emptyTable(family, name), change.content);
    default:
      return there === null
        ? isForgiving(change)
          ? null
          : `there is no table ${family} ${name}`
        : changeWithin(own, there, change);
  }
};

/** `destroy` finds nothing wrong with what is not there. */
const isForgiving = (change: NftChange): boolean =>
  'strict' in change && !change.strict && change.kind.startsWith('delete');

type Within = Exclude<NftChange, { kind: 'add-table' | 'delete-table' | 'merge' }>;

const changeWithin = (own: OwnCopies, table: Table, change: Within): Table | string => {
  switch (change.kind) {
    case 'flush-table':
      return { ...table, chains: mapValues(table.chains, (chain) => ({ ...chain, rules: [] })) };
    case 'add-chain':
      return addChain(own, table, change);
    case 'delete-chain': {
      if (!table.chains.has(change.name)) return change.strict ? `there is no chain ${change.name}` : table;
      return { ...table, chains: without(table.chains, change.name) };
    }
    case 'flush-chain':
      return changeChain(own, table, change.name, (chain) => ({ ...chain, rules: [] }));
    case 'rename-chain': {
      const chain = table.chains.get(change.name);
      if (chain === undefined) return `there is no chain ${change.name}`;
      if (table.chains.has(change.to)) return `the chain ${change.to} is there already`;
      return {
        ...table,
        chains: new Map(
          [...table.chains].map(([key, one]) =>
            key === change.name ? [change.to, { ...chain, name: change.to }] : [key, one],
          ),
        ),
      };
    }
    case 'put-rule':
      return changeChain(own, table, change.chain, (chain) => putRule(own, chain, change));
    case 'delete-rule':
      return changeChain(own, table, change.chain, (chain) => {
        const at = placeOf(chain, change.at);
        if (typeof at !== 'string') return { ...chain, rules: chain.rules.toSpliced(at, 1) };
        return change.strict ? at : chain;
      });
    case 'add-set':
      if (table.sets.has(change.set.name))
        return change.strict ? `the set ${change.set.name} is there already` : addElements(own, table, change.set);
      return { ...table, sets: own.map(table.sets).set(change.set.name, change.set) };
    case 'delete-set':
      if (!table.sets.has(change.name)) return change.strict ? `there is no set ${change.name}` : table;
      return { ...table, sets: without(table.sets, change.name) };
    case 'flush-set': {
      const set = table.sets.get(change.name);
      if (set === undefined) return `there is no set ${change.name}`;
      return { ...table, sets: own.map(table.sets).set(change.name, emptied(set)) };
    }
    case 'elements':
      return change.how === 'add'
        ? addElements(own, table, change.part)
        : deleteElements(own, table, change.part, change.strict);
    case 'add-counter':
      return table.counters.has(change.name)
        ? table
        : { ...table, counters: own.map(table.counters).set(change.name, change.counter) };
    case 'delete-counter':
      if (!table.counters.has(change.name)) return change.strict ? `there is no counter ${change.name}` : table;
      return { ...table, counters: without(table.counters, change.name) };
    case 'add-flowtable': {
      const others = (table.flowtables ?? []).filter(({ name }) => name !== change.flowtable.name);
      return { ...table, flowtables: [...others, change.flowtable] };
    }
    case 'delete-flowtable': {
      const rest = (table.flowtables ?? []).filter(({ name }) => name !== change.name);
      if (rest.length === (table.flowtables ?? []).length)
        return change.strict ? `there is no flowtable ${change.name}` : table;
      const { flowtables: _, ...others } = table;
      return rest.length === 0 ? others : { ...others, flowtables: rest };
    }
  }
};

const mapValues = <T>(map: ReadonlyMap<string, T>, change: (value: T) => T): ReadonlyMap<string, T> =>
  new Map([...map].map(([key, value]) => [key, change(value)]));

const without = <T>(map: ReadonlyMap<string, T>, name: string): ReadonlyMap<string, T> =>
  new Map([...map].filter(([key]) => key !== name));

const changeChain = (
  own: OwnCopies,
  table: Table,
  name: string,
  change: (chain: Chain) => Chain | string,
): Table | string => {
  const chain = table.chains.get(name);
  if (chain === undefined) return `there is no chain ${name} in the table ${table.family} ${table.name}`;
  const changed = change(chain);
  return typeof changed === 'string' ? changed : { ...table, chains: own.map(table.chains).set(name, changed) };
};

const addChain = (own: OwnCopies, table: Table, change: Extract<NftChange, { kind: 'add-chain' }>): Table | string => {
  const { name, base, policy, rules } = change;
  const there = table.chains.get(name);
  if (there !== undefined && change.strict) return `the chain ${name} is there already`;
  if (there === undefined && base === null && policy !== null)
    return `the chain ${name} has no policy: it is no base chain (type … hook … priority …)`;
  if (there !== undefined && there.base === null && (base !== null || policy !== null))
    return `the chain ${name} is there, and is no base chain`;
  const chain: Chain = there ?? { name, base, rules: [] };
  const wanted = chain.base === null ? null : { ...chain.base, policy: policy ?? base?.policy ?? chain.base.policy };
  return {
    ...table,
    chains: own.map(table.chains).set(name, {
      ...chain,
      base: wanted,
      rules: rules.length === 0 ? chain.rules : [...chain.rules, ...rules],
    }),
  };
};

const placeOf = ({ name, rules }: Chain, at: RulePlace): number | string => {
  if (at.kind === 'index')
    return at.number < rules.length
      ? at.number
      : `the chain ${name} has no rule of index ${at.number}: it has ${rules.length}`;
  const found = rules.findIndex(({ handle }) => handle === at.number);
  if (found !== -1) return found;
  return rules.some(({ handle }) => handle !== undefined)
    ? `the chain ${name} has no rule of handle ${at.number}`
    : `no handles are known in the chain ${name}: nft -a list ruleset tells them`;
};

/** Without a place an added rule comes last, an inserted one first; with one, behind and in front of that rule. */
const putRule = (
  own: OwnCopies,
  chain: Chain,
  { how, at, rule }: Extract<NftChange, { kind: 'put-rule' }>,
): Chain | string => {
  const { rules } = chain;
  if (at === null) {
    if (how === 'replace') return 'which rule is to be replaced is not said';
    const list = own.list(rules);
    if (how === 'add') list.push(rule);
    else list.unshift(rule);
    return { ...chain, rules: list };
  }
  const place = placeOf(chain, at);
  if (typeof place === 'string') return place;
  if (how === 'replace') return { ...chain, rules: rules.with(place, rule) };
  return { ...chain, rules: rules.toSpliced(how === 'add' ? place + 1 : place, 0, rule) };
};

/**
 * What the braces of a table hold comes to what is there: rules behind those of their chain, elements into their set.
 */
const mergeTable = (own: OwnCopies, there: Table, content: Table): Table | string => {
  if (there.chains.size === 0 && there.sets.size === 0 && there.counters.size === 0 && there.flowtables === undefined)
    return content;
  const sets: NamedSet[] = [];
  for (const [name, set] of content.sets) {
    const known = there.sets.get(name);
    const merged = known === undefined ? set : withElements(own, known, set);
    if (typeof merged === 'string') return merged;
    sets.push(merged);
  }
  const allSets = own.map(there.sets);
  for (const set of sets) allSets.set(set.name, set);
  const chains = own.map(there.chains);
  for (const [name, chain] of content.chains) {
    const known = chains.get(name);
    chains.set(
      name,
      known === undefined
        ? chain
        : { ...known, base: chain.base ?? known.base, rules: [...known.rules, ...chain.rules] },
    );
  }
  const { flags: _, ...awake } = there;
  const names = new Set(content.flowtables?.map(({ name }) => name));
  const flowtables = [
    ...(there.flowtables ?? []).filter(({ name }) => !names.has(name)),
    ...(content.flowtables ?? []),
  ];
  return {
    ...awake,
    ...(content.flags === undefined ? {} : { flags: content.flags }),
    ...(content.opaque === true ? { opaque: true } : {}),
    ...(flowtables.length === 0 ? {} : { flowtables }),
    sets: allSets,
    chains,
    counters: new Map([...content.counters, ...there.counters]),
  };
};

const emptied = (set: NamedSet): NamedSet => {
  switch (set.kind) {
    case 'addresses':
      return { ...set, intervals: [] };
    case 'elements':
    case 'verdict-map':
    case 'data-map':
    case 'dynamic':
      return { ...set, elements: [] };
    case 'opaque':
      return set;
  }
};

const addElements = (own: OwnCopies, table: Table, part: NamedSet): Table | string => {
  const there = table.sets.get(part.name);
  if (there === undefined) return `there is no set ${part.name} in the table ${table.family} ${table.name}`;
  const merged = withElements(own, there, part);
  return typeof merged === 'string' ? merged : { ...table, sets: own.map(table.sets).set(part.name, merged) };
};

const deleteElements = (own: OwnCopies, table: Table, part: NamedSet, strict: boolean): Table | string => {
  const there = table.sets.get(part.name);
  if (there === undefined) return strict ? `there is no set ${part.name}` : table;
  const left = withoutElements(there, part, strict);
  return typeof left === 'string' ? left : { ...table, sets: own.map(table.sets).set(part.name, left) };
};

const OTHER_KIND = (name: string): string => `what the set ${name} holds is not known well enough to change it`;

const textOfKey = (key: readonly Parameters<typeof valueText>[0][]): string => key.map(valueText).join(' ');

/** Elements by their keys: one that is there already stays, but a map's key that leads elsewhere is refused. */
const byKey = <E>(
  own: OwnCopies,
  there: readonly E[],
  more: readonly E[],
  keyOf: (element: E) => string,
  same: (a: E, b: E) => boolean,
): readonly E[] | string => {
  const before = own.index(there, keyOf);
  for (const element of more) {
    const known = before.get(keyOf(element));
    if (known !== undefined && !same(known, element))
      return `the key ${keyOf(element)} is there already, and leads elsewhere`;
  }
  const list = own.list(there);
  const index = own.index(list, keyOf);
  for (const element of more) {
    const key = keyOf(element);
    if (index.has(key)) continue;
    index.set(key, element);
    list.push(element);
  }
  return list;
};

const sameJson = (a: unknown, b: unknown): boolean => jsonOf(a) === jsonOf(b);
const jsonOf = (value: unknown): string =>
  JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? one.toString() : one));

/** The place of the first interval that does not begin before one. */
const placeFor = (intervals: readonly Interval[], { first }: Interval): number => {
  let [low, high] = [0, intervals.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((intervals[middle]?.first ?? 0n) < first) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** A set with further elements; a text where the kernel would refuse them. */
const withElements = (own: OwnCopies, there: NamedSet, part: NamedSet): NamedSet | string => {
  // What is not understood may be anything.
  if (part.kind === 'opaque') return part;
  switch (there.kind) {
    case 'addresses': {
      if (part.kind !== 'addresses') return OTHER_KIND(there.name);
      const added: Interval[] = [];
      for (const one of part.intervals) {
        const at = placeFor(there.intervals, one);
        const [before, behind] = [there.intervals[at - 1], there.intervals[at]];
        if (behind?.first === one.first && behind.last === one.last) continue;
        if ((before !== undefined && before.last >= one.first) || (behind !== undefined && behind.first <= one.last))
          return `an element overlaps with one that the set ${there.name} has`;
        added.push(one);
      }
      if (added.length === 0) return there;
      const intervals = own.list(there.intervals);
      for (const one of added) intervals.splice(placeFor(intervals, one), 0, one);
      return { ...there, intervals };
    }
    case 'elements': {
      if (part.kind !== 'elements') return OTHER_KIND(there.name);
      const elements = byKey(own, there.elements, part.elements, textOfKey, () => true);
      return typeof elements === 'string' ? elements : { ...there, elements };
    }
    case 'verdict-map': {
      if (part.kind !== 'verdict-map') return OTHER_KIND(there.name);
      const elements = byKey(own, there.elements, part.elements, keyText, (a, b) => sameJson(a.verdict, b.verdict));
      return typeof elements === 'string' ? elements : { ...there, elements };
    }
    case 'data-map': {
      if (part.kind !== 'data-map') return OTHER_KIND(there.name);
      const elements = byKey(own, there.elements, part.elements, keyText, (a, b) => sameJson(a.data, b.data));
      return typeof elements === 'string' ? elements : { ...there, elements };
    }
    case 'dynamic': {
      if (part.kind !== 'dynamic') return OTHER_KIND(there.name);
      const elements = byKey(own, there.elements, part.elements, keyText, () => true);
      return typeof elements === 'string' ? elements : { ...there, elements };
    }
    case 'opaque':
      return there;
  }
};

const removed = <E>(
  name: string,
  there: readonly E[],
  gone: readonly E[],
  keyOf: (element: E) => string,
  strict: boolean,
): readonly E[] | string => {
  const keys = new Set(gone.map(keyOf));
  const left = there.filter((element) => !keys.has(keyOf(element)));
  return strict && there.length - left.length < keys.size
    ? `the set ${name} does not have all of these elements`
    : left;
};

const withoutElements = (there: NamedSet, part: NamedSet, strict: boolean): NamedSet | string => {
  const { name } = there;
  if (part.kind === 'opaque') return part;
  switch (there.kind) {
    case 'addresses': {
      if (part.kind !== 'addresses') return OTHER_KIND(name);
      const intervals = removed(name, there.intervals, part.intervals, ({ first, last }) => `${first}-${last}`, strict);
      return typeof intervals === 'string' ? intervals : { ...there, intervals };
    }
    case 'elements': {
      if (part.kind !== 'elements') return OTHER_KIND(name);
      const elements = removed(name, there.elements, part.elements, textOfKey, strict);
      return typeof elements === 'string' ? elements : { ...there, elements };
    }
    case 'verdict-map':
    case 'data-map':
    case 'dynamic': {
      // A key may be named without what it leads to; then it is read as the key of a set.
      const keys =
        part.kind === 'elements'
          ? part.elements.map((key) => ({ key }))
          : part.kind === 'addresses'
            ? part.intervals.map(({ first, last }) => ({ key: [{ kind: 'range' as const, first, last }] }))
            : part.elements;
      const gone = new Set(keys.map(keyText));
      const count = there.elements.filter((element) => gone.has(keyText(element))).length;
      if (strict && count < gone.size) return `the set ${name} does not have all of these elements`;
      if (there.kind === 'verdict-map')
        return { ...there, elements: there.elements.filter((one) => !gone.has(keyText(one))) };
      if (there.kind === 'data-map')
        return { ...there, elements: there.elements.filter((one) => !gone.has(keyText(one))) };
      return { ...there, elements: there.elements.filter((one) => !gone.has(keyText(one))) };
    }
    case 'opaque':
      return there;
  }
};
