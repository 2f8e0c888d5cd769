import type { TraceEvent, TracedHeader } from './nft-trace.ts';
import { BUILT_IN, HOOKS } from '../ruleset/hook.ts';

/** What nft told about one packet. */
export interface OnePacket {
  /** As it was where tracing was switched on. */
  readonly header: TracedHeader;
  readonly events: readonly TraceEvent[];
}

/** The table whose chain switches tracing on, in front of all others. */
interface Tracer {
  readonly family: string;
  readonly table: string;
}

const isOf = ({ family, table }: Tracer, event: TraceEvent): boolean =>
  event.family === family && event.table === table;

/** 0 stands for any number of packets that must not be fragmented (RFC 6864). */
const hasNumber = ({ ipId }: TracedHeader): boolean => ipId !== null && ipId !== 0;

/**
 * Of what nft told, the first packet that was seen from its beginning, without the visits of the tracer's own table.
 * The kernel's numbers of packets are used again within seconds, and one packet gets another where it leaves a bridge
 * or comes back over lo (net/netfilter/nf_tables_trace.c).
 */
export const firstPacket = (events: readonly TraceEvent[], tracer: Tracer): OnePacket | null => {
  const begin = events.findIndex((event) => event.event.kind === 'packet' && isOf(tracer, event));
  const header = events[begin]?.header ?? null;
  if (header === null) return null;
  const own: TraceEvent[] = [];
  const ours = new Map<string | null, boolean>();
  let latestIsOurs = true;
  for (const [index, event] of events.slice(begin).entries()) {
    if (event.event.kind === 'packet' && event.header !== null) {
      const isSame = event.header.ipId === header.ipId;
      if (isOf(tracer, event) && event.header.in === header.in) {
        latestIsOurs = index === 0;
        ours.set(event.id, latestIsOurs);
      } else ours.set(event.id, isSame && (ours.get(event.id) ?? (hasNumber(header) || latestIsOurs)));
    }
    if (ours.get(event.id) === true && !isOf(tracer, event)) own.push(event);
  }
  return { header, events: own };
};

/** Where a base chain of legacy iptables stands on a packet's way: behind another one is more. */
const placeOf = ({ table, chain }: TraceEvent): number | null => {
  const at = BUILT_IN[table]?.get(chain);
  return at === undefined ? null : HOOKS.indexOf(at.hook) * 1000 + at.priority;
};

const numberOf = ({ event }: TraceEvent): number => (event.kind === 'packet' ? 0 : (event.number ?? 0));

const sameFlow = (a: TracedHeader, b: TracedHeader): boolean =>
  a.in === b.in &&
  a.source === b.source &&
  a.destination === b.destination &&
  a.sourcePort === b.sourcePort &&
  a.destinationPort === b.destinationPort;

/**
 * Of what legacy iptables told, the packet that had this header in the beginning. It has no numbers of packets: where
 * the flow itself begins again at a chain that lies behind, the next packet begins.
 */
export const samePacket = (events: readonly TraceEvent[], { protocol, ipId, sourcePort }: TracedHeader) => {
  const own: TraceEvent[] = [];
  let begun: TracedHeader | null = null;
  let last: { readonly place: number; readonly number: number } | null = null;
  for (const event of events) {
    const { header } = event;
    if (header === null || header.protocol !== protocol || header.ipId !== ipId) continue;
    if (begun === null && header.sourcePort !== sourcePort) continue;
    begun ??= header;
    const place = placeOf(event);
    if (place !== null) {
      const number = numberOf(event);
      const isBehind = last !== null && (place < last.place || (place === last.place && number <= last.number));
      if (isBehind && sameFlow(header, begun)) break;
      last = { place, number };
    }
    own.push(event);
  }
  return own;
};
