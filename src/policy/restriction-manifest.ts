import { formatPorts } from '../net/port.ts';
import { formatPrefix } from '../net/prefix.ts';
import { readManifests } from './read-manifests.ts';
import { restrictName, restrictPriority, type Restriction } from './restrict.ts';
import { API_VERSION } from './schema.ts';

/** A restriction as the manifest of a policy: plain data, as it would be in a file. */
export const restrictionManifest = ({ spec, from, otherwise, allowFailsafe }: Restriction) => ({
  apiVersion: API_VERSION,
  kind: 'ClusterNodePortPolicy',
  metadata: { name: restrictName(spec) },
  spec: {
    tier: 'Admin',
    priority: restrictPriority(spec),
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

/**
 * The restriction that {@link restrictionManifest} made a manifest of; null: it is no such manifest, or says more than
 * a restriction can.
 */
export const readRestriction = (manifest: unknown): Restriction | null => {
  const declared = readManifests([{ name: 'portcullis restrict', objects: [manifest] }]);
  const [policy] = declared.ok ? declared.value.policies : [];
  if (policy?.kind !== 'ClusterNodePortPolicy' || policy.subject.kind !== 'ports') return null;
  const [item] = policy.subject.items;
  if (item?.kind !== 'ports') return null;
  const { ports, protocol } = item;
  const restriction: Restriction = {
    spec: { ports, protocol },
    from: policy.rules
      .filter(({ action }) => action === 'Accept')
      .flatMap(({ from }) => from.flatMap((peer) => (peer.kind === 'cidr' ? [peer.prefix] : []))),
    otherwise: policy.otherwise,
    allowFailsafe: policy.allowFailsafePorts,
  };
  return JSON.stringify(restrictionManifest(restriction)) === JSON.stringify(manifest) ? restriction : null;
};
