import { existsSync, readFileSync } from 'node:fs';
import { runCommand } from './command.ts';

export type KubeProxyMode = 'iptables (nft)' | 'iptables (legacy)' | 'nftables' | 'ipvs';

const succeeds = async (argv: readonly [string, ...string[]]): Promise<boolean> => {
  const result = await runCommand(argv, { timeoutMs: 10_000 });
  return result.kind === 'done' && result.status === 0;
};

const legacyIsLoaded = (): boolean => {
  try {
    return readFileSync('/proc/net/ip_tables_names', 'utf8').includes('nat');
  } catch {
    return false;
  }
};

/**
 * Which kube-proxy's rules are in this kernel; null: none are. Told by what each mode makes first: the interface kube-ipvs0
 * (pkg/proxy/ipvs), the table kube-proxy (pkg/proxy/nftables), the chain KUBE-PROXY-CANARY (pkg/proxy/iptables). Rules are not listed:
 * there may be a hundred thousand.
 */
export const kubeProxyMode = async (): Promise<KubeProxyMode | null> => {
  // sysfs may show another namespace's interfaces; the address family's own list does not.
  if (await succeeds(['ip', 'link', 'show', 'dev', 'kube-ipvs0'])) return 'ipvs';
  const [nftables, nft, legacy] = await Promise.all([
    succeeds(['nft', 'list', 'chain', 'ip', 'kube-proxy', 'services']),
    succeeds(['nft', 'list', 'chain', 'ip', 'nat', 'KUBE-SERVICES']),
    legacyIsLoaded() && existsSync('/usr/sbin/iptables-legacy')
      ? succeeds(['iptables-legacy', '-w', '5', '-t', 'nat', '-S', 'KUBE-POSTROUTING'])
      : false,
  ]);
  if (nftables) return 'nftables';
  if (nft) return 'iptables (nft)';
  return legacy ? 'iptables (legacy)' : null;
};
