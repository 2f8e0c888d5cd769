import { exposureId } from '../../access/exposures.ts';
import { parseAddress } from '../../net/address.ts';
import type { Service } from '../../policy/model.ts';
import type { FoundExposure } from './find-exposures.ts';

/**
 * Names of Service ports (`shop/frontend:http`) by exposure: `30001/tcp`, `192.0.2.200:443/tcp`, `10.96.0.1:443/tcp`.
 */
export type ServiceNames = ReadonlyMap<string, string>;

/** What manifests tell about the ports and addresses of their Services. */
export const serviceNames = (services: readonly Service[]): ServiceNames =>
  new Map(
    services.flatMap(({ namespace, name, ports, clusterIPs, loadBalancerIPs, externalIPs, healthCheckNodePort }) => {
      const plain = `${namespace}/${name}`;
      const addresses = [...clusterIPs, ...loadBalancerIPs, ...externalIPs].flatMap((text) => {
        const parsed = parseAddress(text);
        return parsed.ok ? [parsed.value] : [];
      });
      const one = (port: number) => ({ first: port, last: port });
      return [
        ...ports.flatMap(({ name: portName, protocol, port, nodePort }): [string, string][] => {
          const full = portName === null ? plain : `${plain}:${portName}`;
          return [
            ...(nodePort === null ? [] : [[exposureId(null, one(nodePort), protocol), full] as [string, string]]),
            ...addresses.map((address): [string, string] => [exposureId(address, one(port), protocol), full]),
          ];
        }),
        ...(healthCheckNodePort === null
          ? []
          : [[exposureId(null, one(healthCheckNodePort), 'tcp'), plain] as [string, string]]),
      ];
    }),
  );

/** Exposures with the names that the dumps themselves do not hold. */
export const withNames = (exposures: readonly FoundExposure[], names: ServiceNames): readonly FoundExposure[] =>
  exposures.map((exposure) =>
    exposure.service === null ? { ...exposure, service: names.get(exposure.id) ?? null } : exposure,
  );
