import { existsSync } from 'node:fs';
import { runCommand } from './command.ts';

/** Can this kernel balance by IPVS? Loads the module where there is one. */
export const kernelHasIpvs = async (): Promise<boolean> => {
  if (existsSync('/proc/net/ip_vs')) return true;
  await runCommand({ argv: ['modprobe', '--quiet', 'ip_vs'] });
  return existsSync('/proc/net/ip_vs');
};

/** Can this kernel open SCTP sockets? Asking loads the module where there is one. */
export const kernelOpensSctp = async (): Promise<boolean> => {
  const { status } = await runCommand({
    argv: ['perl', '-MSocket', '-e', 'socket(S, AF_INET, SOCK_STREAM, 132) or exit 1'],
  });
  return status === 0;
};

/** Loads what a lab's kernel settings need to appear. A kernel without loadable modules has it built in, or the settings will say. */
export const loadModules = async (): Promise<void> => {
  await runCommand({ argv: ['modprobe', '--quiet', '--all', 'br_netfilter', 'nf_conntrack'] });
};
