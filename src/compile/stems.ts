import type { Access } from '../access/model.ts';
import { FAMILIES } from '../net/family.ts';
import { ofFamily, type AddressSet } from '../net/address-set.ts';
import { equals, type PrefixSet } from '../net/prefix-set.ts';
import type { Protocol } from '../net/protocol.ts';
import { sameRules } from '../ruleset/same-rules.ts';
import type { Table } from '../ruleset/table.ts';
import { pairIn, type Installed } from './installed.ts';
import { addressesOfPair, overlaps, type IntervalPair } from './interval-pair.ts';
import { exactPortOfChain, instanceStem, rangeOfChain, selectionNames } from './names.ts';
import { allowChain, groupSets } from './selection-objects.ts';
import type { Unit } from './units.ts';

/** Under which names the selections and groups of an access stand in the kernel. */
export interface Stems {
  readonly selections: ReadonlyMap<string, string>;
  readonly groups: ReadonlyMap<string, string>;
}

/**
 * Which instance each selection and group uses. The sets of an instance are edited in place only while exactly the same exposures
 * use it before and after: were an exposure to move between selections whose content changes in the same change, packets in flight
 * could be judged by the old chain with the new content, or the other way round, and a source that both refuse would get in.
 * Otherwise, and where the stored intervals have become many small pieces, a new instance is staged beside the old one.
 */
export const chooseStems = (
  current: Table | null,
  installed: Installed,
  access: Access,
  units: readonly Unit[],
): Stems => {
  const usersBefore = usersOf(
    usesOfStems(installed),
    exactPorts([...installed].map(([chain, treatments]) => [chain, treatments.keys()])),
  );
  const usersAfter = usersOf(
    usesOfSelections(units),
    exactPorts(units.map(({ chain, selections }) => [chain, selections.keys()])),
  );
  const settled = (id: string): string | null => {
    for (const [stem, users] of usersBefore)
      if (isInstanceOf(stem, id) && sameUsers(users, usersAfter.get(id))) return stem;
    return null;
  };
  const groups = new Map<string, string>();
  for (const [name, addresses] of access.groups) {
    const users = [...access.selections]
      .filter(([, { untouchedGroups }]) => untouchedGroups.includes(name))
      .map(([id]) => id);
    const stem = groupStemInUse(current, usersBefore.keys(), name);
    const content = stem === null ? 'unusable' : contentOf(current, groupSets(stem), addresses);
    const before = [...usersBefore.keys()].filter((user) => stem !== null && usesGroup(current, user, stem));
    const keep =
      stem !== null &&
      (content === 'same' ||
        (content === 'editable' &&
          users.length === before.length &&
          users.every((id) => before.includes(settled(id) ?? ''))));
    groups.set(name, keep ? stem : freeStem(current, name, (free) => [`${groupSets(free)}-4a`]));
  }
  const selections = new Map<string, string>();
  for (const [id, { own, untouchedGroups }] of access.selections) {
    const groupStems = untouchedGroups.map((name) => groups.get(name) ?? name);
    const candidates = [...usersBefore.keys()].filter((stem) => isInstanceOf(stem, id));
    const keep = candidates.find((stem) => {
      const chain = current?.chains.get(selectionNames(stem).allow);
      if (chain === undefined || !sameRules(chain.rules, allowChain(stem, groupStems).rules)) return false;
      const content = contentOf(current, selectionNames(stem).allow, own);
      return content === 'same' || (content === 'editable' && settled(id) === stem);
    });
    selections.set(
      id,
      keep ??
        freeStem(current, id, (free) => Object.values(selectionNames(free)).flatMap((name) => [name, `${name}-4a`])),
    );
  }
  return { selections, groups };
};

/** Who uses which selection: chain name → protocol → selection id or stem. */
type Uses = ReadonlyMap<string, ReadonlyMap<Protocol, string>>;

const usesOfStems = (installed: Installed): Uses =>
  new Map(
    [...installed].map(([chain, treatments]) => [
      chain,
      new Map(
        [...treatments].flatMap(([protocol, treatment]): [Protocol, string][] =>
          treatment.kind === 'open' ? [] : [[protocol, treatment.stem]],
        ),
      ),
    ]),
  );

const usesOfSelections = (units: readonly Unit[]): Uses =>
  new Map(
    units.map(({ chain, selections }) => [
      chain,
      new Map([...selections].flatMap(([protocol, id]): [Protocol, string][] => (id === null ? [] : [[protocol, id]]))),
    ]),
  );

/** The users of each selection as texts. A range is another user when another exact port stands out of it: that port's packets came to it before. */
const usersOf = (
  uses: Uses,
  exact: ReadonlyMap<Protocol, readonly number[]>,
): ReadonlyMap<string, ReadonlySet<string>> => {
  const users = new Map<string, Set<string>>();
  for (const [chain, byProtocol] of uses) {
    const range = rangeOfChain(chain);
    for (const [protocol, selection] of byProtocol) {
      const holes =
        range === null ? [] : (exact.get(protocol) ?? []).filter((port) => range.first <= port && port <= range.last);
      const set = users.get(selection) ?? new Set<string>();
      users.set(selection, set.add(`${chain}/${protocol} without ${holes.join(' ')}`));
    }
  }
  return users;
};

const exactPorts = (
  chains: Iterable<readonly [string, Iterable<Protocol>]>,
): ReadonlyMap<Protocol, readonly number[]> => {
  const ports = new Map<Protocol, number[]>();
  for (const [chain, protocols] of chains) {
    const port = exactPortOfChain(chain);
    if (port !== null)
      for (const protocol of protocols) (ports.get(protocol) ?? ports.set(protocol, []).get(protocol))?.push(port);
  }
  for (const list of ports.values()) list.sort((a, b) => a - b);
  return ports;
};

const sameUsers = (a: ReadonlySet<string>, b: ReadonlySet<string> | undefined): boolean =>
  b !== undefined && a.size === b.size && a.isSubsetOf(b);

const isInstanceOf = (stem: string, id: string): boolean => {
  const base = instanceStem(id, 1);
  return stem === base || (stem.startsWith(`${base}.`) && /^\d+$/.test(stem.slice(base.length + 1)));
};

const freeStem = (current: Table | null, id: string, objects: (stem: string) => readonly string[]): string => {
  for (let instance = 1; ; instance++) {
    const stem = instanceStem(id, instance);
    if (!objects(stem).some((name) => current?.chains.has(name) === true || current?.sets.has(name) === true))
      return stem;
  }
};

const usesGroup = (current: Table | null, selectionStem: string, groupStem: string): boolean =>
  (current?.chains.get(selectionNames(selectionStem).allow)?.rules ?? []).some(({ statements: [first] }) =>
    first?.kind === 'match' && first.right.kind === 'set' ? first.right.name === `${groupSets(groupStem)}-4a` : false,
  );

const groupStemInUse = (current: Table | null, selectionStems: Iterable<string>, name: string): string | null => {
  for (const user of selectionStems) {
    for (const { statements } of current?.chains.get(selectionNames(user).allow)?.rules ?? []) {
      const [first] = statements;
      const set = first?.kind === 'match' && first.right.kind === 'set' ? first.right.name : '';
      const stem = set.startsWith('g-') && set.endsWith('-4a') ? set.slice(2, -3) : null;
      if (stem !== null && isInstanceOf(stem, name)) return stem;
    }
  }
  return null;
};

/** What the stored pairs of a stem hold, beside what they should hold. */
const contentOf = (current: Table | null, stem: string, wanted: AddressSet): 'same' | 'editable' | 'unusable' => {
  let same = true;
  for (const family of FAMILIES) {
    const pair = pairIn(current, stem, family);
    const addresses = ofFamily(wanted, family);
    if (pair === null || overlaps(family, pair)) return 'unusable';
    const holds = equals(addressesOfPair(family, pair), addresses);
    if (!holds && inPieces(pair, addresses)) return 'unusable';
    same &&= holds;
  }
  return same ? 'same' : 'editable';
};

/** Far more stored intervals than the set needs: time to store it anew. */
const inPieces = ({ a, b }: IntervalPair, wanted: PrefixSet): boolean => a.length + b.length > 2 * wanted.size + 256;
