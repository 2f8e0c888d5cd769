import { kernelHasIpvs, kernelOpensSctp } from './kernel-features.ts';
import type { Mode } from './mode.ts';

/** Where a lab is built, and why, as a sentence. */
export interface Choice {
  readonly where: 'host' | 'vm';
  readonly because: string;
}

/**
 * Where a lab in this mode, with servers of these protocols, can run: on this machine's kernel if that has what it
 * needs.
 */
export const chooseLab = async (mode: Mode, protocols: readonly ('tcp' | 'udp' | 'sctp')[]): Promise<Choice> => {
  const lacks = [
    ...(mode === 'ipvs' && !(await kernelHasIpvs()) ? ['IPVS'] : []),
    ...(protocols.includes('sctp') && !(await kernelOpensSctp()) ? ['SCTP sockets'] : []),
  ];
  return lacks.length > 0
    ? { where: 'vm', because: `in a virtual machine, because this kernel has no ${lacks.join(' and no ')}` }
    : { where: 'host', because: 'in network namespaces of this machine, because its kernel has all that is needed' };
};
