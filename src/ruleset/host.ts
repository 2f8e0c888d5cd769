import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import type { Prefix } from '../net/prefix.ts';
import type { Absent } from './absent.ts';

/** What a node is besides its rules. */
export interface Host {
  readonly links: readonly Link[] | Absent;
  readonly addresses: readonly HostAddress[] | Absent;
  /** Routes of all tables that were dumped, of both families. */
  readonly routes: readonly Route[] | Absent;
  /** Policy routing, by family and priority. */
  readonly rules: readonly RoutingRule[] | Absent;
  /** `net.ipv4.ip_forward` → `1`. */
  readonly sysctls: ReadonlyMap<string, string> | Absent;
  readonly listeners: readonly Listener[] | Absent;
  readonly conntrack: readonly ConntrackEntry[] | Absent;
  readonly hookOrder: readonly HookEntry[] | Absent;
}

export interface Link {
  readonly name: string;
  readonly index: number;
  /** UP in the flags: the administrator wants it up. */
  readonly up: boolean;
  readonly flags: readonly string[];
  /** `dummy`, `bridge`, `veth`, … where the dump tells. */
  readonly kind: string | null;
  /** The bridge or VRF that it belongs to. */
  readonly master: string | null;
  readonly mac: string | null;
  /** The interface group (`-m devgroup`, meta iifgroup). */
  readonly group: string | null;
  /** An XDP program is attached: it sees each packet before netfilter, and may take it. */
  readonly xdp: boolean;
}

export interface HostAddress {
  readonly link: string;
  readonly address: Address;
  /** Bits of the network. */
  readonly length: number;
  readonly broadcast: Address | null;
  /** The other end of a point-to-point link. */
  readonly peer: Prefix | null;
  readonly scope: string;
  /** Not the first of its network on the link: never chosen as source by itself. */
  readonly secondary: boolean;
}

export interface Route {
  readonly family: Family;
  /** `main`, `local`, `default`, or the number as text. */
  readonly table: string;
  readonly type:
    | 'unicast'
    | 'local'
    | 'broadcast'
    | 'anycast'
    | 'multicast'
    | 'unreachable'
    | 'blackhole'
    | 'prohibit'
    | 'throw'
    | 'nat';
  readonly to: Prefix;
  readonly via: Address | null;
  readonly device: string | null;
  /** The source that the kernel chooses for packets of its own. */
  readonly source: Address | null;
  /** Lower wins; 0 where none is said (IPv4), 1024 for IPv6 routes that say none. */
  readonly metric: number;
  readonly scope: string | null;
  readonly protocol: string | null;
  /** Several ways with weights; empty: only the one above. */
  readonly hops: readonly { readonly via: Address | null; readonly device: string | null; readonly weight: number }[];
  /** `linkdown`, `dead`, `onlink`. */
  readonly flags: readonly string[];
  readonly tos: string | null;
  readonly text: string;
}

export interface RoutingRule {
  readonly family: Family;
  readonly priority: number;
  readonly negate: boolean;
  /** null: all. */
  readonly from: Prefix | null;
  readonly to: Prefix | null;
  readonly mark: { readonly value: number; readonly mask: number } | null;
  readonly in: string | null;
  readonly out: string | null;
  readonly protocol: string | null;
  readonly sourcePorts: { readonly first: number; readonly last: number } | null;
  readonly destinationPorts: { readonly first: number; readonly last: number } | null;
  readonly action:
    | { readonly kind: 'lookup'; readonly table: string; readonly suppressPrefixLength: number | null }
    | { readonly kind: 'goto'; readonly priority: number }
    | { readonly kind: 'nop' | 'blackhole' | 'unreachable' | 'prohibit' };
  /** Conditions that the model does not know: the rule may apply or not. */
  readonly unknown: readonly string[];
  readonly text: string;
}

/** A listening (or, for UDP, unconnected) socket. */
export interface Listener {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** null: every address (of both families when `families` has both). */
  readonly address: Address | null;
  readonly families: readonly Family[];
  readonly port: number;
  /** `%eth0`: bound to one interface. */
  readonly device: string | null;
  /** Names of programs, where the dump has them. */
  readonly programs: readonly string[];
}

/** An entry of the connection tracker. */
export interface ConntrackEntry {
  readonly family: Family;
  readonly protocol: number;
  /** ESTABLISHED, TIME_WAIT, …; null for protocols without. */
  readonly state: string | null;
  readonly original: Tuple;
  readonly reply: Tuple;
  /** ASSURED, UNREPLIED, OFFLOAD, … */
  readonly flags: readonly string[];
  readonly mark: number;
  readonly zone: number;
  readonly seconds: number | null;
}

export interface Tuple {
  readonly source: Address;
  readonly destination: Address;
  /** null for protocols without ports. */
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
}

/** One line of `nft list hooks`: what is called at a hook, in the order in which it runs. */
export interface HookEntry {
  /** ip, ip6, inet, bridge, arp, netdev. */
  readonly family: string;
  readonly hook: string;
  readonly device: string | null;
  readonly priority: number;
  /** `chain inet portcullis prerouting`, or the kernel function that is called. */
  readonly chain: { readonly family: string; readonly table: string; readonly name: string } | null;
  readonly function: string | null;
}

const NO_DUMP = {
  links: 'no ip link or ip addr dump was given',
  addresses: 'no ip addr dump was given',
  routes: 'no ip route dump was given',
  rules: 'no ip rule dump was given',
  sysctls: 'no sysctl dump was given',
  listeners: 'no ss dump was given',
  conntrack: 'no conntrack dump was given',
  hookOrder: 'no list of hooks was given',
} as const;

/** A host about which nothing is known. */
export const unknownHost = (): Host => {
  const none = (part: keyof typeof NO_DUMP): Absent => ({ kind: 'absent', why: NO_DUMP[part] });
  return {
    links: none('links'),
    addresses: none('addresses'),
    routes: none('routes'),
    rules: none('rules'),
    sysctls: none('sysctls'),
    listeners: none('listeners'),
    conntrack: none('conntrack'),
    hookOrder: none('hookOrder'),
  };
};
