/** An object as it would stand in a manifest. */
export type Manifest = Readonly<Record<string, unknown>>;

type Fields = Readonly<Record<string, unknown>>;

const OWN = 'portcullis.dev/v1alpha1';

const split = (path: string): { readonly namespace: string; readonly name: string } => {
  const [namespace = '', name = ''] = path.split('/');
  return { namespace, name };
};

/** `203.0.113.0/24`, `everyone`, `Nodes`, `Pods` or the name of an AddressGroup, each also `… but 203.0.113.7/32`. */
const peer = (text: string): Fields => {
  const [who = '', but] = text.split(' but ');
  const except = but === undefined ? {} : { except: but.split(' and ') };
  if (who.includes('/')) return { cidr: who, ...except };
  if (who === 'everyone') return { everyone: true, ...except };
  return who === 'Nodes' || who === 'Pods' ? { cluster: who, ...except } : { addressGroup: who, ...except };
};

/** A NodePortPolicy `shop/web` that allows some peers. */
export const nodePort = (path: string, allow: readonly string[], more: Fields = {}): Manifest => ({
  apiVersion: OWN,
  kind: 'NodePortPolicy',
  metadata: split(path),
  spec: { allow: allow.map(peer), ...more },
});

/** `Deny 203.0.113.0/24, office` */
const rule = (text: string): Fields => {
  const [action = ''] = text.split(' ');
  return {
    action,
    from: text
      .slice(action.length + 1)
      .split(', ')
      .map(peer),
  };
};

const cluster =
  (tier: 'Admin' | 'Baseline') =>
  (name: string, priority: number, rules: readonly string[], more: Fields = {}): Manifest => ({
    apiVersion: OWN,
    kind: 'ClusterNodePortPolicy',
    metadata: { name },
    spec: { tier, priority, subject: { services: {} }, rules: rules.map(rule), ...more },
  });

/**
 * A ClusterNodePortPolicy with rules such as `Deny 203.0.113.0/24, office but 10.0.0.0/8`; its subject is every
 * Service.
 */
export const admin = cluster('Admin');
export const baseline = cluster('Baseline');

/** An AddressGroup. */
export const group = (name: string, ...cidrs: readonly string[]): Manifest => ({
  apiVersion: OWN,
  kind: 'AddressGroup',
  metadata: { name },
  spec: { cidrs },
});

/** `https 443:30001/tcp`, `443:30001/tcp` or `443/tcp`: name, port, node port, protocol. */
const servicePort = (text: string): Fields => {
  const [, name, port, nodePort, protocol] = /^(?:(\S+) )?(\d+)(?::(\d+))?\/(\w+)$/.exec(text) ?? [];
  if (protocol === undefined) throw new Error(text);
  return {
    ...(name === undefined ? {} : { name }),
    port: Number(port),
    protocol: protocol.toUpperCase(),
    ...(nodePort === undefined ? {} : { nodePort: Number(nodePort) }),
  };
};

/** What a Service has besides its ports. */
export interface ServiceMore {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: Fields;
  /** Addresses of its load balancer. */
  readonly vips?: readonly string[];
}

/** A Service `shop/web` of type NodePort, or LoadBalancer when it has VIPs or a health check. */
export const service = (path: string, ports: readonly string[], more: ServiceMore = {}): Manifest => {
  const { labels = {}, annotations = {}, spec = {}, vips = [] } = more;
  const balanced = vips.length > 0 || 'healthCheckNodePort' in spec;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...split(path), labels, annotations },
    spec: { type: balanced ? 'LoadBalancer' : 'NodePort', ports: ports.map(servicePort), ...spec },
    status: { loadBalancer: { ingress: vips.map((ip) => ({ ip })) } },
  };
};

/** A Node with its addresses and the networks of its Pods. */
export const node = (
  name: string,
  addresses: readonly string[],
  podCIDRs: readonly string[] = [],
  labels: Readonly<Record<string, string>> = {},
): Manifest => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels },
  spec: { podCIDRs },
  status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
});

/** A Namespace with labels. */
export const namespace = (name: string, labels: Readonly<Record<string, string>>): Manifest => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});
