import { isAbsent, type Absent } from '../ruleset/absent.ts';
import { PROTOCOL_NUMBER } from '../net/protocol.ts';
import { certain, fraction } from '../ruleset/fraction.ts';
import type { RealServer, VirtualServer } from '../ruleset/ipvs.ts';
import type { Ruleset } from '../ruleset/ruleset.ts';
import type { Fraction } from '../ruleset/step.ts';
import { assumingThat, byChance, type Context } from './context.ts';
import { sysctl } from './host-index.ts';
import type { Place } from './place.ts';
import { onePort, type State } from './state.ts';

/** The service that takes a packet (net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_service_find): by mark first, then by address and port. */
const serviceFor = (context: Context, services: readonly VirtualServer[], state: State): VirtualServer | null => {
  const byMark =
    state.mark === undefined || state.mark === 0n
      ? undefined
      : services.find(({ mark }) => mark !== null && BigInt(mark) === state.mark);
  if (byMark !== undefined) return byMark;
  const at = (port: number): VirtualServer | undefined =>
    byPlace(services).get(`${context.packet.protocol} ${state.destination} ${port}`);
  return (typeof state.destinationPort === 'number' ? at(state.destinationPort) : undefined) ?? at(0) ?? null;
};

const places = new WeakMap<readonly VirtualServer[], ReadonlyMap<string, VirtualServer>>();

const byPlace = (services: readonly VirtualServer[]): ReadonlyMap<string, VirtualServer> => {
  const known = places.get(services);
  if (known !== undefined) return known;
  const made = new Map(
    services.flatMap((service) =>
      service.at === null
        ? []
        : [
            [
              `${PROTOCOL_NUMBER[service.at.protocol]} ${service.at.address.value} ${service.at.port}`,
              service,
            ] as const,
          ],
    ),
  );
  places.set(services, made);
  return made;
};

/** Weights count in these schedulers only; the others take each server with a weight alike in the long run. */
const WEIGHTED: ReadonlySet<string> = new Set(['wrr', 'wlc', 'sed', 'sh', 'mh', 'nq', 'fo', 'ovf', 'twos']);

/** How often a scheduler takes each of the servers that take new connections: a share in the long run, not chance. */
const sharesOf = ({ scheduler, servers }: VirtualServer): readonly (readonly [RealServer, Fraction])[] => {
  const taking = servers.filter(({ weight }) => weight > 0);
  if (scheduler === 'fo' || scheduler === 'ovf') {
    const [first, ...more] = taking;
    if (first === undefined) return [];
    return [[more.reduce((best, one) => (one.weight > best.weight ? one : best), first), certain]];
  }
  const weightOf = ({ weight }: RealServer): number => (WEIGHTED.has(scheduler) ? weight : 1);
  const sum = taking.reduce((total, server) => total + weightOf(server), 0);
  return taking.map((server) => [server, fraction(BigInt(weightOf(server)), BigInt(sum))]);
};

/** What IPVS does with a packet at one of its hooks. */
export type Balanced =
  /** It is for no service, or was balanced before. */
  | { readonly kind: 'passed'; readonly state: State }
  | { readonly kind: 'balanced'; readonly state: State; readonly server: RealServer; readonly at: Place }
  /** No server takes it: it is answered with ICMP (ip_vs_core.c, ip_vs_leave). */
  | { readonly kind: 'refused'; readonly state: State; readonly at: Place }
  | { readonly kind: 'unknown'; readonly state: State; readonly at: Place; readonly why: string };

const passed = (state: State): readonly Balanced[] => [{ kind: 'passed', state }];

/** Only the first packets of connections of these protocols are given to a server. */
const BALANCED: ReadonlySet<number> = new Set([6, 17, 132]);

const inUse = new WeakMap<Ruleset, boolean>();

/** kube-proxy's ipvs mode leaves a link with the cluster's addresses, and ipsets (pkg/proxy/ipvs): without its services nobody can tell what they do. */
const isInUse = (ruleset: Ruleset): boolean => {
  const known = inUse.get(ruleset);
  if (known !== undefined) return known;
  const { links, addresses } = ruleset.host;
  const found =
    (!isAbsent(links) && links.some(({ name }) => name === 'kube-ipvs0')) ||
    (!isAbsent(addresses) && addresses.some(({ link }) => link === 'kube-ipvs0')) ||
    ruleset.tables.some(
      ({ engine, name, chains }) => engine !== 'nft' && name === 'nat' && chains.has('KUBE-NODE-PORT'),
    );
  inUse.set(ruleset, found);
  return found;
};

/** Where services are looked for that no dump tells. */
const untold = ({ why }: Absent): Place => ({
  kind: 'ipvs',
  server: { at: null, mark: null, scheduler: '', persistent: null, flags: [], servers: [], text: why },
});

/** Balances a packet: one result for each server that it may get. */
export const balance = (context: Context, state: State): readonly Balanced[] => {
  const { ipvs } = context.ruleset;
  if (state.ipvs !== null || !BALANCED.has(context.packet.protocol) || context.packet.state === 'established')
    return passed(state);
  if (isAbsent(ipvs))
    return isInUse(context.ruleset) && context.index.local.has(state.destination)
      ? [{ kind: 'unknown', state, at: untold(ipvs), why: ipvs.why }]
      : passed(state);
  if (ipvs.length === 0) return passed(state);
  const service = serviceFor(context, ipvs, state);
  if (service === null) return passed(state);
  const at: Place = { kind: 'ipvs', server: service };
  const shares = sharesOf(service);
  if (shares.length === 0) return [{ kind: 'refused', state, at }];
  const each = (from: State): readonly Balanced[] =>
    shares.map(([server, share]) => {
      const chosen = share.over === share.of ? from : byChance(context, from, at, 'turn', share);
      if (server.forward === 'tunnel') return { kind: 'unknown', state: chosen, at, why: 'sent on through a tunnel' };
      return { kind: 'balanced', state: given(context, chosen, service, server, at), server, at };
    });
  if (service.persistent === null || shares.length === 1) return each(state);
  const why = `persistence of ${service.persistent} s`;
  return [
    ...each(assumingThat(context, state, { at, what: 'affinity', holds: false, why })),
    ...each(assumingThat(context, state, { at, what: 'affinity', holds: 'endpoint', why })),
  ];
};

/** ip_vs_xmit.c, ip_vs_nat_xmit; direct routing changes nothing about the packet. */
const given = (context: Context, state: State, service: VirtualServer, server: RealServer, at: Place): State => {
  const { connection } = state;
  const masked = server.forward === 'masq';
  const ipvs = { server: service, address: server.address.value, port: server.port };
  const chosen = { at, how: 'ipvs' } as const;
  if (!masked) return { ...state, ipvs, chosen };
  // Without net.ipv4.vs.conntrack the packets are not tracked from here on (ip_vs_xmit.c, ip_vs_nat_send_or_cont).
  const tracked = (sysctl(context.index, 'net.ipv4.vs.conntrack') ?? '1') !== '0';
  return {
    ...state,
    ipvs,
    chosen,
    destination: server.address.value,
    destinationPort: server.port,
    ttl: state.ttl === undefined ? undefined : state.ttl - 1n,
    connection: !tracked
      ? 'untracked'
      : connection === null || typeof connection === 'string'
        ? connection
        : {
            ...connection,
            reply: { ...connection.reply, source: server.address.value, sourcePort: onePort(server.port) },
          },
  };
};
