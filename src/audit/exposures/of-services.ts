import { exposuresOf, nameOf } from '../../access/exposures.ts';
import { FAMILIES } from '../../net/family.ts';
import type { Service } from '../../policy/model.ts';
import type { UnnamedExposure } from './found.ts';

/**
 * What Services say that a node answers on, whether its rules do so or not; in the families of their cluster addresses.
 */
export const ofService = (service: Service): readonly UnnamedExposure[] => {
  const families = FAMILIES.filter((family) =>
    service.clusterIPs.length === 0
      ? family === 4
      : service.clusterIPs.some((text) => text.includes(':') === (family === 6)),
  );
  return exposuresOf(service).flatMap(({ kind, protocol, port, address, portName }) =>
    (address === null ? families : [address.family]).map((family) => ({
      kind,
      family,
      protocol,
      port,
      address,
      service: portName === null ? nameOf(service) : `${nameOf(service)}:${portName}`,
      from: 'Service',
    })),
  );
};
