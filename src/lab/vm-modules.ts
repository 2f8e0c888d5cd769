import { runCommand } from './command.ts';

/** The modules that kube-proxy's rules in ipvs mode use, and those that a guard's rules use. */
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
 * Begins to load kernel modules that the kernel would load by itself when each is first needed. An emulated machine
 * takes seconds for them, and its second processor has nothing to do while a lab is built. A missing module does not
 * matter here.
 */
export const preloadModules = (): void => void runCommand({ argv: ['modprobe', '--all', '--quiet', ...MODULES] });
