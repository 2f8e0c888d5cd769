import type { Diagnostic } from '../diagnostic/diagnostic.ts';
import { warning } from '../diagnostic/diagnostic.ts';
import { parseAddress, withPort, type Address } from '../net/address.ts';
import { formatPorts, type PortRange } from '../net/port.ts';
import type { Protocol } from '../net/protocol.ts';
import type { ExposureKind, Service } from '../policy/model.ts';

/** Something that a node answers on because a Service says so. */
export interface ServiceExposure {
  readonly kind: ExposureKind;
  readonly protocol: Protocol;
  readonly port: number;
  readonly address: Address | null;
  readonly service: Service;
  readonly portName: string | null;
  /** The node port of the same Service port: by it a policy narrows. */
  readonly nodePort: number | null;
}

/** `30001/tcp`, `30100-30199/udp`, `192.0.2.200:80/tcp`, `[2001:db8::1]:80/tcp`. */
export const exposureId = (address: Address | null, ports: PortRange, protocol: Protocol): string => {
  const text = formatPorts(ports, protocol);
  return address === null ? text : withPort(address, text);
};

const addressesOf = (texts: readonly string[]): readonly Address[] =>
  texts.flatMap((text) => {
    const parsed = parseAddress(text);
    return parsed.ok ? [parsed.value] : [];
  });

/** Services never change, and each policy asks for what they expose. */
const exposed = new WeakMap<Service, readonly ServiceExposure[]>();

/**
 * Everything that a Service makes a node answer on (core/v1 Service; kube-proxy answers on node ports, VIPs and
 * external IPs).
 */
export const exposuresOf = (service: Service): readonly ServiceExposure[] => {
  const known = exposed.get(service) ?? exposuresMade(service);
  exposed.set(service, known);
  return known;
};

const exposuresMade = (service: Service): readonly ServiceExposure[] => {
  if (service.type === 'ExternalName') return [];
  const vips = (kind: ExposureKind, texts: readonly string[]): readonly ServiceExposure[] =>
    addressesOf(texts).flatMap((address) =>
      service.ports.map(({ name, protocol, port, nodePort }) => ({
        kind,
        protocol,
        port,
        address,
        service,
        portName: name,
        nodePort,
      })),
    );
  const nodePorts = service.ports.flatMap(({ name, protocol, nodePort }) =>
    nodePort === null
      ? []
      : [{ kind: 'NodePort' as const, protocol, port: nodePort, address: null, service, portName: name, nodePort }],
  );
  const health: readonly ServiceExposure[] =
    service.healthCheckNodePort === null
      ? []
      : [
          {
            kind: 'HealthCheck',
            protocol: 'tcp',
            port: service.healthCheckNodePort,
            address: null,
            service,
            portName: null,
            nodePort: null,
          },
        ];
  return [
    ...nodePorts,
    ...(service.type === 'LoadBalancer' ? vips('LoadBalancer', service.loadBalancerIPs) : []),
    ...vips('ExternalIP', service.externalIPs),
    ...health,
  ];
};

/** Exposures of all Services by id; two Services on one place are one exposure with a warning. */
export const groupExposures = (
  services: readonly Service[],
): { readonly byId: ReadonlyMap<string, readonly ServiceExposure[]>; readonly warnings: readonly Diagnostic[] } => {
  const byId = new Map<string, ServiceExposure[]>();
  const warnings: Diagnostic[] = [];
  for (const exposure of services.flatMap(exposuresOf)) {
    const id = exposureId(exposure.address, { first: exposure.port, last: exposure.port }, exposure.protocol);
    const others = byId.get(id) ?? [];
    const other = others[0];
    if (other !== undefined)
      warnings.push(
        warning(
          'exposure-twice',
          `${id} belongs to ${nameOf(other.service)} and to ${nameOf(exposure.service)}`,
          undefined,
          'The policies of both apply',
        ),
      );
    byId.set(id, [...others, exposure]);
  }
  return { byId, warnings };
};

export const nameOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `${namespace}/${name}`;
