import fc from 'fast-check';
import type { NaiveOptions, Place } from './naive-evaluator.ts';
import { admin, baseline, group, namespace, node, nodePort, service, type Manifest } from './policies.ts';

// Few addresses, ports, labels and names, so that policies meet.

const PREFIXES = [
  '0.0.0.0/0', '10.0.0.0/8', '10.0.0.0/24', '10.0.0.0/25', '10.0.0.4/30', '10.0.0.5/32', '10.0.1.0/24', '128.0.0.0/1',
  '192.0.2.10/32', '255.255.255.255/32', '::/0', '2001:db8::/32', '2001:db8:0:1::/64', '2001:db8::1/128', '8000::/1',
]; // prettier-ignore

const inside: Readonly<Record<string, readonly string[]>> = {
  '10.0.0.0/8': ['10.0.0.0/9', '10.0.0.5/32'],
  '10.0.0.0/24': ['10.0.0.4/30', '10.0.0.255/32'],
  '2001:db8::/32': ['2001:db8:0:1::/64', '2001:db8::/33'],
};

const anyPeer = fc.oneof(
  { arbitrary: fc.constantFrom(...PREFIXES), weight: 4 },
  fc
    .constantFrom(...Object.entries(inside))
    .chain(([outer, holes]) =>
      fc.subarray([...holes], { minLength: 1 }).map((some) => `${outer} but ${some.join(' and ')}`),
    ),
  fc.constantFrom('everyone', 'everyone but 10.0.0.0/8', 'office', 'vpn', 'office but 10.0.0.4/30', 'Nodes', 'Pods'),
);

const anyRule = fc
  .tuple(fc.constantFrom('Accept', 'Deny', 'Pass'), fc.array(anyPeer, { minLength: 1, maxLength: 3 }))
  .map(([action, from]) => `${action} ${from.join(', ')}`);

const anyPorts = fc.array(
  fc.constantFrom(
    'http', 'dns', 'none', 30_001, '30001', 30_002, '30001/tcp', '30001/udp', '30003/sctp', '30000-30002', '30002-30009/tcp', '1-65535', '32000', '22/udp', 30_005,
  ), // prettier-ignore
  { minLength: 1, maxLength: 3 },
);

const maybe = <T>(key: string, value: fc.Arbitrary<T>): fc.Arbitrary<Readonly<Record<string, unknown>>> =>
  fc.option(value, { freq: 2 }).map((one) => (one === null ? {} : { [key]: one }));
const merged = (...parts: readonly fc.Arbitrary<Readonly<Record<string, unknown>>>[]) =>
  fc.tuple(...parts).map((all) => Object.assign({}, ...all) as Readonly<Record<string, unknown>>);

const anySelector = fc.constantFrom({}, { matchLabels: { app: 'web' } }, { matchLabels: { app: 'api' } });
const common = [
  maybe('otherwise', fc.constantFrom('Drop', 'Reject')),
  maybe('mode', fc.constantFrom('Enforce', 'Audit')),
  maybe('exposures', fc.subarray(['NodePort', 'LoadBalancer', 'ExternalIP'], { minLength: 1 })),
];

const anyNodePortPolicy = fc
  .tuple(
    fc.constantFrom('shop', 'infra'),
    fc.constantFrom('a', 'b', 'web'),
    fc.array(anyPeer, { maxLength: 3 }),
    merged(
      ...common,
      maybe('ports', anyPorts),
      fc.oneof(maybe('services', fc.constant(['web'])), maybe('serviceSelector', anySelector)),
    ),
  )
  .map(([space, name, allow, more]) => nodePort(`${space}/${name}`, allow, more));

const anySubject = fc.oneof(
  fc
    .record({ ports: anyPorts.map((ports) => ports.filter((port) => !/^[a-z]/.test(String(port)))) })
    .filter(({ ports }) => ports.length > 0),
  fc.record({
    services: merged(
      maybe('namespaceSelector', fc.constantFrom({}, { matchLabels: { team: 'shop' } })),
      maybe('serviceSelector', anySelector),
    ),
  }),
);

const anyClusterPolicy = fc
  .tuple(
    fc.constantFrom(admin, baseline),
    fc.constantFrom('a', 'b', 'c', 'd'),
    fc.constantFrom(10, 20),
    fc.array(anyRule, { maxLength: 3 }),
    merged(
      ...common,
      anySubject.map((subject) => ({ subject })),
      maybe('nodeSelector', fc.constantFrom({}, { matchLabels: { role: 'edge' } })),
    ),
  )
  .map(([tier, name, priority, rules, more]) => tier(name, priority, rules, more));

/** A cluster policy that may guard SSH, in one way or another. */
const sshPolicy = fc
  .tuple(
    fc.boolean(),
    fc.constantFrom<readonly (string | number)[]>([22], ['22/tcp'], ['20-30'], [22, '20-30']),
    fc.array(anyRule, { maxLength: 2 }),
  )
  .map(([inPolicy, ports, rules]) =>
    admin('ssh', 5, rules, { subject: { ports }, ...(inPolicy ? { allowFailsafePorts: [22] } : {}) }),
  );

const anyService = fc
  .tuple(
    fc.constantFrom('shop/web', 'shop/api', 'infra/web'),
    fc.constantFrom('web', 'api'),
    // Ports that all Services share make places of several Services.
    fc.subarray(['http 80:30001/tcp', 'dns 53:30001/udp', '81:30002/tcp', '82:30003/sctp', 'ssh 22:22/tcp', '83/tcp'], {
      minLength: 1,
    }),
    fc.subarray(['192.0.2.200', '2001:db8::200']),
    maybe('externalIPs', fc.constant(['192.0.2.210'])),
    maybe('healthCheckNodePort', fc.constant(32_000)),
    fc.option(fc.constantFrom('10.0.0.0/24', 'office', 'office,2001:db8::/32'), { freq: 4 }),
  )
  .map(([path, app, ports, vips, external, health, allow]) =>
    service(path, ports, {
      labels: { app },
      vips,
      annotations: allow === null ? {} : { 'portcullis.dev/allow': allow },
      spec: { ...external, ...health },
    }),
  );

const identity = (manifest: Manifest): string => {
  const { name, namespace: space } = manifest['metadata'] as { name: string; namespace?: string };
  return `${String(manifest['kind'])} ${space ?? ''} ${name}`;
};

const anyGroup = (name: string) =>
  fc.uniqueArray(fc.constantFrom(...PREFIXES), { maxLength: 4 }).map((cidrs) => group(name, ...cidrs));

const NODES = [
  node('node-1', ['192.0.2.10', '2001:db8::10'], ['10.0.1.0/24', '2001:db8:0:1::/64'], { role: 'edge' }),
  node('node-2', ['10.0.0.5'], ['10.0.2.0/24'], { role: 'inner' }),
];

/** What may be declared on a cluster, and for which node and how it is asked. */
export interface Situation {
  readonly manifests: readonly Manifest[];
  readonly options: NaiveOptions;
}

export const anySituation: fc.Arbitrary<Situation> = fc
  .record({
    objects: fc.uniqueArray(
      fc.oneof(
        { arbitrary: anyNodePortPolicy, weight: 3 },
        { arbitrary: anyClusterPolicy, weight: 4 },
        { arbitrary: anyService, weight: 3 },
      ),
      { selector: identity, maxLength: 9 },
    ),
    ssh: fc.option(sshPolicy, { freq: 3 }),
    office: anyGroup('office'),
    vpn: anyGroup('vpn'),
    options: fc.record({
      nodeName: fc.constantFrom('node-1', 'node-2', null),
      standalone: fc.boolean(),
      allowFailsafe: fc.constantFrom<readonly number[]>([], [22]),
    }),
  })
  .map(({ objects, ssh, office, vpn, options }) => ({
    manifests: [...objects, ...(ssh === null ? [] : [ssh]), office, vpn, namespace('shop', { team: 'shop' }), ...NODES],
    options,
  }));

/** Policies that meet on one Service, many of them of the same priority. */
export const anyTie: fc.Arbitrary<Situation> = fc
  .uniqueArray(
    fc
      .tuple(
        fc.constantFrom(admin, baseline),
        fc.constantFrom('a', 'b', 'c', 'd', 'e'),
        fc.constantFrom(10, 20),
        fc.array(anyRule, { maxLength: 3 }),
      )
      .map(([tier, name, priority, rules]) => tier(name, priority, rules)),
    { selector: identity, minLength: 2, maxLength: 5 },
  )
  .map((policies) => ({
    manifests: [
      ...policies,
      service('shop/web', ['80:30001/tcp']),
      group('office', '10.0.0.0/24'),
      group('vpn', '2001:db8::/32'),
      ...NODES,
    ],
    options: { nodeName: null, standalone: false, allowFailsafe: [] },
  }));

/** Every place about which the situations differ, and neighbours. */
export const PLACES: readonly Place[] = [
  ...['tcp', 'udp', 'sctp'].flatMap((protocol) =>
    [22, 30_000, 30_001, 30_002, 30_003, 30_005, 30_010, 32_000].map((port) => ({ protocol, port, vip: null })),
  ),
  ...['192.0.2.200', '2001:db8::200', '192.0.2.210'].flatMap((vip) => [
    { protocol: 'tcp', port: 80, vip },
    { protocol: 'udp', port: 53, vip },
    { protocol: 'tcp', port: 22, vip },
    { protocol: 'tcp', port: 30_001, vip },
  ]),
];

/** All prefixes that can stand in a situation: at their ends answers change. */
export const ALL_PREFIXES: readonly string[] = [
  ...PREFIXES,
  ...Object.values(inside).flat(),
  '192.0.2.10/32', '2001:db8::10/128', '10.0.2.0/24', '10.0.1.0/24',
]; // prettier-ignore
