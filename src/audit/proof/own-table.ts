import type { Access } from '../../access/model.ts';
import type { Address } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import { PROTOCOL_NUMBER, PROTOCOLS, type Protocol } from '../../net/protocol.ts';
import { VIPS } from '../../compile/table/names.ts';
import type { Value } from '../../ruleset/values/data-type.ts';
import { stepsWithin } from '../../lower/steps-within.ts';
import { readingsText, readsPort, type ValueSource } from '../../lower/value-source.ts';
import { verdictElements, type Table } from '../../ruleset/table.ts';

/** The ports and addresses at which the own table, or the access, can begin to behave differently. */
export interface Places {
  readonly ports: ReadonlyMap<Protocol, readonly number[]>;
  readonly vips: readonly { readonly address: Address; readonly protocol: Protocol; readonly port: number }[];
}

const protocolOf = (value: Value | undefined): Protocol | undefined =>
  value?.kind === 'range' ? PROTOCOLS.find((protocol) => BigInt(PROTOCOL_NUMBER[protocol]) === value.first) : undefined;

const PORTS: ReadonlySet<ValueSource> = new Set(['destination-port', 'source-port']);

/** Ports from `first` to `last` that a rule or a map tells apart, for some protocols. */
interface NamedPort {
  readonly protocols: readonly Protocol[];
  readonly first: number;
  readonly last: number;
}

const isAnyPort = ({ first, last }: { readonly first: bigint; readonly last: bigint }): boolean =>
  first === 0n && last === 65_535n;

const portsNamed = (protocols: readonly Protocol[], value: Value | undefined): readonly NamedPort[] =>
  value?.kind === 'range' && !isAnyPort(value)
    ? [{ protocols, first: Number(value.first), last: Number(value.last) }]
    : [];

/** What a map or set tells apart: the ports of its keys, each for the protocol beside it, or for all. */
const portsOfKeys = (key: readonly ValueSource[], keys: readonly (readonly Value[])[]): readonly NamedPort[] => {
  const protocolAt = key.indexOf('protocol');
  const portsAt = key.flatMap((field, index) => (PORTS.has(field) ? [index] : []));
  return portsAt.flatMap((index) =>
    keys.flatMap((values) => {
      const protocol = protocolOf(values[protocolAt]);
      return portsNamed(protocol === undefined ? PROTOCOLS : [protocol], values[index]);
    }),
  );
};

const keysOf = (table: Table | null, name: string): readonly (readonly Value[])[] => {
  const set = table?.sets.get(name);
  return set?.kind === 'elements' ? set.elements : verdictElements(set).map(({ key }) => key);
};

/** A port that is calculated with: any two neighbours can differ. */
const calculates = (reading: ValueSource): boolean => typeof reading !== 'string' && readsPort(reading);
const EVERY_PORT: readonly NamedPort[] = Array.from({ length: 65_535 }, (_, index) => ({
  protocols: PROTOCOLS,
  first: index + 1,
  last: index + 1,
}));

/** Ports that the table tells apart, in our maps or in what somebody has put beside them. */
const namedPorts = (table: Table | null): readonly NamedPort[] => {
  const maps = new Map<string, readonly NamedPort[]>();
  const others: NamedPort[] = [];
  // Thousands of exposures share one list of rules.
  const lists = new Set([...(table?.chains.values() ?? [])].map(({ rules }) => rules));
  for (const rules of lists)
    for (const rule of rules)
      for (const step of stepsWithin(rule)) {
        if (step.kind === 'write' && (PORTS.has(step.value) || calculates(step.value))) return EVERY_PORT;
        if (step.kind !== 'test' && step.kind !== 'lookup' && step.kind !== 'verdict-map') continue;
        const key = step.kind === 'test' ? [step.field] : step.key;
        if (key.some(calculates)) return EVERY_PORT;
        if (!key.some((reading) => PORTS.has(reading))) continue;
        if (step.kind === 'test') others.push(...step.values.flatMap((value) => portsNamed(PROTOCOLS, value)));
        else if (step.kind === 'verdict-map' && typeof step.map !== 'string')
          others.push(
            ...portsOfKeys(
              key,
              step.map.map((element) => element.key),
            ),
          );
        else {
          const set = step.kind === 'lookup' ? step.set : step.map;
          if (typeof set === 'string') maps.set(`${set} ${readingsText(key)}`, portsOfKeys(key, keysOf(table, set)));
          else others.push(...portsOfKeys(key, set as readonly (readonly Value[])[]));
        }
      }
  return [...others, ...[...maps.values()].flat()];
};

/** Between two neighbours of these ports nothing changes, so checking them checks all 65,535. */
export const placesOf = (table: Table | null, access: Access): Places => {
  const edges = new Map<Protocol, Set<number>>(PROTOCOLS.map((protocol) => [protocol, new Set([1, 65_535])]));
  const note = (protocol: Protocol, first: number, last: number): void => {
    for (const port of [first - 1, first, last, last + 1])
      if (port >= 1 && port <= 65_535) edges.get(protocol)?.add(port);
  };
  for (const { protocol, ports, address } of access.exposures)
    if (address === null) note(protocol, ports.first, ports.last);
  for (const { protocols, first, last } of namedPorts(table))
    for (const protocol of protocols) note(protocol, first, last);
  const vips = new Map<string, Places['vips'][number]>();
  const noteVip = (address: Address, protocol: Protocol, port: number): void => {
    vips.set(`${address.family} ${address.value} ${protocol} ${port}`, { address, protocol, port });
  };
  for (const { address, protocol, ports } of access.exposures)
    if (address !== null) noteVip(address, protocol, ports.first);
  for (const family of [4, 6] as const satisfies readonly Family[])
    for (const { key } of verdictElements(table?.sets.get(VIPS[family]))) {
      const [address, second, port] = key;
      const protocol = protocolOf(second);
      if (address?.kind === 'range' && protocol !== undefined && port?.kind === 'range')
        noteVip({ family, value: address.first }, protocol, Number(port.first));
    }
  return {
    ports: new Map([...edges].map(([protocol, ports]) => [protocol, [...ports].sort((a, b) => a - b)])),
    vips: [...vips.values()],
  };
};
