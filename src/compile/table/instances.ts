import type { Access } from '../../access/model.ts';
import type { Protocol } from '../../net/protocol.ts';
import type { Table } from '../../ruleset/table.ts';
import { askedBefore, standsFor } from './address-chain.ts';
import type { Installed } from './installed.ts';
import { exactPortOfChain, groupNames, instanceName, isNumbered, rangeOfChain, selectionNames } from './names.ts';
import { allowChain, groupChain } from './selection-objects.ts';
import type { ExposureChain } from './exposure-chains.ts';

/** Under which names the selections and groups of an access stand in the kernel. */
export interface Instances {
  readonly selections: ReadonlyMap<string, string>;
  readonly groups: ReadonlyMap<string, string>;
}

/**
 * Which instance each selection and group uses. The chain of an instance gets other rules while it is in use only where
 * exactly the same exposures use it before and after: were an exposure to move between selections whose content changes
 * in the same change, packets in flight could be judged by the old chain with the new content, or the other way round,
 * and a source that both refuse would get in. In the same way a group in use changes only where nothing else changes
 * for the selections that ask it: a client that goes over from a selection's own addresses to its group must be found
 * in one of them at any time. Otherwise a new instance is staged beside the old one.
 */
export const chooseInstances = (
  current: Table | null,
  installed: Installed,
  access: Access,
  units: readonly ExposureChain[],
): Instances => {
  const usersBefore = usersOf(
    usesOfInstances(installed),
    exactPorts([...installed].map(([chain, treatments]) => [chain, treatments.keys()])),
  );
  const usersAfter = usersOf(
    usesOfSelections(units),
    exactPorts(units.map(({ chain, selections }) => [chain, selections.keys()])),
  );
  const asksFirst = (instance: string): readonly string[] =>
    askedBefore(current?.chains.get(selectionNames(instance).allow));
  const settled = (id: string): string | null => {
    for (const [instance, users] of usersBefore)
      if (isInstanceOf(instance, id) && sameUsers(users, usersAfter.get(id))) return instance;
    return null;
  };
  const groups = groupInstances(current, access, [...usersBefore.keys()], asksFirst, settled);
  const selections = new Map<string, string>();
  for (const [id, { own, untouchedGroups }] of access.selections) {
    const wanted = untouchedGroups.map((name) => groupNames(groups.get(name) ?? name).allow);
    const keep = [...usersBefore.keys()].find(
      (instance) =>
        isInstanceOf(instance, id) &&
        sameNames(asksFirst(instance), wanted) &&
        standsFor(current, allowChain(instance), own),
    );
    const free = () => freeInstance(current, id, (instance) => Object.values(selectionNames(instance)));
    selections.set(id, keep ?? settled(id) ?? free());
  }
  return { selections, groups };
};

const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, index) => name === b[index]);

const groupInstances = (
  current: Table | null,
  access: Access,
  instancesBefore: readonly string[],
  asksFirst: (instance: string) => readonly string[],
  settled: (id: string) => string | null,
): ReadonlyMap<string, string> => {
  const inUse = new Set(instancesBefore.flatMap(asksFirst));
  const before = new Map(
    [...access.groups].map(([name, addresses]) => {
      const chain = [...inUse].find((one) => one.startsWith(GROUP) && isInstanceOf(one.slice(GROUP.length), name));
      const instance = chain?.slice(GROUP.length) ?? null;
      return [
        name,
        { instance, same: instance !== null && standsFor(current, groupChain(instance), addresses) },
      ] as const;
    }),
  );
  /** Whether the group alone changes for everybody who asks it, before and after. */
  const isAlone = (name: string, instance: string): boolean => {
    const users = [...access.selections].filter(([, { untouchedGroups }]) => untouchedGroups.includes(name));
    const usersBefore = instancesBefore.filter((user) => asksFirst(user).includes(groupNames(instance).allow));
    return (
      users.length === usersBefore.length &&
      users.every(([id, { own, untouchedGroups }]) => {
        const user = settled(id);
        return (
          user !== null &&
          usersBefore.includes(user) &&
          standsFor(current, allowChain(user), own) &&
          untouchedGroups.every((other) => other === name || before.get(other)?.same === true) &&
          sameNames(
            asksFirst(user),
            untouchedGroups.map((other) => groupNames(before.get(other)?.instance ?? '').allow),
          )
        );
      })
    );
  };
  return new Map(
    [...before].map(([name, { instance, same }]) => [
      name,
      instance !== null && (same || isAlone(name, instance))
        ? instance
        : freeInstance(current, name, (free) => Object.values(groupNames(free))),
    ]),
  );
};

const GROUP = groupNames('').allow;

/** Who uses which selection: chain name → protocol → selection id or instance. */
type Uses = ReadonlyMap<string, ReadonlyMap<Protocol, string>>;

const usesOfInstances = (installed: Installed): Uses =>
  new Map(
    [...installed].map(([chain, treatments]) => [
      chain,
      new Map(
        [...treatments].flatMap(([protocol, treatment]): [Protocol, string][] =>
          treatment.kind === 'open' ? [] : [[protocol, treatment.instance]],
        ),
      ),
    ]),
  );

const usesOfSelections = (units: readonly ExposureChain[]): Uses =>
  new Map(
    units.map(({ chain, selections }) => [
      chain,
      new Map([...selections].flatMap(([protocol, id]): [Protocol, string][] => (id === null ? [] : [[protocol, id]]))),
    ]),
  );

/**
 * The users of each selection as texts. A range is another user when another exact port stands out of it: that port's
 * packets came to it before.
 */
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

const isInstanceOf = (instance: string, id: string): boolean => isNumbered(instance, instanceName(id, 1));

/** The first instance of which the kernel has no chain, not even one that waits to be swept. */
const freeInstance = (current: Table | null, id: string, chains: (instance: string) => readonly string[]): string => {
  for (let number = 1; ; number++) {
    const instance = instanceName(id, number);
    if (!chains(instance).some((name) => current?.chains.has(name) === true)) return instance;
  }
};
