import { formatAddress } from '../../src/net/address.ts';
import { PROTOCOL_NUMBER, type Protocol } from '../../src/net/protocol.ts';
import type { Ruleset } from '../../src/ruleset/ruleset.ts';
import { hopsOf, pathsOf } from '../../src/simulate/hops.ts';
import type { Outcome } from '../../src/simulate/state/outcome.ts';
import { onePacket, type ConnectionState, type PacketSet } from '../../src/simulate/state/packet-set.ts';
import { refOf } from '../../src/simulate/state/place.ts';
import { sourceFor } from '../../src/simulate/host/routing.ts';
import type { Trace } from '../../src/simulate/state/trace.ts';
import { address } from './address.ts';

// Packets and what becomes of them, each as a line.

/** `203.0.113.7 -> 192.0.2.10:30001/tcp in eth0`, `node -> …`: a packet as a line. */
export const packetOf = (ruleset: Ruleset, line: string, state: ConnectionState = 'new'): PacketSet => {
  const [, from = '', to = '', port = '', protocol = 'tcp', device] =
    /^(\S+) -> (\S+):(\d+)\/(\w+)(?: in (\S+))?$/.exec(line) ?? [];
  const destination = address(to);
  const source = from === 'node' ? sourceFor(ruleset.host, destination) : address(from);
  if (source === null) throw new Error(`no source for ${to}`);
  return onePacket({
    source,
    destination,
    protocol: PROTOCOL_NUMBER[protocol as Protocol],
    destinationPort: Number(port),
    entry: device === undefined ? { kind: 'node' } : { kind: 'interface', name: device },
    state,
  });
};

/** An outcome as a line: `1/2 delivered 10.244.1.64:8080 from 10.244.1.1 connects if …`. */
export const outcomeText = ({ packet }: Trace, outcome: Outcome): string => {
  const { family } = packet;
  const { result, to, source, client, probability, assuming } = outcome;
  return [
    probability === null ? '?' : `${probability.over}/${probability.of}`.replace('1/1', 'always'),
    result,
    ...(to === null ? [] : [`${formatAddress({ family, value: to.address })}${to.port === null ? '' : `:${to.port}`}`]),
    ...(source === null ? [] : [`from ${formatAddress({ family, value: source })}`]),
    client,
    ...assuming.map(({ what, holds, at }) => {
      const { table, chain, rule } = refOf(at);
      return `${what} ${table} ${chain} ${rule} ${holds}`;
    }),
  ].join(' ');
};

/** The base chains that a packet visits on its first way, with the device it goes out by where there is one. */
export const visits = (trace: Trace): readonly string[] =>
  hopsOf(pathsOf(trace)[0]?.steps ?? []).map(({ entered: { at, header } }) => {
    const { table, chain } = refOf(at);
    return `${table} ${chain}${header.out === '' ? '' : ` out ${header.out}`}`;
  });
