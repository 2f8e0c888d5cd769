import { findExposures } from '../../audit/exposures/find-exposures.ts';
import { withNames, type ServiceNames } from '../../audit/exposures/service-names.ts';
import { exposureId } from '../../access/exposures.ts';
import { formatAddress } from '../../net/address.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import type { PacketRequest } from './packet-request.ts';

const SENDER = { address: '', node: 'this node itself', pod: 'the pod ' } as const;

/** `A TCP connection from 203.0.113.20 to node port 30001 (shop/frontend:http)`. */
export const whoWords = (
  ruleset: Ruleset,
  { from, to, port, protocol, state }: PacketRequest,
  names: ServiceNames = new Map(),
): string => {
  const sender =
    from.kind === 'node'
      ? `${SENDER.node}${from.address === null ? '' : ` (${formatAddress(from.address)})`}`
      : `${SENDER[from.kind]}${formatAddress(from.address)}`;
  const exposures = withNames(findExposures(ruleset), names);
  const same = exposures.filter(
    (exposure) => exposure.port === port && exposure.protocol === protocol && exposure.family === to.family,
  );
  const vip = same.find(({ address }) => address !== null && address.value === to.value);
  const nodePort = same.find(({ kind, address }) => kind === 'NodePort' && address === null);
  const named = vip ?? nodePort;
  const known = named?.service ?? names.get(exposureId(to, { first: port, last: port }, protocol));
  const service = known === undefined ? '' : ` (${known})`;
  const target =
    vip === undefined && nodePort !== undefined
      ? `node port ${port}${service}`
      : `${exposureId(to, { first: port, last: port }, protocol).replace(/\/\w+$/, '')}${service}`;
  const name = protocol.toUpperCase();
  const what =
    state === 'new'
      ? protocol === 'udp'
        ? 'A UDP packet'
        : `${protocol === 'sctp' ? 'An' : 'A'} ${name} connection`
      : `${state === 'established' || state === 'invalid' || state === 'untracked' ? 'An' : 'A'} ${state} ${name} packet`;
  return `${what} from ${sender} to ${target}`;
};
