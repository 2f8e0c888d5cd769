import { formatPorts, type PortSpec } from '../net/port.ts';
import { formatPrefix, type Prefix } from '../net/prefix.ts';
import type { Otherwise } from './model.ts';
import { API_VERSION } from './schema.ts';

/** The manifest of a policy that `restrict` writes: plain data, as it would stand in a YAML file. */
export type Manifest = Readonly<Record<string, unknown>>;

/** `restrict-30001`, `restrict-30001-udp`. */
export const restrictName = ({ ports, protocol }: PortSpec): string =>
  `restrict-${formatPorts(ports)}${protocol === null ? '' : `-${protocol}`}`;

/** Between policies of more and of less urgency; what says more exactly what it means is asked first. */
const priorityOf = ({ ports, protocol }: PortSpec): number =>
  500 - (ports.first === ports.last ? 2 : 0) - (protocol === null ? 0 : 1);

/** The Admin policy for the simplest need: these may come in, everyone else not. */
export const restrictManifest = (
  spec: PortSpec,
  from: readonly Prefix[],
  otherwise: Otherwise,
  allowFailsafe: readonly number[],
): Manifest => ({
  apiVersion: API_VERSION,
  kind: 'ClusterNodePortPolicy',
  metadata: { name: restrictName(spec) },
  spec: {
    tier: 'Admin',
    priority: priorityOf(spec),
    subject: { ports: [formatPorts(spec.ports, spec.protocol)] },
    rules: [
      ...(from.length === 0
        ? []
        : [{ action: 'Accept', from: from.map((prefix) => ({ cidr: formatPrefix(prefix) })) }]),
      { action: 'Deny', from: [{ everyone: true }] },
    ],
    otherwise,
    ...(allowFailsafe.length === 0 ? {} : { allowFailsafePorts: allowFailsafe }),
  },
});
