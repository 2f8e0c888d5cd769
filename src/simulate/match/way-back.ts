import type { ReversePathField } from '../../lower/field.ts';
import type { Context } from '../state/context.ts';
import type { FibKey, FibResult } from '../host/fib.ts';
import type { State } from '../state/state.ts';

/** The key of a look-up for an address as rules ask for it. */
export const fibKey = (mark: bigint | undefined): FibKey => ({
  source: null,
  mark,
  in: 'lo',
  protocol: 0,
  sourcePort: null,
  destinationPort: null,
});

/**
 * Whether a look-up's result is the way back that a field asks for (net/ipv4/netfilter/ipt_rpfilter.c,
 * rpfilter_lookup_reverse; IPv6 asks of the node's own addresses nothing else, ip6t_rpfilter.c); undefined: cannot be
 * told.
 */
export const isWayBack = (
  { family }: Context,
  result: FibResult,
  field: ReversePathField,
  device: string,
): boolean | undefined => {
  if (result.kind === 'unknown') return undefined;
  if (result.kind === 'none') return false;
  const { route } = result;
  const isOwn = route.type === 'local' && field.includes('-or-local');
  if (route.type !== 'unicast' && !isOwn) return false;
  return (
    field.includes('-loose') ||
    (isOwn && family === 6) ||
    route.device === device ||
    route.hops.some((hop) => hop.device === device)
  );
};

/** With which mark the way back is looked for. */
export const keyOfWayBack = ({ mark }: State, field: ReversePathField): FibKey =>
  fibKey(field.endsWith('-by-mark') ? mark : 0n);
