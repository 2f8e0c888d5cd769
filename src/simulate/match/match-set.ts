import { contains, difference, emptySet, union, type PrefixSet } from '../../net/prefix-set.ts';
import type { Family } from '../../net/family.ts';
import { isAbsent } from '../../ruleset/absent.ts';
import type { Value } from '../../ruleset/values/data-type.ts';
import type { IpSet } from '../../ruleset/ipset.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import type { Step } from '../../lower/step.ts';
import type { AnyTable } from '../../ruleset/table.ts';
import type { Context } from '../state/context.ts';
import { addressesAt, addressesOf, couldFind, findElements, type Point } from './element-index.ts';
import { ipsetElements, ipsetKey } from './ipset-elements.ts';
import { maskedSources, type Masked } from './masked-sources.ts';
import { readField, type Held } from './read-field.ts';
import { isPoint, readReading } from './read-source.ts';
import { contentOf } from './stored-addresses.ts';
import { cannotTell, splitBySet, type Truth } from '../state/split.ts';
import { SOURCES, type State } from '../state/state.ts';

/**
 * Parts of a key for finding elements: null where the sources stand, masked or not, undefined where nobody can tell.
 */
export const partsOf = (held: readonly Held[]): readonly (Point | null | undefined)[] =>
  held.map((one) => (one === SOURCES || isMasked(one) ? null : isPoint(one) ? one : undefined));

const isMasked = (held: Held): held is { readonly masked: Masked } =>
  typeof held === 'object' && held !== null && 'masked' in held;

/**
 * The sources for which a place of a key that holds them, masked or not, is among the addresses; null: cannot be told.
 */
export const sourcesAt = (held: Held, addresses: PrefixSet): PrefixSet | null =>
  isMasked(held) ? maskedSources(addresses, held.masked) : addresses;

/** The packets whose source, masked or not, is among the addresses. */
export const splitByHeld = (state: State, held: Held, addresses: PrefixSet, negate: boolean, name: string): Truth => {
  const sources = sourcesAt(held, addresses);
  return sources === null ? cannotTell(state, name) : splitBySet(state, sources, negate);
};

/** Whether all parts are known, and the sources stand in one place at most. */
export const isKnownKey = (parts: readonly (Point | null | undefined)[]): parts is readonly (Point | null)[] =>
  !parts.includes(undefined) && parts.indexOf(null) === parts.lastIndexOf(null);

const asKeyed = new WeakMap<readonly (readonly Value[])[], readonly { readonly key: readonly Value[] }[]>();

const keyed = (elements: readonly (readonly Value[])[]): readonly { readonly key: readonly Value[] }[] => {
  const known = asKeyed.get(elements);
  if (known !== undefined) return known;
  const made = elements.map((key) => ({ key }));
  asKeyed.set(elements, made);
  return made;
};

const inElements = (
  state: State,
  family: Family,
  held: readonly Held[],
  elements: readonly { readonly key: readonly Value[] }[],
  negate: boolean,
  name: string,
): Truth => {
  // A part that the packet has not matches nothing, not even negated.
  if (held.includes(null)) return false;
  const points = partsOf(held);
  if (!isKnownKey(points)) return couldFind(elements, points) ? cannotTell(state, name) : negate;
  const found = findElements(elements, points);
  const open = points.indexOf(null);
  if (open === -1) return found.length > 0 !== negate;
  return splitByHeld(state, held[open], addressesAt(found, open, family), negate, name);
};

/** A look-up in a set of the rule's table, or in elements that the rule itself has. */
export const matchLookup = (
  context: Context,
  table: AnyTable,
  state: State,
  step: Extract<Step, { kind: 'lookup' }>,
): Truth => {
  const { key, set: named, negate } = step;
  const held = key.map((reading) => readReading(context, table, state, reading));
  if (typeof named !== 'string') {
    if (held.length === 1 && (held[0] === SOURCES || isMasked(held[0])))
      return splitByHeld(state, held[0], addressesOf(flat(named), context.family), negate, 'elements');
    return inElements(state, context.family, held, keyed(named), negate, 'elements');
  }
  const set = table.sets.get(named);
  switch (set?.kind) {
    case 'addresses': {
      const [one] = held;
      if (one === null) return false;
      if ((set.type === 'ipv4_addr') !== (context.family === 4)) return negate;
      const content = contentOf(set);
      if (one === SOURCES || isMasked(one)) return splitByHeld(state, one, content, negate, `@${named}`);
      return typeof one === 'bigint' ? contains(content, one) !== negate : cannotTell(state, `@${named}`);
    }
    case 'elements':
      return inElements(state, context.family, held, keyed(set.elements), negate, `@${named}`);
    case 'verdict-map':
      return inElements(state, context.family, held, set.elements, negate, `@${named}`);
    case 'data-map':
      if (set.dynamic) return cannotTell(state, `@${named}`);
      return inElements(state, context.family, held, set.elements, negate, `@${named}`);
    case 'dynamic':
      return cannotTell(state, `@${named}`);
    case 'opaque':
    case undefined:
      return cannotTell(state, `@${named}`);
  }
};

const flattened = new WeakMap<readonly (readonly Value[])[], readonly Value[]>();

const flat = (elements: readonly (readonly Value[])[]): readonly Value[] => {
  const known = flattened.get(elements);
  if (known !== undefined) return known;
  const made = elements.flatMap((key) => key.slice(0, 1));
  flattened.set(elements, made);
  return made;
};

/** Whether a look-up is in a set that packets fill: who is in it depends on who was here before. */
export const isDynamicLookup = (table: AnyTable, step: Step): boolean => {
  if (step.kind !== 'lookup' || typeof step.set !== 'string') return false;
  const set = table.sets.get(step.set);
  return set?.kind === 'dynamic' || (set?.kind === 'data-map' && set.dynamic);
};

const filled = new WeakMap<Ruleset, ReadonlySet<string>>();

/** The ipsets that rules fill (target SET): what they hold changes with every packet. */
const filledSets = (ruleset: Ruleset): ReadonlySet<string> => {
  const known = filled.get(ruleset);
  if (known !== undefined) return known;
  const names = new Set<string>();
  for (const { chains } of ruleset.tables)
    for (const { rules } of chains.values())
      for (const rule of rules)
        if (rule.kind === 'iptables' && rule.target?.kind === 'set')
          for (const { values } of rule.target.options) if (values[0] !== undefined) names.add(values[0]);
  filled.set(ruleset, names);
  return names;
};

const width = (key: readonly Value[]): bigint =>
  key.reduce((sum, value) => (value.kind === 'range' ? sum + value.last - value.first : sum), 0n);

/** An ipset's test (net/netfilter/ipset/ip_set_core.c, ip_set_test): what cannot be in the set is not in it. */
export const matchIpset = (context: Context, state: State, step: Extract<Step, { kind: 'ipset' }>): Truth => {
  const { ipsets } = context.ruleset;
  const set = isAbsent(ipsets) ? undefined : ipsets.get(step.set);
  if (set === undefined || filledSets(context.ruleset).has(step.set)) return cannotTell(state, step.set);
  const members = set.type === 'list:set' ? membersOf(context, set) : [set];
  if (members === null) return cannotTell(state, step.set);
  if (members.length === 1 && members[0] !== undefined) return inIpset(context, state, members[0], step);
  // A list of sets: in one of them.
  let rest = state;
  let inside: PrefixSet = emptySet(context.family);
  for (const member of members) {
    const truth = inIpset(context, rest, member, { ...step, negate: false });
    if (truth === true) return splitBySet(state, union(inside, rest.sources), step.negate);
    if (truth === false) continue;
    if (truth.unknown !== null || truth.yes === null || truth.no === null) return cannotTell(state, step.set);
    inside = union(inside, truth.yes.sources);
    rest = truth.no;
  }
  return splitBySet(state, inside, step.negate);
};

const membersOf = ({ ruleset: { ipsets } }: Context, list: IpSet): readonly IpSet[] | null => {
  if (isAbsent(ipsets)) return null;
  const members = list.entries.flatMap(({ parts }) =>
    parts.map((part) => (part.kind === 'set' ? ipsets.get(part.name) : undefined)),
  );
  return members.every((member) => member !== undefined) ? members : null;
};

const inIpset = (context: Context, state: State, set: IpSet, step: Extract<Step, { kind: 'ipset' }>): Truth => {
  const { negate, directions, returnNomatch } = step;
  if (set.family !== null && set.family !== context.family) return negate;
  const fields = ipsetKey(set.type, directions);
  const { elements, hasNomatch, unknown } = ipsetElements(set);
  if (fields === null || unknown) return cannotTell(state, set.name);
  // `--return-nomatch`: the exceptions match, and nothing else; in sets that can have some (ip_set_core.c,
  // ip_set_test).
  const isReversed = returnNomatch && /\bnet\b/.test(set.type);
  const isBitmapPort = set.type === 'bitmap:port';
  if (isBitmapPort && context.packet.protocol !== 6 && context.packet.protocol !== 17) return negate;
  const held = fields.map((field) => readField(context, state, field));
  if (held.includes(null)) return negate;
  const points = partsOf(held);
  if (!isKnownKey(points)) return couldFind(elements, points) ? cannotTell(state, set.name) : negate;
  const found = findElements(elements, points);
  const open = points.indexOf(null);
  if (open === -1) {
    if (!hasNomatch || found.length === 0) return (found.length > 0 && !isReversed) !== negate;
    const best = found.reduce((a, b) => (width(b.key) < width(a.key) ? b : a));
    return (best.nomatch === isReversed) !== negate;
  }
  if (!hasNomatch && !isReversed) return splitBySet(state, addressesAt(found, open, context.family), negate);
  let inside = emptySet(context.family);
  for (const { key, nomatch } of [...found].sort((a, b) => (width(a.key) > width(b.key) ? -1 : 1))) {
    const own = addressesOf(key.slice(open, open + 1), context.family);
    inside = nomatch === isReversed ? union(inside, own) : difference(inside, own);
  }
  return splitBySet(state, inside, negate);
};
