import type { Manifest } from './policies.ts';

// Written from the sentences of DESIGN.md ("Policies"), one address after the other, with no code of src/: it answers
// what src/access must answer.

/** An address as a number. */
export interface NaiveAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** A place of a node: a port of all its own addresses, or of one VIP. */
export interface Place {
  readonly protocol: string;
  readonly port: number;
  readonly vip: string | null;
}

export interface NaiveOptions {
  readonly nodeName: string | null;
  readonly standalone: boolean;
  readonly allowFailsafe: readonly number[];
}

type Fields = Readonly<Record<string, unknown>>;
type Labels = Readonly<Record<string, string>>;

const fields = (value: unknown): Fields => (value ?? {}) as Fields;
const list = (value: unknown): readonly Fields[] => (value ?? []) as Fields[];
const texts = (value: unknown): readonly string[] => (value ?? []) as string[];
/** Entries of `ports`. */
const portItems = (value: unknown): readonly (string | number)[] => (value ?? []) as (string | number)[];
const numbers = (value: unknown): readonly number[] => (value ?? []) as number[];

const metadata = (manifest: Manifest): { name: string; namespace: string; labels: Labels; annotations: Labels } => ({
  name: '',
  namespace: 'default',
  labels: {},
  annotations: {},
  ...fields(manifest['metadata']),
});

// ── Addresses
// ────────────────────────────────────────────────────────────────────────────────

/** The address of `10.0.0.1` or `2001:db8::1`. */
export const naiveAddress = (text: string): NaiveAddress => {
  if (!text.includes(':')) {
    const value = text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
    return { family: 4, value };
  }
  const [head = '', tail] = text.split('::');
  const groups = (part: string): readonly string[] => (part === '' ? [] : part.split(':'));
  const missing = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(missing).fill('0'), ...groups(tail ?? '')];
  return { family: 6, value: all.reduce((sum, part) => sum * 65_536n + BigInt(`0x${part}`), 0n) };
};

/** The first and the last address of a prefix. */
export const naiveRange = (
  prefix: string,
): { readonly family: 4 | 6; readonly first: bigint; readonly last: bigint } => {
  const [address = '', length = ''] = prefix.split('/');
  const { family, value } = naiveAddress(address);
  const hosts = 2n ** BigInt((family === 4 ? 32 : 128) - Number(length));
  return { family, first: value, last: value + hosts - 1n };
};

const within = ({ family, value }: NaiveAddress, prefix: string): boolean => {
  const range = naiveRange(prefix);
  return range.family === family && range.first <= value && value <= range.last;
};

// ── Who
// ────────────────────────────────────────────────────────────────────────────────

const ofKind = (manifests: readonly Manifest[], kind: string): readonly Manifest[] =>
  manifests.filter((manifest) => manifest['kind'] === kind);

const isPeer = (source: NaiveAddress, peer: Fields, manifests: readonly Manifest[]): boolean => {
  if (texts(peer['except']).some((prefix) => within(source, prefix))) return false;
  if (peer['everyone'] === true) return true;
  if (typeof peer['cidr'] === 'string') return within(source, peer['cidr']);
  const nodes = ofKind(manifests, 'Node');
  switch (peer['cluster']) {
    case 'Nodes':
      return nodes
        .flatMap((node) => list(fields(node['status'])['addresses']))
        .some(({ address }) => {
          const { family, value } = naiveAddress(String(address));
          return family === source.family && value === source.value;
        });
    case 'Pods':
      return nodes.flatMap((node) => texts(fields(node['spec'])['podCIDRs'])).some((prefix) => within(source, prefix));
    default: {
      const group = ofKind(manifests, 'AddressGroup').find((one) => metadata(one).name === peer['addressGroup']);
      return texts(fields(group?.['spec'])['cidrs']).some((prefix) => within(source, prefix));
    }
  }
};

// ── Where
// ────────────────────────────────────────────────────────────────────────────────

const selected = (selector: unknown, labels: Labels): boolean =>
  Object.entries(fields(fields(selector)['matchLabels'])).every(([key, value]) => labels[key] === value);

interface Use {
  readonly service: Manifest;
  readonly kind: 'NodePort' | 'LoadBalancer' | 'ExternalIP' | 'HealthCheck';
  readonly portName: unknown;
  readonly nodePort: unknown;
}

/** The Services that make the node answer at a place. */
const usesOf = (manifests: readonly Manifest[], { protocol, port, vip }: Place): readonly Use[] =>
  ofKind(manifests, 'Service').flatMap((service) => {
    const spec = fields(service['spec']);
    const uses: Use[] = [];
    const balancers = list(fields(fields(service['status'])['loadBalancer'])['ingress']).map(({ ip }) => ip);
    for (const one of list(spec['ports'])) {
      if (String(one['protocol']).toLowerCase() !== protocol) continue;
      const use = { service, portName: one['name'], nodePort: one['nodePort'] };
      if (vip === null && one['nodePort'] === port) uses.push({ ...use, kind: 'NodePort' });
      if (vip !== null && one['port'] === port && balancers.includes(vip)) uses.push({ ...use, kind: 'LoadBalancer' });
      if (vip !== null && one['port'] === port && texts(spec['externalIPs']).includes(vip))
        uses.push({ ...use, kind: 'ExternalIP' });
    }
    if (vip === null && protocol === 'tcp' && spec['healthCheckNodePort'] === port)
      uses.push({ service, kind: 'HealthCheck', portName: null, nodePort: null });
    return uses;
  });

/** Does an item of `ports` mean this number in this protocol? */
const means = (item: unknown, port: unknown, protocol: string): boolean => {
  const [, first, last, named] = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(String(item)) ?? [];
  if (first === undefined || typeof port !== 'number') return false;
  return Number(first) <= port && port <= Number(last ?? first) && (named === undefined || named === protocol);
};
const isSingle = (item: unknown): boolean => !String(item).includes('-');
const isName = (item: unknown): boolean => /^[a-z]/.test(String(item));

const FAILSAFE: Readonly<Record<string, readonly number[]>> = {
  tcp: [22, 179, 2379, 2380, 6443, 10_250],
  udp: [68, 546, 4789, 6081, 8472, 51_820, 51_821],
};

const specOf = (policy: Manifest): Fields => fields(policy['spec']);

const selectsService = (policy: Manifest, service: Manifest): boolean => {
  const { services, serviceSelector } = specOf(policy);
  const { namespace, name, labels } = metadata(service);
  if (metadata(policy).namespace !== namespace) return false;
  return services === undefined ? selected(serviceSelector, labels) : texts(services).includes(name);
};

const exposuresOf = (policy: Manifest): readonly string[] => texts(specOf(policy)['exposures'] ?? ['NodePort']);

const nodePortPolicyApplies = (
  policy: Manifest,
  manifests: readonly Manifest[],
  place: Place,
  standalone: boolean,
): boolean => {
  const items = specOf(policy)['ports'] === undefined ? null : portItems(specOf(policy)['ports']);
  const uses = usesOf(manifests, place);
  const bySelection = uses.some(
    ({ service, kind, portName, nodePort }) =>
      exposuresOf(policy).includes(kind) &&
      selectsService(policy, service) &&
      (items === null ||
        items.some((item) => (isName(item) ? item === portName : means(item, nodePort, place.protocol)))),
  );
  if (bySelection || !standalone || uses.length > 0 || place.vip !== null) return bySelection;
  // Without protocol: every protocol the selected Services use there; with no Service: tcp, udp and sctp.
  const otherProtocol = ['tcp', 'udp', 'sctp'].some((protocol) =>
    usesOf(manifests, { ...place, protocol }).some(
      ({ service, kind }) => kind === 'NodePort' && selectsService(policy, service),
    ),
  );
  return (items ?? []).some(
    (item) => means(item, place.port, place.protocol) && (String(item).includes('/') || !otherProtocol),
  );
};

const clusterPolicyApplies = (policy: Manifest, manifests: readonly Manifest[], place: Place): boolean => {
  const subject = fields(specOf(policy)['subject']);
  const uses = usesOf(manifests, place);
  if (subject['ports'] !== undefined) {
    const health = uses.some(({ kind }) => kind === 'HealthCheck');
    return (
      place.vip === null &&
      portItems(subject['ports']).some((item) => means(item, place.port, place.protocol) && (!health || isSingle(item)))
    );
  }
  const { namespaceSelector, serviceSelector } = fields(subject['services']);
  return uses.some(({ service, kind }) => {
    const { namespace, labels } = metadata(service);
    const known = ofKind(manifests, 'Namespace').find((one) => metadata(one).name === namespace);
    return (
      exposuresOf(policy).includes(kind) &&
      selected(namespaceSelector, known === undefined ? {} : metadata(known).labels) &&
      selected(serviceSelector, labels)
    );
  });
};

const isPassedOver = (policy: Manifest, place: Place, allowFailsafe: readonly number[]): boolean => {
  if (place.vip !== null || !(FAILSAFE[place.protocol] ?? []).includes(place.port)) return false;
  const items = portItems(specOf(policy)['ports'] ?? fields(specOf(policy)['subject'])['ports']);
  const named = items.some((item) => isSingle(item) && means(item, place.port, place.protocol));
  const leave = [...allowFailsafe, ...numbers(specOf(policy)['allowFailsafePorts'])];
  return !(named && leave.includes(place.port));
};

const annotationPolicies = (manifests: readonly Manifest[]): readonly Manifest[] =>
  ofKind(manifests, 'Service').flatMap((service) => {
    const { name, namespace, annotations } = metadata(service);
    const value = annotations['portcullis.dev/allow'];
    if (value === undefined) return [];
    const allow = value.split(',').map((item) => (item.includes('/') ? { cidr: item } : { addressGroup: item }));
    return [
      {
        kind: 'NodePortPolicy',
        metadata: { name: `${name} (annotation)`, namespace },
        spec: { services: [name], allow },
      },
    ];
  });

// ── The answer
// ────────────────────────────────────────────────────────────────────────────────

const nameOf = (policy: Manifest): string => {
  const { name, namespace } = metadata(policy);
  return policy['kind'] === 'NodePortPolicy' ? `${namespace}/${name}` : name;
};

const refusal = (policy: Manifest): string => (specOf(policy)['otherwise'] === 'Reject' ? 'reject' : 'drop');

/** What one tier says: an answer, or null for "go on" (no match, or Pass). */
const judgeTier = (
  policies: readonly Manifest[],
  source: NaiveAddress,
  manifests: readonly Manifest[],
): string | null => {
  const priorities = [...new Set(policies.map((policy) => Number(specOf(policy)['priority'])))].sort((a, b) => a - b);
  for (const priority of priorities) {
    const matches = policies
      .filter((policy) => specOf(policy)['priority'] === priority)
      .flatMap((policy) => {
        const rules = list(specOf(policy)['rules']);
        const index = rules.findIndex(({ from }) => list(from).some((peer) => isPeer(source, peer, manifests)));
        return index === -1 ? [] : [{ policy, index, action: rules[index]?.['action'] }];
      });
    for (const action of ['Deny', 'Pass', 'Accept']) {
      const match = matches.find((one) => one.action === action);
      if (match === undefined) continue;
      if (action === 'Pass') return null;
      return `${action === 'Accept' ? 'allow' : refusal(match.policy)}: ${nameOf(match.policy)}: rules[${match.index}]`;
    }
  }
  return null;
};

/** `open`, or the verdict and the responsible policy, for one source at one place. */
export const naiveAnswer = (
  manifests: readonly Manifest[],
  { nodeName, standalone, allowFailsafe }: NaiveOptions,
  place: Place,
  source: NaiveAddress,
  which: 'enforced' | 'wouldBe',
): string => {
  const node = ofKind(manifests, 'Node').find((one) => metadata(one).name === nodeName);
  const labels = node === undefined ? {} : metadata(node).labels;
  const nodePortPolicies = [...ofKind(manifests, 'NodePortPolicy'), ...annotationPolicies(manifests)].filter((policy) =>
    nodePortPolicyApplies(policy, manifests, place, standalone),
  );
  const clusterPolicies = ofKind(manifests, 'ClusterNodePortPolicy').filter(
    (policy) => selected(specOf(policy)['nodeSelector'], labels) && clusterPolicyApplies(policy, manifests, place),
  );
  const applying = [...nodePortPolicies, ...clusterPolicies]
    .filter((policy) => !isPassedOver(policy, place, allowFailsafe))
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  if (applying.length === 0) return 'open';
  const inForce = applying.filter((policy) => which === 'wouldBe' || specOf(policy)['mode'] !== 'Audit');
  const tier = (name: string) => inForce.filter((policy) => specOf(policy)['tier'] === name);

  const byAdmin = judgeTier(tier('Admin'), source, manifests);
  if (byAdmin !== null) return byAdmin;
  const own = inForce.filter((policy) => policy['kind'] === 'NodePortPolicy');
  if (own.length > 0) {
    for (const policy of own) {
      const index = list(specOf(policy)['allow']).findIndex((peer) => isPeer(source, peer, manifests));
      if (index !== -1) return `allow: ${nameOf(policy)}: allow[${index}]`;
    }
    const verdict = own.every((policy) => refusal(policy) === 'reject') ? 'reject' : 'drop';
    return `${verdict}: ${own.map((policy) => `${nameOf(policy)}: otherwise`).join(', ')}`;
  }
  return judgeTier(tier('Baseline'), source, manifests) ?? 'allow: no policy decides';
};
