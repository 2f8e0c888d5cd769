import { warning, type Diagnostic } from '../diagnostic/diagnostic.ts';
import { formatAddress, parseAddress, type Address } from '../net/address.ts';
import { addressSet, type AddressSet } from '../net/address-set.ts';
import { WIDTH } from '../net/family.ts';
import { parsePrefix, type Prefix } from '../net/prefix.ts';
import { PROTOCOLS } from '../net/protocol.ts';
import { originOf, type ManifestDocument } from './manifest-document.ts';
import { quoted, valueText } from './value-text.ts';
import type { Namespace, Node, NodePortPolicy, Peer, Service, ServicePort } from './model.ts';

/** Objects of Kubernetes itself. Only the fields that decide something are read, and nothing in them is an error. */
const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const whole = (value: unknown): number | null =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536 ? value : null;

const labelsOf = (metadata: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(record(metadata['labels'])).flatMap(([key, value]) =>
      typeof value === 'string' ? [[key, value]] : [],
    ),
  );

const warn = (
  document: ManifestDocument,
  path: readonly PropertyKey[],
  code: string,
  message: string,
  hint: string,
): Diagnostic => ({
  ...warning(code, message, document.spanOf(path), hint),
  source: document.source,
});

/** Old objects may hold addresses that are not canonical (KEP-4858). Such an address is left out, with a warning. */
const addressesAt = (
  document: ManifestDocument,
  path: readonly PropertyKey[],
  values: readonly unknown[],
  warnings: Diagnostic[],
): readonly Address[] =>
  values.flatMap((value, index) => {
    const address = typeof value === 'string' ? parseAddress(value) : null;
    if (address?.ok === true) return [address.value];
    if (value !== undefined && value !== '' && value !== 'None')
      warnings.push(
        warn(
          document,
          [...path, index],
          'bad-address',
          `${typeof value === 'string' ? quoted(value) : valueText(value)} is not an address that can be relied on`,
          address === null ? 'It is left out' : `It is left out: ${address.problems[0]?.message ?? ''}`,
        ),
      );
    return [];
  });

const SERVICE_TYPES = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'] as const;

/** A core/v1 Service. */
export const decodeService = (document: ManifestDocument, value: unknown, warnings: Diagnostic[]): Service => {
  const { metadata: meta, spec: specValue, status } = record(value);
  const metadata = record(meta);
  const spec = record(specValue);
  const namespace = text(metadata['namespace']) ?? 'default';
  const name = text(metadata['name']) ?? '';
  const type = text(spec['type']);
  const ingress = list(record(record(status)['loadBalancer'])['ingress']).map(record);
  const service = {
    kind: 'Service' as const,
    namespace,
    name,
    labels: labelsOf(metadata),
    type: SERVICE_TYPES.find((known) => known === type) ?? ('ClusterIP' as const),
    ports: list(spec['ports']).flatMap((port, index) => decodePort(document, port, index, warnings) ?? []),
    clusterIPs: addressesAt(document, ['spec', 'clusterIPs'], list(spec['clusterIPs']), warnings).map(formatAddress),
    // With ipMode Proxy the balancer delivers to the node's own address; kube-proxy does not answer on the VIP
    // (KEP-1860).
    loadBalancerIPs: addressesAt(
      document,
      ['status', 'loadBalancer', 'ingress'],
      ingress.filter(({ ipMode }) => ipMode !== 'Proxy').map(({ ip }) => ip),
      warnings,
    ).map(formatAddress),
    externalIPs: addressesAt(document, ['spec', 'externalIPs'], list(spec['externalIPs']), warnings).map(formatAddress),
    healthCheckNodePort: whole(spec['healthCheckNodePort']),
  };
  return { ...service, annotationPolicy: annotationPolicy(document, metadata, service, warnings) };
};

const decodePort = (
  document: ManifestDocument,
  value: unknown,
  index: number,
  warnings: Diagnostic[],
): ServicePort | null => {
  const port = record(value);
  const name = text(port['protocol'])?.toLowerCase() ?? 'tcp';
  const protocol = PROTOCOLS.find((known) => known === name);
  const number = whole(port['port']);
  if (protocol === undefined || number === null) {
    warnings.push(
      warn(
        document,
        ['spec', 'ports', index],
        'bad-service-port',
        `this Service port has no ${protocol === undefined ? 'known protocol' : 'number'}`,
        'It is left out',
      ),
    );
    return null;
  }
  return {
    name: text(port['name']),
    protocol,
    port: number,
    nodePort: whole(port['nodePort']),
    targetPort: whole(port['targetPort']),
  };
};

const ANNOTATION = 'portcullis.dev/allow';

/**
 * `portcullis.dev/allow: "203.0.113.0/24, office"`: one more NodePortPolicy for this Service. A wrong value refuses
 * everybody.
 */
const annotationPolicy = (
  document: ManifestDocument,
  metadata: Readonly<Record<string, unknown>>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  warnings: Diagnostic[],
): NodePortPolicy | null => {
  const value = record(metadata['annotations'])[ANNOTATION];
  if (value === undefined) return null;
  const path = ['metadata', 'annotations', ANNOTATION];
  const origin = originOf(document, path);
  const items = typeof value === 'string' ? value.split(',').map((item) => item.trim()) : [''];
  const peers: Peer[] = [];
  for (const item of items) {
    const looksLikeAddress = /[./:]/.test(item);
    const prefix = looksLikeAddress ? parsePrefix(item) : null;
    if (prefix?.ok === true) peers.push({ kind: 'cidr', prefix: prefix.value, except: [], origin });
    else if (!looksLikeAddress && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(item))
      peers.push({ kind: 'group', name: item, except: [], origin });
    else
      warnings.push(
        warn(
          document,
          path,
          'bad-annotation',
          `${ANNOTATION}: ${quoted(item)} is neither a prefix nor the name of an AddressGroup`,
          `Until it is mended ${namespace}/${name} refuses everybody`,
        ),
      );
  }
  return {
    kind: 'NodePortPolicy',
    namespace,
    // No object can have this name, so the annotation and somebody's policy cannot be mistaken for each other.
    name: `${name} (annotation)`,
    origin,
    services: { kind: 'names', names: [name] },
    ports: null,
    exposures: ['NodePort'],
    allow: peers.length === items.length ? peers : [],
    otherwise: 'Drop',
    mode: 'Enforce',
  };
};

const one = ({ family, value }: Address): Prefix => ({ family, address: value, length: WIDTH[family] });

/** A core/v1 Node. */
export const decodeNode = (document: ManifestDocument, value: unknown, warnings: Diagnostic[]): Node => {
  const { metadata: meta, spec, status: statusValue } = record(value);
  const status = record(statusValue);
  const addresses = list(status['addresses'])
    .map(record)
    .filter(({ type }) => type === 'InternalIP' || type === 'ExternalIP')
    .map(({ address }) => address);
  return {
    kind: 'Node',
    name: text(record(meta)['name']) ?? '',
    labels: labelsOf(record(meta)),
    addresses: addressSet(addressesAt(document, ['status', 'addresses'], addresses, warnings).map(one)),
    podCIDRs: podCidrs(document, record(spec), warnings),
    kubeletPort: whole(record(record(status['daemonEndpoints'])['kubeletEndpoint'])['Port']),
  };
};

const podCidrs = (
  document: ManifestDocument,
  spec: Readonly<Record<string, unknown>>,
  warnings: Diagnostic[],
): AddressSet => {
  const texts = list(spec['podCIDRs']).length > 0 ? list(spec['podCIDRs']) : [spec['podCIDR']];
  return addressSet(
    texts.flatMap((value) => {
      const prefix = typeof value === 'string' ? parsePrefix(value) : null;
      if (prefix?.ok === false)
        warnings.push(
          warn(
            document,
            ['spec', 'podCIDRs'],
            'bad-pod-cidr',
            `${typeof value === 'string' ? quoted(value) : valueText(value)} is no prefix`,
            'It is left out',
          ),
        );
      return prefix?.ok === true ? [prefix.value] : [];
    }),
  );
};

/** A core/v1 Namespace. */
export const decodeNamespace = (value: unknown): Namespace => {
  const metadata = record(record(value)['metadata']);
  return { kind: 'Namespace', name: text(metadata['name']) ?? '', labels: labelsOf(metadata) };
};
