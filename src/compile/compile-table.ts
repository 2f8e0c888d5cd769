import type { Access } from '../access/model.ts';
import { isNobody } from '../net/address-set.ts';
import type { PortRange } from '../net/port.ts';
import { PROTOCOL_NUMBER, PROTOCOLS, type Protocol } from '../net/protocol.ts';
import { single, type Value } from '../ruleset/data-type.ts';
import type { MapElement } from '../ruleset/map-element.ts';
import type { Chain, Interval, NamedSet, Rule, Table } from '../ruleset/table.ts';
import { goto } from '../ruleset/verdict.ts';
import { DEFAULT_LEDGER, frame, postrouting, type LedgerLimits } from './frame.ts';
import { installedIn, pairIn } from './installed.ts';
import { changePair, freshPair, overlaps } from './interval-pair.ts';
import { EXPOSURES, pairNames, RANGES, REPLIES, TABLE, VIPS } from './names.ts';
import { placeRanges } from './range-maps.ts';
import { replyObjects, type ReplyPlace } from './replies.ts';
import {
  allowRepliesChain,
  groupSets,
  refuseChainOf,
  selectionObjects,
  wantedPairs,
  type WantedPair,
} from './selection-objects.ts';
import { chooseStems, type Stems } from './stems.ts';
import { exposureRules, type Treatment } from './treatment.ts';
import { unitsOf, type Unit } from './units.ts';

export interface CompileOptions {
  readonly ledger?: LedgerLimits;
  readonly replies?: readonly ReplyPlace[];
}

/**
 * The table that enforces an access. With `current`, what the kernel holds now, the table is the one to go to from there: names and
 * stored intervals are kept where that is safe. The meaning does not depend on `current`.
 */
export const compileTable = (access: Access, current: Table | null = null, options: CompileOptions = {}): Table => {
  const units = unitsOf(access);
  const installed = installedIn(current);
  const stems = chooseStems(current, installed, access, units);
  const { chains, sets, counters } = frame(options.ledger ?? DEFAULT_LEDGER);
  const replies = replyObjects(options.replies ?? [], units, (id) => stems.selections.get(id) ?? id);
  const selections = [...access.selections].map(([id, selection]) => {
    const groupStems = selection.untouchedGroups.map((name) => stems.groups.get(name) ?? name);
    const stem = stems.selections.get(id) ?? id;
    const objects = selectionObjects(selection, stem, groupStems);
    return replies.stems.has(stem)
      ? { ...objects, chains: [...objects.chains, allowRepliesChain(stem, groupStems)] }
      : objects;
  });
  const pairs: readonly WantedPair[] = [
    ...[...access.groups].flatMap(([name, addresses]) =>
      wantedPairs(groupSets(stems.groups.get(name) ?? name), addresses),
    ),
    ...selections.flatMap((objects) => objects.pairs),
  ];
  const filled = fillMaps(sets, current, units, replies.elements);
  return {
    engine: 'nft',
    ...TABLE,
    chains: byName([
      ...chains,
      ...(replies.elements.length > 0 ? [postrouting] : []),
      ...selections.flatMap((objects) => objects.chains),
      ...exposureChains(access, stems, units),
      ...replies.chains,
    ]),
    sets: byName([...filled, ...pairs.flatMap((pair) => pairSets(pair, current))]),
    counters: new Map(counters),
  };
};

const byName = <T extends { readonly name: string }>(objects: readonly T[]): ReadonlyMap<string, T> =>
  new Map(objects.map((object) => [object.name, object]));

const treatmentOf = (access: Access, stems: Stems, id: string | null): Treatment => {
  const selection = id === null ? undefined : access.selections.get(id);
  if (id === null || selection === undefined) return { kind: 'open' };
  const stem = stems.selections.get(id) ?? id;
  return { kind: 'guarded', stem, audit: !isNobody(selection.wouldRefuse), refuse: refuseChainOf(selection, stem) };
};

/** The chain of each exposure. Thousands are treated alike: these share one list of rules, so that it is compared once. */
const exposureChains = (access: Access, stems: Stems, units: readonly Unit[]): readonly Chain[] => {
  const known = new Map<string, readonly Rule[]>();
  return units.map(({ chain, address, selections }) => {
    const like = `${address === null} ${[...selections].join(' ')}`;
    const rules =
      known.get(like) ??
      exposureRules(
        new Map(
          [...selections].map(([protocol, id]): [Protocol, Treatment] => [protocol, treatmentOf(access, stems, id)]),
        ),
        address === null,
      );
    known.set(like, rules);
    return { name: chain, base: null, rules };
  });
};

const protocolValue = (protocol: Protocol): Value => single(PROTOCOL_NUMBER[protocol]);
const portsValue = ({ first, last }: PortRange): Value => ({ kind: 'range', first: BigInt(first), last: BigInt(last) });

const fillMaps = (
  sets: readonly NamedSet[],
  current: Table | null,
  units: readonly Unit[],
  replies: readonly MapElement[],
): readonly NamedSet[] => {
  const exact = (address: (unit: Unit) => boolean): readonly MapElement[] =>
    units
      .filter((unit) => unit.ports.first === unit.ports.last && address(unit))
      .flatMap(({ address, ports, chain, selections }) =>
        [...selections.keys()].map((protocol) => ({
          key: [...(address === null ? [] : [single(address.value)]), protocolValue(protocol), portsValue(ports)],
          verdict: goto(chain),
        })),
      );
  const ranges = (protocol: Protocol): readonly (readonly [string, readonly MapElement[]])[] => {
    const wanted = units
      .filter(({ ports, selections }) => ports.first !== ports.last && selections.has(protocol))
      .map(({ ports, chain }) => ({ key: [portsValue(ports)], verdict: goto(chain) }));
    const [a, b] = placeRanges(current, RANGES[protocol], wanted);
    return [
      [RANGES[protocol][0], a],
      [RANGES[protocol][1], b],
    ];
  };
  const contents: Readonly<Record<string, readonly MapElement[]>> = {
    [EXPOSURES]: exact(({ address }) => address === null),
    [VIPS[4]]: exact(({ address }) => address?.family === 4),
    [VIPS[6]]: exact(({ address }) => address?.family === 6),
    ...Object.fromEntries(PROTOCOLS.flatMap(ranges)),
    [REPLIES]: replies,
  };
  return sets.map((set) => {
    const elements = contents[set.name];
    return set.kind === 'verdict-map' && elements !== undefined ? { ...set, elements } : set;
  });
};

const pairSets = ({ stem, family, addresses }: WantedPair, current: Table | null): readonly NamedSet[] => {
  const stored = pairIn(current, stem, family);
  const pair = stored === null || overlaps(family, stored) ? freshPair(addresses) : changePair(stored, addresses).after;
  const names = pairNames(stem, family);
  const type = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  const set = (name: string, intervals: readonly Interval[]): NamedSet => ({
    kind: 'addresses',
    name,
    type,
    intervals,
  });
  return [set(names.a, pair.a), set(names.b, pair.b)];
};
