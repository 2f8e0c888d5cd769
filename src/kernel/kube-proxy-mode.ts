import { existsSync, readFileSync } from 'node:fs';
import type { Table } from '../ruleset/table.ts';
import { runCommand } from './command.ts';
import type { KubeProxyVariant } from '../kube-proxy/mode.ts';
import { CHAIN, KUBE_PROXY_TABLE, NFT_SERVICES, SERVICE_LINK } from '../kube-proxy/well-known.ts';

const succeeds = async (argv: readonly [string, ...string[]]): Promise<boolean> => {
  const result = await runCommand(argv, { timeoutMs: 10_000 });
  return result.kind === 'done' && result.status === 0;
};

const holds = (path: string, text: string): boolean => {
  try {
    return readFileSync(path, 'utf8').includes(text);
  } catch {
    return false;
  }
};

/**
 * Which kube-proxy's rules are in this kernel; null: none are. Told by what each mode makes first: the interface
 * kube-ipvs0 (pkg/proxy/ipvs), the chain services of the table kube-proxy (pkg/proxy/nftables), the chain KUBE-SERVICES
 * (pkg/proxy/iptables). Rules are not listed: there may be a hundred thousand. `tables`: those of nftables, with the
 * names of their chains.
 */
export const kubeProxyMode = async (tables: readonly Table[]): Promise<KubeProxyVariant | null> => {
  // sysfs may show another namespace's interfaces; the process's own list does not.
  if (holds('/proc/net/dev', `${SERVICE_LINK}:`)) return 'ipvs';
  const has = (table: string, chain: string): boolean =>
    tables.some(({ family, name, chains }) => /^ip6?$/.test(family) && name === table && chains.has(chain));
  if (has(KUBE_PROXY_TABLE, NFT_SERVICES)) return 'nftables';
  if (has('nat', CHAIN.services)) return 'iptables (nft)';
  const legacy =
    holds('/proc/net/ip_tables_names', 'nat') &&
    existsSync('/usr/sbin/iptables-legacy') &&
    (await succeeds(['iptables-legacy', '-w', '5', '-t', 'nat', '-S', CHAIN.postrouting]));
  return legacy ? 'iptables (legacy)' : null;
};
