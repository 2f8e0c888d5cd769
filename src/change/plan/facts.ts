import type { KubeProxyVariant } from '../../kube-proxy/mode.ts';

/** What was found out about the machine before anything is changed. */
export interface Facts {
  /** CAP_NET_ADMIN in this network namespace's user namespace (capabilities(7)). */
  readonly mayAdministrate: boolean;
  /** `[1, 0, 6]`; null: nft is not installed. */
  readonly nftVersion: readonly number[] | null;
  /** Why the kernel does not answer nft; null: it does. */
  readonly nfTablesProblem: string | null;
  /** `[6, 1]`. */
  readonly kernel: readonly number[];
  /** Whose rules are in the kernel; null: no kube-proxy's. */
  readonly kubeProxy: KubeProxyVariant | null;
  /** Programs that take packets before netfilter: `XDP program on eth0`, `Cilium (cil_from_netdev on eth0)`. */
  readonly bypasses: readonly string[];
  /** `inet filter ft (eth0, eth1)`. */
  readonly flowtables: readonly string[];
  /** net.ipv4.ip_local_port_range. */
  readonly localPorts: { readonly first: number; readonly last: number } | null;
  /** Where packets are taken from connection tracking: `ip raw PREROUTING`. */
  readonly notrack: readonly string[];
  readonly conntrackTool: boolean;
  readonly bothIptables: boolean;
}
