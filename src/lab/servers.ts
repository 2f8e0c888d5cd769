import { readFileSync } from 'node:fs';
import { STATIONS } from './address-plan.ts';
import type { Place } from './place.ts';

/** A server of the lab: it answers with `name` (its endpoint where none is given) and the source address it sees. */
export interface Server {
  readonly place: Place;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly address: string;
  readonly port: number;
  readonly name?: string;
}

interface EndpointSlice {
  readonly kind: 'EndpointSlice';
  readonly ports: readonly { readonly port: number; readonly protocol: string }[];
  readonly endpoints: readonly { readonly addresses: readonly string[] }[];
}

/** The objects from which the captured kube-proxy states were made: Nodes, Services and EndpointSlices. */
export const OBJECTS_FILE = new URL('./data/objects.json', import.meta.url);

/**
 * Everything that listens in the lab: the endpoints of all Services in OBJECTS_FILE, and what a node itself answers on.
 */
export const servers = (): readonly Server[] => {
  const { items } = JSON.parse(readFileSync(OBJECTS_FILE, 'utf8')) as { items: readonly { kind: string }[] };
  const slices = items.filter((item): item is EndpointSlice => item.kind === 'EndpointSlice');
  const seen = new Map<string, Server>();
  for (const { ports, endpoints } of slices)
    for (const { port, protocol } of ports)
      for (const address of endpoints.flatMap(({ addresses }) => addresses)) {
        const server = serverAt(address, port, protocol.toLowerCase() as Server['protocol']);
        if (server !== undefined) seen.set(`${protocol} ${address} ${port}`, server);
      }
  return [...seen.values(), ...NODE_SERVERS];
};

const serverAt = (address: string, port: number, protocol: Server['protocol']): Server | undefined => {
  const place = STATIONS.find(({ addresses }) => addresses.some((it) => it.split('/')[0] === address))?.place;
  if (place === undefined) return undefined;
  // The API server speaks TLS. It accepts every client, and says nothing to one that does not speak TLS.
  return { place, protocol, address, port, ...(place === 'api-server' ? { name: 'silent' } : {}) };
};

/**
 * An administrator's own door, and kube-proxy's answer to the load balancer's health check (Service infra/lb-local).
 */
const NODE_SERVERS: readonly Server[] = [
  { place: 'node-1', protocol: 'tcp', address: '192.0.2.10', port: 22, name: 'node-1-sshd' },
  { place: 'node-1', protocol: 'tcp', address: '0.0.0.0', port: 31999, name: 'node-1-health-check' },
];
