import type { Declared, NodePortPolicy, Policy, PortItem, Service } from '../policy/model.ts';
import type { ServiceExposure } from './exposures.ts';
import { selects } from './labels.ts';

const holds = (item: PortItem, port: number, exposure: ServiceExposure): boolean =>
  item.kind === 'ports' &&
  (item.protocol === null || item.protocol === exposure.protocol) &&
  item.ports.first <= port &&
  port <= item.ports.last;

const isSingle = (item: PortItem): boolean => item.kind === 'ports' && item.ports.first === item.ports.last;

/** Whether a NodePortPolicy selects a Service of its own namespace. */
export const selectsService = ({ namespace, services }: NodePortPolicy, service: Service): boolean => {
  if (service.namespace !== namespace) return false;
  switch (services.kind) {
    case 'all':
      return true;
    case 'names':
      return services.names.includes(service.name);
    case 'labels':
      return selects(services.selector, service.labels);
  }
};

/** Whether one item of `ports` means a Service port: by its name, or by its node port. */
export const meansServicePort = (item: PortItem, exposure: ServiceExposure): boolean =>
  item.kind === 'name'
    ? item.name === exposure.portName
    : exposure.nodePort !== null && holds(item, exposure.nodePort, exposure);

const namespaceLabels = (declared: Declared, name: string): Readonly<Record<string, string>> => ({
  ...declared.namespaces.find((namespace) => namespace.name === name)?.labels,
  'kubernetes.io/metadata.name': name,
});

/** Whether a policy selects an exposure of a Service (DESIGN.md, "Exposures"). */
export const applies = (policy: Policy, exposure: ServiceExposure, declared: Declared): boolean => {
  const { kind, service, port, address } = exposure;
  if (policy.kind === 'NodePortPolicy')
    return (
      kind !== 'HealthCheck' &&
      kind !== 'HostPort' &&
      policy.exposures.includes(kind) &&
      selectsService(policy, service) &&
      (policy.ports === null || policy.ports.some((item) => meansServicePort(item, exposure)))
    );
  if (policy.subject.kind === 'ports')
    return (
      address === null &&
      policy.subject.items.some((item) => holds(item, port, exposure) && (kind !== 'HealthCheck' || isSingle(item)))
    );
  return (
    kind !== 'HealthCheck' &&
    kind !== 'HostPort' &&
    policy.exposures.includes(kind) &&
    selects(policy.subject.namespaceSelector, namespaceLabels(declared, service.namespace)) &&
    selects(policy.subject.serviceSelector, service.labels)
  );
};
