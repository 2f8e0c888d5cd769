import { runCommand } from './command.ts';

/** What the rules of kube-proxy in ipvs mode are made of, and those of a guard. */
const MODULES = [
  'ip_vs_rr',
  'nfnetlink_acct',
  'ip_set_bitmap_port',
  'ip_set_hash_ip',
  'ip_set_hash_ipport',
  'ip_set_hash_ipportip',
  'ip_set_hash_ipportnet',
  'iptable_filter',
  'iptable_nat',
  'ip6table_filter',
  'ip6table_nat',
  'xt_comment',
  'xt_set',
  'xt_mark',
  'xt_conntrack',
  'xt_addrtype',
  'xt_ipvs',
  'xt_physdev',
  'xt_MASQUERADE',
  'ipt_REJECT',
  'ip6t_REJECT',
  'nf_conntrack_netlink',
  'nf_tables',
  'nft_ct',
  'nft_fib_inet',
  'nft_limit',
  'nft_objref',
  'nft_reject_inet',
];

/**
 * Begins to load kernel modules that the kernel would load by itself, each when it is first asked for: an emulated
 * machine needs seconds for them, and its second processor has nothing to do while a lab is built. One that is missing
 * is no matter here.
 */
export const preloadModules = (): void => void runCommand({ argv: ['modprobe', '--all', '--quiet', ...MODULES] });
