import { existsSync } from 'node:fs';
import { runCommand } from './command.ts';

/** Whether this kernel can balance by IPVS. Loads the module where there is one. */
export const kernelHasIpvs = async (): Promise<boolean> => {
  if (existsSync('/proc/net/ip_vs')) return true;
  await runCommand({ argv: ['modprobe', '--quiet', 'ip_vs'] });
  return existsSync('/proc/net/ip_vs');
};

/** Whether this kernel can open SCTP sockets. The attempt loads the module where there is one. */
export const kernelOpensSctp = async (): Promise<boolean> => {
  const { status } = await runCommand({
    argv: ['perl', '-MSocket', '-e', 'socket(S, AF_INET, SOCK_STREAM, 132) or exit 1'],
  });
  return status === 0;
};
