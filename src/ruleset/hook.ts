import type { Family } from '../net/family.ts';

/**
 * The hooks of the IP families, in the order in which a packet can pass them (include/uapi/linux/netfilter.h, enum
 * nf_inet_hooks).
 */
export type Hook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';

/** All of them, in that order. */
export const HOOKS: readonly Hook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting'];

/**
 * The chains of an iptables table and where they are attached (net/ipv4/netfilter/iptable_*.c;
 * include/uapi/linux/netfilter_ipv4.h, nf_ip_hook_priorities).
 */
export interface BuiltIn {
  readonly hook: Hook;
  readonly priority: number;
  readonly type: 'filter' | 'nat' | 'route';
}

const at = (
  type: BuiltIn['type'],
  priority: number,
  ...hooks: readonly Hook[]
): readonly (readonly [string, BuiltIn])[] => hooks.map((hook) => [hook.toUpperCase(), { hook, priority, type }]);

/** Base chains by table and name. The same for IPv4 and IPv6, and for both flavours. */
export const BUILT_IN: Readonly<Record<string, ReadonlyMap<string, BuiltIn>>> = {
  raw: new Map(at('filter', -300, 'prerouting', 'output')),
  mangle: new Map([
    ...at('filter', -150, 'prerouting', 'input', 'forward', 'postrouting'),
    ...at('route', -150, 'output'),
  ]),
  nat: new Map([...at('nat', -100, 'prerouting', 'output'), ...at('nat', 100, 'input', 'postrouting')]),
  filter: new Map(at('filter', 0, 'input', 'forward', 'output')),
  security: new Map(at('filter', 50, 'input', 'forward', 'output')),
};

/** Whether packets of an IP family pass the tables of an nftables or iptables family. */
export const coversFamily = (tableFamily: string, family: Family): boolean =>
  tableFamily === 'inet' || tableFamily === (family === 4 ? 'ip' : 'ip6');

/** The IP family of a table of one family. */
export const familyOf = (tableFamily: string): Family => (tableFamily === 'ip6' ? 6 : 4);
