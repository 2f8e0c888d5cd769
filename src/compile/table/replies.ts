import type { Address } from '../../net/address.ts';
import { PROTOCOL_NUMBER, type Protocol } from '../../net/protocol.ts';
import { single, symbol } from '../../ruleset/values/data-type.ts';
import { ipv4Source, ipv6Source, l4proto, type Expression } from '../../ruleset/nft/expression.ts';
import type { MapElement } from '../../ruleset/values/map-element.ts';
import { match, values, verdict, type Statement } from '../../ruleset/nft/statement.ts';
import type { Chain, Rule } from '../../ruleset/table.ts';
import { accept, drop, goto, jump } from '../../ruleset/values/verdict.ts';
import { COUNTERS, replyChain, selectionNames } from './names.ts';
import { perProtocol, type Treatment, type Treatments } from './treatment.ts';
import type { ExposureChain } from './exposure-chains.ts';

/** A place whose replies are judged because a refused client still has a tracked connection there. */
export interface ReplyPlace {
  /** A VIP or external IP; null: any local address. */
  readonly address: Address | null;
  readonly protocol: Protocol;
  readonly port: number;
}

export interface ReplyObjects {
  readonly chains: readonly Chain[];
  readonly elements: readonly MapElement[];
  /** Instances of the selections whose reply chain is used. */
  readonly instances: ReadonlySet<string>;
}

const sameAddress = (a: Address | null, b: Address | null): boolean =>
  a === null || b === null ? a === b : a.family === b.family && a.value === b.value;

/** The selection that guards a place: that of the exact port, else that of the range around it. */
const guardOf = (units: readonly ExposureChain[], { address, protocol, port }: ReplyPlace): string | null => {
  const covering = units.filter(
    (unit) =>
      sameAddress(unit.address, address) &&
      unit.ports.first <= port &&
      port <= unit.ports.last &&
      unit.selections.has(protocol),
  );
  const exact = covering.find(({ ports }) => ports.first === ports.last) ?? covering[0];
  return exact?.selections.get(protocol) ?? null;
};

const typeOfSource: Expression = { kind: 'fib', flags: ['saddr'], result: 'type' };
const notOfThisNode: Rule = { statements: [match(typeOfSource, values(symbol('local')), true), verdict(accept)] };

/**
 * The reset by which a Reject answers goes out here too: the kernel attaches it to the connection as related
 * (nf_ct_attach, net/netfilter/nf_conntrack_core.c), where a server's own packets are established.
 */
const resetsOfReject: Rule = {
  statements: [
    match({ kind: 'ct', key: 'state', direction: null }, { kind: 'flags', values: [symbol('related')] }),
    verdict(accept),
  ],
};

const cutOthers = (conditions: readonly Statement[], instance: string): readonly Rule[] => [
  { statements: [...conditions, verdict(jump(selectionNames(instance).allowReplies))] },
  { statements: [...conditions, { kind: 'counter-named', name: COUNTERS.cut }, verdict(drop)] },
];

const isProtocol = (protocol: Protocol | null): readonly Statement[] =>
  protocol === null ? [] : [match(l4proto, values(single(PROTOCOL_NUMBER[protocol])))];

interface Guarded extends ReplyPlace {
  readonly instance: string;
}

const chainFor = (port: number, places: readonly Guarded[]): Chain => {
  const guarded = places.filter(({ address }) => address === null);
  // A protocol that leads here for a VIP alone meets the local rules as well, and is open there.
  const local: Treatments = new Map([
    ...places.map(({ protocol }): [Protocol, Treatment] => [protocol, { kind: 'open' }]),
    ...guarded.map(({ protocol, instance }): [Protocol, Treatment] => [
      protocol,
      { kind: 'guarded', instance, audit: false, refuse: '' },
    ]),
  ]);
  const vips = places.flatMap(({ address, protocol, instance }) =>
    address === null
      ? []
      : cutOthers(
          [
            match(address.family === 4 ? ipv4Source : ipv6Source, values(single(address.value))),
            ...isProtocol(protocol),
          ],
          instance,
        ),
  );
  const judge = (protocol: Protocol | null, treatment: Treatment): readonly Rule[] =>
    treatment.kind === 'open' ? [] : cutOthers(isProtocol(protocol), treatment.instance);
  return {
    name: replyChain(port),
    base: null,
    rules: [resetsOfReject, ...vips, ...(guarded.length > 0 ? [notOfThisNode, ...perProtocol(local, judge)] : [])],
  };
};

/** The chains and map elements that stop a server's packets to refused clients, one chain per port. */
export const replyObjects = (
  places: readonly ReplyPlace[],
  units: readonly ExposureChain[],
  stemOf: (selection: string) => string,
): ReplyObjects => {
  const byPort = new Map<number, Guarded[]>();
  for (const place of places) {
    const selection = guardOf(units, place);
    if (selection === null) continue;
    const list = byPort.get(place.port) ?? [];
    const known = list.some((other) => other.protocol === place.protocol && sameAddress(other.address, place.address));
    if (!known) byPort.set(place.port, [...list, { ...place, instance: stemOf(selection) }]);
  }
  return {
    chains: [...byPort].map(([port, list]) => chainFor(port, list)),
    elements: [...byPort].flatMap(([port, list]) =>
      [...new Set(list.map(({ protocol }) => protocol))].map((protocol) => ({
        key: [single(PROTOCOL_NUMBER[protocol]), single(port)],
        verdict: goto(replyChain(port)),
      })),
    ),
    instances: new Set([...byPort.values()].flat().map(({ instance }) => instance)),
  };
};
