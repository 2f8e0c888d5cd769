import type { Access } from '../access/model.ts';
import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import { PROTOCOL_NUMBER, PROTOCOLS, type Protocol } from '../net/protocol.ts';
import { EXPOSURES, RANGES, REPLIES, VIPS } from '../compile/names.ts';
import type { Value } from '../ruleset/data-type.ts';
import { lower } from '../ruleset/lower.ts';
import type { MapElement } from '../ruleset/map-element.ts';
import type { Table } from '../ruleset/table.ts';

/** The ports and addresses at which the own table, or the access, can begin to behave differently. */
export interface Places {
  readonly ports: ReadonlyMap<Protocol, readonly number[]>;
  readonly vips: readonly { readonly address: Address; readonly protocol: Protocol; readonly port: number }[];
}

const elementsOf = (table: Table | null, name: string): readonly MapElement[] => {
  const map = table?.sets.get(name);
  return map?.kind === 'verdict-map' ? map.elements : [];
};

const protocolOf = (value: Value | undefined): Protocol | undefined =>
  value?.kind === 'range' ? PROTOCOLS.find((protocol) => BigInt(PROTOCOL_NUMBER[protocol]) === value.first) : undefined;

/** Port numbers that rules test outside the maps, as a hand-written rule would. */
const portsInRules = (table: Table | null): readonly (readonly [number, number])[] =>
  [...(table?.chains.values() ?? [])].flatMap(({ rules }) =>
    rules.flatMap((rule) =>
      lower(rule).flatMap((step) =>
        step.kind === 'test' && (step.field === 'destination-port' || step.field === 'source-port')
          ? step.values.flatMap((value): (readonly [number, number])[] =>
              value.kind === 'range' ? [[Number(value.first), Number(value.last)]] : [],
            )
          : [],
      ),
    ),
  );

/** Between two neighbours of these ports nothing changes, so checking them checks all 65,535. */
export const placesOf = (table: Table | null, access: Access): Places => {
  const edges = new Map<Protocol, Set<number>>(PROTOCOLS.map((protocol) => [protocol, new Set([1, 65_535])]));
  const note = (protocol: Protocol, first: number, last: number): void => {
    for (const port of [first - 1, first, last, last + 1])
      if (port >= 1 && port <= 65_535) edges.get(protocol)?.add(port);
  };
  for (const { protocol, ports, address } of access.exposures)
    if (address === null) note(protocol, ports.first, ports.last);
  for (const name of [EXPOSURES, ...RANGES, REPLIES])
    for (const { key } of elementsOf(table, name)) {
      const [first, ports] = key;
      const protocol = protocolOf(first);
      if (protocol !== undefined && ports?.kind === 'range') note(protocol, Number(ports.first), Number(ports.last));
    }
  for (const [first, last] of portsInRules(table)) for (const protocol of PROTOCOLS) note(protocol, first, last);
  const vips = new Map<string, Places['vips'][number]>();
  const noteVip = (address: Address, protocol: Protocol, port: number): void => {
    vips.set(`${address.family} ${address.value} ${protocol} ${port}`, { address, protocol, port });
  };
  for (const { address, protocol, ports } of access.exposures)
    if (address !== null) noteVip(address, protocol, ports.first);
  for (const family of [4, 6] as const satisfies readonly Family[])
    for (const { key } of elementsOf(table, VIPS[family])) {
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
