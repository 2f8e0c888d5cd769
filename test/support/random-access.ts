import fc from 'fast-check';
import { exposureId } from '../../src/access/exposures.ts';
import type { Access, ExposureAccess, Selection } from '../../src/access/model.ts';
import type { Address } from '../../src/net/address.ts';
import {
  addressComplement,
  addressDifference,
  addressIntersection,
  addressUnion,
  nobody,
  type AddressSet,
} from '../../src/net/address-set.ts';
import { setOfRanges } from '../../src/net/prefix-set.ts';
import type { PortRange } from '../../src/net/port.ts';
import { PROTOCOLS, type Protocol } from '../../src/net/protocol.ts';
import { address } from './address.ts';

const BASE = { 4: address('10.0.0.0').value, 6: address('2001:db8::').value } as const;

/**
 * Sets within a few hundred addresses, the whole space and the far ends: small enough that changes overlap, with the
 * edges in.
 */
export const anySet: fc.Arbitrary<AddressSet> = fc
  .record({
    v4: fc.array(fc.tuple(fc.nat(255), fc.nat(40)), { maxLength: 6 }),
    v6: fc.array(fc.tuple(fc.nat(255), fc.nat(40)), { maxLength: 4 }),
    flip: fc.boolean(),
  })
  .map(({ v4, v6, flip }) => {
    const ranges = (family: 4 | 6, list: readonly (readonly [number, number])[]) =>
      setOfRanges(
        family,
        list.map(([first, more]) => ({
          first: BASE[family] + BigInt(first),
          last: BASE[family] + BigInt(first + more),
        })),
      );
    const set = { v4: ranges(4, v4), v6: ranges(6, v6) };
    return flip ? addressComplement(set) : set;
  });

const anySelection = (id: string, groups: Readonly<Record<string, AddressSet>>): fc.Arbitrary<Selection> =>
  fc
    .record({
      allowed: anySet,
      rejected: anySet,
      how: fc.nat(3),
      audit: anySet,
      audited: fc.boolean(),
      grouped: fc.subarray(Object.keys(groups)),
    })
    .map(({ allowed: chosen, rejected, how, audit, audited, grouped }) => {
      const group = addressUnion(nobody, ...grouped.map((name) => groups[name] ?? nobody));
      const allowed = addressUnion(chosen, group);
      const others = addressComplement(allowed);
      return {
        id,
        policies: [`ClusterNodePortPolicy ${id}`],
        allowed,
        rejected: how === 0 ? others : how === 1 ? addressIntersection(rejected, others) : nobody,
        wouldRefuse: audited ? addressIntersection(allowed, audit) : nobody,
        wouldAdmit: nobody,
        untouchedGroups: grouped,
        own: addressDifference(allowed, group),
        parts: [],
        wouldParts: [],
      };
    });

const VIP = [address('192.0.2.200'), address('2001:db8::200')];
const PLACES: readonly { readonly address: Address | null; readonly ports: PortRange }[] = [
  ...[30_001, 30_002, 30_010].map((port) => ({ address: null, ports: { first: port, last: port } })),
  // Also on the ports that are guarded, or not, at every local address.
  ...VIP.flatMap((address) => [80, 30_001, 30_010].map((port) => ({ address, ports: { first: port, last: port } }))),
];
/** Ways to cut 30000–30020 into guarded ranges. */
const CUTS: readonly (readonly PortRange[])[] = [
  [],
  [{ first: 30_000, last: 30_020 }],
  [
    { first: 30_000, last: 30_009 },
    { first: 30_010, last: 30_020 },
  ],
  [{ first: 30_002, last: 30_012 }],
  [
    { first: 30_005, last: 30_009 },
    { first: 30_015, last: 30_016 },
  ],
];
const IDS = ['s1', 's2', 's3'] as const;

/** A random access of a few exposures that share selections, ranges and groups. */
export const anyAccess: fc.Arbitrary<Access> = fc
  .record({
    office: anySet,
    partner: anySet,
    choices: fc.array(fc.option(fc.constantFrom(...IDS), { freq: 3 }), { minLength: 30, maxLength: 30 }),
    cut: fc.constantFrom(...CUTS),
  })
  .chain(({ office, partner, choices, cut }) => {
    const groups = { office, partner };
    return fc
      .record({ s1: anySelection('s1', groups), s2: anySelection('s2', groups), s3: anySelection('s3', groups) })
      .map((all) => {
        let next = 0;
        const choose = () => choices[next++ % choices.length] ?? null;
        const exposure = (
          address: Address | null,
          ports: PortRange,
          protocol: Protocol,
          selection: string | null,
        ): ExposureAccess => ({
          id: exposureId(address, ports, protocol),
          kind: 'NodePort',
          protocol,
          ports,
          address,
          service: null,
          selection,
        });
        const exact = PLACES.flatMap(({ address, ports }) =>
          PROTOCOLS.map((protocol) => exposure(address, ports, protocol, choose())),
        );
        const ranges = cut.flatMap((ports) =>
          PROTOCOLS.flatMap((protocol) => {
            const id = choose();
            return id === null ? [] : [exposure(null, ports, protocol, id)];
          }),
        );
        // An open exact port is listed only where a Service has it; leave some out altogether.
        const exposures = [...exact.filter(({ selection }, index) => selection !== null || index % 2 === 0), ...ranges];
        const used = new Set(exposures.flatMap(({ selection }) => selection ?? []));
        const selections = new Map(IDS.filter((id) => used.has(id)).map((id) => [id as string, all[id]]));
        const asked = new Set([...selections.values()].flatMap(({ untouchedGroups }) => untouchedGroups));
        return {
          exposures,
          selections,
          groups: new Map(Object.entries(groups).filter(([name]) => asked.has(name))),
          warnings: [],
        };
      });
  });
