import { PROTOCOL_NUMBER, type Protocol } from '../../net/protocol.ts';
import { single, symbol, type DataType } from '../../ruleset/values/data-type.ts';
import {
  destinationPort,
  ipv4Destination,
  ipv4Source,
  ipv6Destination,
  ipv6Source,
  l4proto,
  sourcePort,
  type Expression,
} from '../../ruleset/nft/expression.ts';
import { zero } from '../../ruleset/values/counter.ts';
import { match, values, verdict, type Statement } from '../../ruleset/nft/statement.ts';
import type { BaseChain, Chain, KnownSet, Rule } from '../../ruleset/table.ts';
import { accept, drop, jump } from '../../ruleset/values/verdict.ts';
import {
  AUDIT_LEDGER,
  COUNTERS,
  EXPOSURES,
  LEDGER,
  NOTE,
  NOTE_AUDIT,
  POSTROUTING,
  PREROUTING,
  REFUSE_DROP,
  REFUSE_REJECT,
  REPLIES,
  VIPS,
} from './names.ts';

/** How much the ledger of refused packets may hold. */
export interface LedgerLimits {
  /** Entries per family. */
  readonly size: number;
  /** Seconds after which an entry that is not refreshed is forgotten. */
  readonly timeout: number;
}

export const DEFAULT_LEDGER: LedgerLimits = { size: 65_536, timeout: 86_400 };

const lookup = (map: string, ...key: readonly Expression[]): Rule => ({
  statements: [{ kind: 'vmap', key, map: { kind: 'named', name: map } }],
});
const iface = (key: 'iif' | 'oif'): Expression => ({ kind: 'meta', key });
const direction: Expression = { kind: 'ct', key: 'direction', direction: null };
const acceptIf = (left: Expression, name: string): Rule => ({
  statements: [match(left, values(symbol(name))), verdict(accept)],
});

/**
 * After defragmentation (-400), conntrack (-200) and mangle (-150), before kube-proxy's filters (-110) and every DNAT
 * (-100): the packet still carries the client's address and the node port (include/uapi/linux/netfilter_ipv4.h, enum
 * nf_ip_hook_priorities).
 */
const PREROUTING_BASE: BaseChain = { type: 'filter', hook: 'prerouting', priority: -140, policy: 'accept' };

/**
 * The base chain that judges. `ranges`: the maps of port ranges; a protocol without ranges has none, and no packet
 * looks for it.
 */
export const prerouting = (ranges: ReadonlyMap<Protocol, string>): Chain => ({
  name: PREROUTING,
  base: PREROUTING_BASE,
  rules: [
    // Replies to connections that the node or a masqueraded pod opened: their local port can coincide with a node port.
    acceptIf(direction, 'reply'),
    acceptIf(iface('iif'), 'lo'),
    lookup(VIPS[4], ipv4Destination, l4proto, destinationPort),
    lookup(VIPS[6], ipv6Destination, l4proto, destinationPort),
    lookup(EXPOSURES, l4proto, destinationPort),
    ...[...ranges].map(([protocol, map]) => {
      const port: Expression = { kind: 'payload', protocol, field: 'dport' };
      return lookup(map, port, port);
    }),
  ],
});

/**
 * After every NAT of postrouting (100), so that a reply carries the node port and the client again. Only exposures with
 * tracked connections of refused clients are in its map; without any the chain is not there, and no packet pays for it.
 */
const POSTROUTING_BASE: BaseChain = { type: 'filter', hook: 'postrouting', priority: 110, policy: 'accept' };

export const postrouting: Chain = {
  name: POSTROUTING,
  base: POSTROUTING_BASE,
  rules: [acceptIf(direction, 'original'), acceptIf(iface('oif'), 'lo'), lookup(REPLIES, l4proto, sourcePort)],
};

const named = (name: string): Statement => ({ kind: 'counter-named', name });

/** The update stands apart from every verdict: when the set is full it fails and ends its rule. */
const record = (ledger: { readonly 4: string; readonly 6: string }, all: string, noted: string): readonly Rule[] => [
  { statements: [named(all)] },
  ...([4, 6] as const).map((family) => ({
    statements: [
      {
        kind: 'update' as const,
        set: ledger[family],
        key: [
          family === 4 ? ipv4Source : ipv6Source,
          family === 4 ? ipv4Destination : ipv6Destination,
          l4proto,
          destinationPort,
        ],
        counted: true,
      },
      named(noted),
    ],
  })),
];

/** A flood must not make the node a source of floods. */
const LIMIT: Statement = { kind: 'limit', rate: 100, per: 'second', burst: 50 };

const refuseChains: readonly Chain[] = [
  { name: NOTE, base: null, rules: record(LEDGER, COUNTERS.refused, COUNTERS.noted) },
  { name: NOTE_AUDIT, base: null, rules: record(AUDIT_LEDGER, COUNTERS.wouldRefuse, COUNTERS.wouldNoted) },
  { name: REFUSE_DROP, base: null, rules: [{ statements: [verdict(jump(NOTE))] }, { statements: [verdict(drop)] }] },
  {
    name: REFUSE_REJECT,
    base: null,
    rules: [
      { statements: [verdict(jump(NOTE))] },
      {
        statements: [match(l4proto, values(single(PROTOCOL_NUMBER.tcp))), LIMIT, { kind: 'reject', with: 'tcp-reset' }],
      },
      {
        statements: [
          match(l4proto, values(single(PROTOCOL_NUMBER.tcp)), true),
          LIMIT,
          { kind: 'reject', with: 'port-unreachable' },
        ],
      },
      { statements: [verdict(drop)] },
    ],
  },
];

const KEY = ['inet_proto', 'inet_service'] as const satisfies readonly DataType[];
const ADDRESS = { 4: 'ipv4_addr', 6: 'ipv6_addr' } as const;

const verdictMap = (name: string, types: readonly DataType[], counters: boolean): KnownSet => ({
  kind: 'verdict-map',
  name,
  types,
  interval: false,
  counted: counters,
  elements: [],
});

const ledger = (name: string, family: 4 | 6, { size, timeout }: LedgerLimits): KnownSet => ({
  kind: 'dynamic',
  name,
  types: [ADDRESS[family], ADDRESS[family], ...KEY],
  size,
  timeout,
  elements: [],
});

/**
 * The parts of the table that are there whatever the policies say, beside its base chains; its maps are still empty.
 */
export const frame = (limits: LedgerLimits) => ({
  chains: refuseChains,
  sets: [
    verdictMap(EXPOSURES, KEY, true),
    verdictMap(REPLIES, KEY, false),
    ...([4, 6] as const).flatMap((family) => [
      verdictMap(VIPS[family], [ADDRESS[family], ...KEY], true),
      ledger(LEDGER[family], family, limits),
      ledger(AUDIT_LEDGER[family], family, limits),
    ]),
  ],
  counters: Object.values(COUNTERS).map((name) => [name, zero] as const),
});
