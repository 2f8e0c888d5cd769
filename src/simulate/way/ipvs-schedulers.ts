import { certain, fraction } from '../../lower/fraction.ts';
import type { RealServer, VirtualServer } from '../../ruleset/ipvs.ts';
import type { Fraction } from '../../lower/step.ts';

/** How often a scheduler chooses a server; null: none of them, though there are some. */
export type Share = readonly [RealServer | null, Fraction];

/** Weights count in these schedulers only; the others take each server with a weight alike in the long run. */
const WEIGHTED: ReadonlySet<string> = new Set(['wrr', 'wlc', 'sed', 'sh', 'mh', 'nq', 'twos']);

const inParts = (parts: readonly (readonly [RealServer | null, number])[]): readonly Share[] => {
  const sum = parts.reduce((total, [, part]) => total + part, 0);
  return parts.map(([server, part]) => [server, fraction(BigInt(part), BigInt(sum))]);
};

/**
 * The first of the servers with the highest weight (net/netfilter/ipvs/ip_vs_fo.c): ipvsadm sorts servers, so that of
 * several with it nobody can tell which was the last to be added, which is the first.
 */
const highest = (taking: readonly RealServer[]): readonly Share[] => {
  const most = Math.max(...taking.map(({ weight }) => weight));
  return inParts(taking.filter(({ weight }) => weight === most).map((server) => [server, 1]));
};

/**
 * Hashes of the source (`sh`) and of the destination (`dh`) stand for servers, those without a weight among them: who
 * comes upon one of these gets none (net/netfilter/ipvs/ip_vs_sh.c, ip_vs_sh_reassign; ip_vs_dh.c, ip_vs_dh_reassign).
 */
const hashed = (servers: readonly RealServer[], partOf: (server: RealServer) => number): readonly Share[] => {
  const resting = servers.filter(({ weight }) => weight === 0);
  const none = resting.reduce((total, server) => total + partOf(server), 0);
  const taking = servers.filter(({ weight }) => weight > 0).map((server) => [server, partOf(server)] as const);
  return inParts(none === 0 ? taking : [...taking, [null, none]]);
};

/** How a scheduler chooses: shares in the long run, not chance. */
interface Choice {
  readonly shares: readonly Share[];
  /**
   * What it does where the servers of `shares` have too many connections, which no dump tells; null: it does not ask.
   */
  readonly otherwise: readonly Share[] | null;
}

/**
 * The highest weight, unless it has more connections than its weight: then the next, in the end none
 * (net/netfilter/ipvs/ip_vs_ovf.c).
 */
const overflowing = (taking: readonly RealServer[]): Choice => {
  const hasRoom = ({ active, weight }: RealServer): boolean => active !== null && active <= weight;
  if (taking.every(({ active }) => active !== null)) {
    const free = taking.filter(hasRoom);
    return { shares: free.length === 0 ? [[null, certain]] : highest(free), otherwise: null };
  }
  return {
    shares: highest(taking),
    otherwise: inParts([...taking.map((server) => [server, 1] as const), [null, 1]]),
  };
};

/** Which server a scheduler chooses. */
export const choiceOf = ({ scheduler, servers, flags }: VirtualServer): Choice => {
  const taking = servers.filter(({ weight }) => weight > 0);
  const always = (shares: readonly Share[]): Choice => ({ shares, otherwise: null });
  if (taking.length === 0) return always([[null, certain]]);
  switch (scheduler) {
    case 'fo':
      return always(highest(taking));
    case 'ovf':
      return overflowing(taking);
    case 'dh':
      return always(hashed(servers, () => 1));
    case 'sh':
      return always(hashed(flags.includes('sh-fallback') ? taking : servers, ({ weight }) => Math.max(weight, 1)));
    default:
      return always(inParts(taking.map((server) => [server, WEIGHTED.has(scheduler) ? server.weight : 1])));
  }
};
