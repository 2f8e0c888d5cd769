import { SERVICE_LINK } from '../../kube-proxy/well-known.ts';
import { isAbsent } from '../../ruleset/absent.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import type { UnnamedExposure } from './found.ts';

/** Services of IPVS on an address that the node has besides those of kube-ipvs0, which are the cluster's. */
export const ofVirtualServers = ({ ipvs, host: { addresses } }: Ruleset): readonly UnnamedExposure[] => {
  if (isAbsent(ipvs) || isAbsent(addresses)) return [];
  const own = new Set(
    addresses.flatMap(({ link, address: { family, value } }) => (link === SERVICE_LINK ? [] : [`${family} ${value}`])),
  );
  return ipvs.flatMap(({ at }): UnnamedExposure[] =>
    at === null || !own.has(`${at.address.family} ${at.address.value}`)
      ? []
      : [
          {
            kind: 'NodePort',
            family: at.address.family,
            protocol: at.protocol,
            port: at.port,
            address: null,
            service: null,
            from: 'IPVS',
          },
        ],
  );
};
