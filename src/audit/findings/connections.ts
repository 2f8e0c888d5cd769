import { formatAddress } from '../../net/address.ts';
import { PROTOCOL_NUMBER } from '../../net/protocol.ts';
import { isAbsent } from '../../ruleset/absent.ts';
import type { ConntrackEntry } from '../../ruleset/host.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import { findExposures } from '../exposures/find-exposures.ts';
import type { Finding, Findings } from './finding.ts';

const placeText = (
  protocol: number,
  address: { readonly family: number; readonly value: bigint } | null,
  port: number,
) => `${protocol} ${address === null ? 'own' : `${address.family} ${address.value}`} ${port}`;

/**
 * Where servers of this node's exposures send from: its own addresses, and the pods behind IPVS, whose answers IPVS
 * turns back itself.
 */
const serverPlaces = (ruleset: Ruleset): ReadonlyMap<string, string> => {
  const places = new Map<string, string>();
  for (const { protocol, address, port, id } of findExposures(ruleset))
    places.set(placeText(PROTOCOL_NUMBER[protocol], address, port), id);
  if (!isAbsent(ruleset.ipvs))
    for (const { at, servers } of ruleset.ipvs) {
      const id = at === null ? undefined : places.get(placeText(PROTOCOL_NUMBER[at.protocol], null, at.port));
      if (at === null || id === undefined) continue;
      for (const { address, port } of servers) places.set(placeText(PROTOCOL_NUMBER[at.protocol], address, port), id);
    }
  return places;
};

const flowText = ({ original: { source, sourcePort, destination, destinationPort } }: ConntrackEntry): string =>
  `${formatAddress(source)} port ${sourcePort} → ${formatAddress(destination)} port ${destinationPort}`;

/**
 * Connections that tracking holds as begun by the server. After `conntrack -F` or a full table the server's next packet
 * makes such an entry: the client's packets count as replies in it, and rules that let replies pass never judge them
 * again.
 */
export const reversedConnections = ({ ruleset }: Findings): readonly Finding[] => {
  const { conntrack, addresses } = ruleset.host;
  if (isAbsent(conntrack) || isAbsent(addresses) || conntrack.length === 0) return [];
  const own = new Set(addresses.map(({ address: { family, value } }) => `${family} ${value}`));
  const isOwn = ({ family, value }: ConntrackEntry['original']['source']): boolean => own.has(`${family} ${value}`);
  const places = serverPlaces(ruleset);
  const found = conntrack.flatMap((flow) => {
    const { source, sourcePort, destination } = flow.original;
    if (sourcePort === null || isOwn(destination)) return [];
    const id =
      places.get(placeText(flow.protocol, source, sourcePort)) ??
      (isOwn(source) ? places.get(placeText(flow.protocol, null, sourcePort)) : undefined);
    return id === undefined ? [] : [{ flow, id }];
  });
  const [first] = found;
  if (first === undefined) return [];
  const { original } = first.flow;
  return [
    {
      id: 'reversed-connection',
      severity: 'medium',
      ref: null,
      exposures: [...new Set(found.map(({ id }) => id))],
      reason: `${found.length === 1 ? 'a connection is' : `${found.length} connections are`} tracked as if the server had begun ${found.length === 1 ? 'it' : 'them'} (${flowText(first.flow)}), as after conntrack -F or with a full table: the client's packets count as replies there, and no rule for new packets judges them`,
      cure: `end ${found.length === 1 ? 'it' : 'them'} at the server (ss -K dst ${formatAddress(original.destination)} sport = :${original.sourcePort}), then delete the entry (conntrack -D -s ${formatAddress(original.source)} -d ${formatAddress(original.destination)})`,
    },
  ];
};
