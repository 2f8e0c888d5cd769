import type { Access } from '../../access/model.ts';
import { isNobody } from '../../net/address-set.ts';
import type { PortRange } from '../../net/port.ts';
import { PROTOCOL_NUMBER, type Protocol } from '../../net/protocol.ts';
import { single, type Value } from '../../ruleset/values/data-type.ts';
import type { MapElement } from '../../ruleset/values/map-element.ts';
import type { Chain, KnownSet, Rule, Table } from '../../ruleset/table.ts';
import { goto } from '../../ruleset/values/verdict.ts';
import { namesBeside } from './address-chain.ts';
import { DEFAULT_LEDGER, frame, postrouting, prerouting, type LedgerLimits } from './frame.ts';
import { installedIn } from './installed.ts';
import type { CompiledTable } from './compiled-table.ts';
import { EXPOSURES, REPLIES, TABLE, VIPS } from './names.ts';
import { rangeMaps } from './range-maps.ts';
import { replyObjects, type ReplyPlace } from './replies.ts';
import { groupObjects, refuseChainOf, selectionObjects } from './selection-objects.ts';
import { chooseInstances, type Instances } from './instances.ts';
import { exposureRules, type Treatment } from './treatment.ts';
import { exposureChainsOf, type ExposureChain } from './exposure-chains.ts';

export interface CompileOptions {
  readonly ledger?: LedgerLimits;
  readonly replies?: readonly ReplyPlace[];
}

/**
 * The table that enforces an access. With `current`, what the kernel holds now, the table is the one to go to from
 * there: names and stored intervals are kept where that is safe. The meaning does not depend on `current`.
 */
export const compileTable = (
  access: Access,
  current: Table | null = null,
  options: CompileOptions = {},
): CompiledTable => {
  const units = exposureChainsOf(access);
  const installed = installedIn(current);
  const instances = chooseInstances(current, installed, access, units);
  const { chains, sets, counters } = frame(options.ledger ?? DEFAULT_LEDGER);
  const replies = replyObjects(options.replies ?? [], units, (id) => instances.selections.get(id) ?? id);
  const nameSet = namesBeside(current);
  const groupsOfReplies = new Set<string>();
  const selections = [...access.selections].map(([id, selection]) => {
    const instance = instances.selections.get(id) ?? id;
    const judgesReplies = replies.instances.has(instance);
    if (judgesReplies) for (const name of selection.untouchedGroups) groupsOfReplies.add(name);
    const groupInstances = selection.untouchedGroups.map((name) => instances.groups.get(name) ?? name);
    return selectionObjects(selection, instance, groupInstances, { current, nameSet, replies: judgesReplies });
  });
  const groups = [...access.groups].map(([name, addresses]) =>
    groupObjects(addresses, instances.groups.get(name) ?? name, {
      current,
      nameSet,
      replies: groupsOfReplies.has(name),
    }),
  );
  const ranges = rangeMaps(current, (protocol) => rangesOf(units, protocol), nameSet);
  const rangeNames = new Map([...ranges].map(([protocol, { name }]) => [protocol, name]));
  const objects = [...groups, ...selections];
  return {
    engine: 'nft',
    ...TABLE,
    chains: byName([
      ...chains,
      prerouting(rangeNames),
      ...(replies.elements.length > 0 ? [postrouting] : []),
      ...objects.flatMap((each) => each.chains),
      ...exposureChains(access, instances, units),
      ...replies.chains,
    ]),
    sets: byName([
      ...fillMaps(sets, units, replies.elements),
      ...ranges.values(),
      ...objects.flatMap((each) => each.sets),
    ]),
    counters: new Map(counters),
  };
};

const byName = <T extends { readonly name: string }>(objects: readonly T[]): ReadonlyMap<string, T> =>
  new Map(objects.map((object) => [object.name, object]));

const treatmentOf = (access: Access, instances: Instances, id: string | null): Treatment => {
  const selection = id === null ? undefined : access.selections.get(id);
  if (id === null || selection === undefined) return { kind: 'open' };
  const instance = instances.selections.get(id) ?? id;
  return {
    kind: 'guarded',
    instance,
    audit: !isNobody(selection.wouldRefuse),
    refuse: refuseChainOf(selection, instance),
  };
};

/**
 * The chain of each exposure. Thousands are treated alike: these share one list of rules, so that it is compared once.
 */
const exposureChains = (access: Access, instances: Instances, units: readonly ExposureChain[]): readonly Chain[] => {
  const known = new Map<string, readonly Rule[]>();
  return units.map(({ chain, address, ports, selections }) => {
    const like = `${address === null} ${ports.first === ports.last} ${[...selections].join(' ')}`;
    const rules =
      known.get(like) ??
      exposureRules(
        new Map(
          [...selections].map(([protocol, id]): [Protocol, Treatment] => [
            protocol,
            treatmentOf(access, instances, id),
          ]),
        ),
        chain,
      );
    known.set(like, rules);
    return { name: chain, base: null, rules };
  });
};

const protocolValue = (protocol: Protocol): Value => single(PROTOCOL_NUMBER[protocol]);
const portsValue = ({ first, last }: PortRange): Value => ({ kind: 'range', first: BigInt(first), last: BigInt(last) });

/** A range is looked up by its port twice, for what has one field alone slows every nft on the node. */
const ANY_PORT: Value = { kind: 'range', first: 0n, last: 65_535n };

const rangesOf = (units: readonly ExposureChain[], protocol: Protocol): readonly MapElement[] =>
  units
    .filter(({ ports, selections }) => ports.first !== ports.last && selections.has(protocol))
    .map(({ ports, chain }) => ({ key: [portsValue(ports), ANY_PORT], verdict: goto(chain) }));

const fillMaps = (
  sets: readonly KnownSet[],
  units: readonly ExposureChain[],
  replies: readonly MapElement[],
): readonly KnownSet[] => {
  const exact = (address: (unit: ExposureChain) => boolean): readonly MapElement[] =>
    units
      .filter((unit) => unit.ports.first === unit.ports.last && address(unit))
      .flatMap(({ address, ports, chain, selections }) =>
        [...selections.keys()].map((protocol) => ({
          key: [...(address === null ? [] : [single(address.value)]), protocolValue(protocol), portsValue(ports)],
          verdict: goto(chain),
        })),
      );
  const contents: Readonly<Record<string, readonly MapElement[]>> = {
    [EXPOSURES]: exact(({ address }) => address === null),
    [VIPS[4]]: exact(({ address }) => address?.family === 4),
    [VIPS[6]]: exact(({ address }) => address?.family === 6),
    [REPLIES]: replies,
  };
  return sets.map((set) => {
    const elements = contents[set.name];
    return set.kind === 'verdict-map' && elements !== undefined ? { ...set, elements } : set;
  });
};
