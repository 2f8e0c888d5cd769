import type { Choices } from './choices.ts';
import { OPEN, VIPS } from './plan.ts';

type Manifest = Readonly<Record<string, unknown>>;

const API = 'portcullis.dev/v1alpha1';

const service = (name: string, nodePort: number): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: {
    type: 'NodePort',
    ports: ['TCP', 'UDP'].map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 80, nodePort })),
  },
});

/** Its health check's port stays open in a range that no rule names as a single number. */
const LOAD_BALANCER: Manifest = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'lb', namespace: 'infra' },
  spec: {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: OPEN,
    ports: [{ protocol: 'TCP', port: 80, nodePort: 32_000 }],
  },
};

const vip = (name: string, ip: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'vips' },
  spec: {
    type: 'LoadBalancer',
    ports: ['TCP', 'UDP'].map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: VIPS.port })),
  },
  status: { loadBalancer: { ingress: [{ ip }] } },
});

const HOLES = { 4: ['10.0.0.100/32'], 6: ['2001:db8:a::100/128'] } as const;

/** The network around most allowed sources, merged and split, always without the hole. */
const HOMES_4: readonly (readonly Manifest[])[] = [
  [{ cidr: '10.0.0.0/24', except: HOLES[4] }],
  [{ cidr: '10.0.0.0/25', except: HOLES[4] }],
  [{ cidr: '10.0.0.0/26' }, { cidr: '10.0.0.64/26', except: HOLES[4] }],
  [{ cidr: '10.0.0.0/23', except: HOLES[4] }],
  ['0/27', '32/27', '64/27', '96/30', '104/29', '112/28'].map((end) => ({ cidr: `10.0.0.${end}` })),
];
const HOMES_6: readonly (readonly Manifest[])[] = [
  [{ cidr: '2001:db8:a::/64', except: HOLES[6] }],
  [{ cidr: '2001:db8:a::/121' }],
  [{ cidr: '2001:db8:a::/112', except: HOLES[6] }],
  [{ cidr: '2001:db8:a::/122' }, { cidr: '2001:db8:a::40/122' }],
];

/** The distant allowed sources, without a group. */
const DISTANT: readonly (readonly Manifest[])[] = [
  [{ cidr: '10.0.4.77/32' }, { cidr: '2001:db8:a:4::77/128' }],
  [
    { cidr: '10.0.4.0/24', except: ['10.0.4.76/32'] },
    { cidr: '2001:db8:a:4::/64', except: ['2001:db8:a:4::76/128'] },
  ],
];

const OTHERS = [
  ['10.0.5.0/24', '10.0.5.0/25', '10.0.5.4/30'],
  ['10.0.16.0/20', '10.0.16.0/21'],
  ['10.1.0.0/16', '10.1.0.0/17'],
  ['10.0.3.255/32', '10.0.6.0/29'],
  ['2001:db8:a:5::/64', '2001:db8:a:4:8000::/65'],
  ['2001:db8:b::/48', '2001:db8:b::/49'],
];

/** Where a ban covers all guarded ports, others may let these in: the ban comes first. */
const BANNED = ['10.0.8.0/22', '10.0.9.9/32', '2001:db8:a:8::/61'];
const BANS_ALL = [['30000-32767'], ['30000-30099', '31001']];
const BANS_SOME = [['31001']];

const IN_GROUP = ['10.0.4.78/31', '10.0.4.128/25', '10.2.0.0/16', '10.2.128.0/17', '2001:db8:c::/64'];

/** Ways to cover the guarded ports without a Service, and those between: whole, cut, wider, narrower. */
const RANGES = [
  ['30000-30099'],
  ['30000-30049', '30050-30099'],
  ['30000-30005', '30006-30099'],
  ['29990-30120'],
  ['30001-30050', '30051-30070'],
  ['30005-30050', '30055-30060'],
];

/**
 * The state that the choices come to, as manifests. Every one lets in what plan.ts calls allowed to all ports that it
 * calls guarded, and refuses what it calls refused.
 */
export const stateOf = ({ choose }: Choices, otherwise: 'Drop' | 'Reject'): readonly Manifest[] => {
  const often = (name: string): boolean => choose(name, [true, false]);
  const seldom = (name: string): boolean => choose(name, [true, false, false]);
  const useGroup = often('group');
  const ban = choose('ban', [null, null, null, ...BANS_SOME, ...BANS_ALL]);
  const bansAll = BANS_ALL.some((ports) => ports === ban);
  const peers = (of: string): readonly Manifest[] => [
    ...choose(`${of} home 4`, HOMES_4),
    ...choose(`${of} home 6`, HOMES_6),
    ...(useGroup ? [{ addressGroup: 'office' }] : choose(`${of} distant`, DISTANT)),
    ...OTHERS.flatMap((list, index) =>
      seldom(`${of} other ${index}`) ? [{ cidr: choose(`${of} which other ${index}`, list) }] : [],
    ),
    ...(bansAll ? BANNED.map((cidr) => ({ cidr })) : []),
  ];
  const namespaced = (name: string, services: readonly string[], more: Manifest = {}): Manifest => ({
    apiVersion: API,
    kind: 'NodePortPolicy',
    metadata: { name, namespace: 'exposures' in more ? 'vips' : 'shop' },
    spec: { services, allow: peers(name), otherwise, ...more },
  });
  const cluster = (name: string, spec: Manifest): Manifest => ({
    apiVersion: API,
    kind: 'ClusterNodePortPolicy',
    metadata: { name },
    spec: { priority: 100, otherwise, ...spec },
  });
  const letsIn = (of: string): readonly Manifest[] => [
    { action: 'Accept', from: peers(of) },
    { action: 'Deny', from: [{ everyone: true }] },
  ];
  const late = often('late');
  const changing = often('vip');
  return [
    service('web', 31_001),
    LOAD_BALANCER,
    vip('open', VIPS.open),
    ...(changing ? [vip('changing', VIPS.changing)] : []),
    ...(changing && often('policy of vip') ? [namespaced('vip', ['changing'], { exposures: ['LoadBalancer'] })] : []),
    ...(late ? [service('late', 30_005)] : []),
    ...choose('web', [['web'], ['web-2'], ['web', 'web-2'], ['extra']]).map((name) => namespaced(name, ['web'])),
    ...(late && often('policy of late') ? [namespaced('late', ['late'])] : []),
    cluster(choose('range', ['range', 'range-2']), {
      tier: choose('tier', ['Admin', 'Baseline']),
      subject: { ports: choose('ports', RANGES) },
      rules: letsIn('range'),
    }),
    ...(ban === null
      ? []
      : [
          cluster('ban', {
            tier: 'Admin',
            priority: 1,
            subject: { ports: ban },
            rules: [{ action: 'Deny', from: [{ cidr: '10.0.9.0/24' }, { cidr: '2001:db8:a:9::/64' }] }],
          }),
        ]),
    ...(often('sometimes')
      ? [cluster('sometimes', { tier: 'Baseline', subject: { ports: ['30200'] }, rules: letsIn('sometimes') })]
      : []),
    ...(useGroup
      ? [
          {
            apiVersion: API,
            kind: 'AddressGroup',
            metadata: { name: 'office' },
            spec: {
              cidrs: ['10.0.4.77/32', '2001:db8:a:4::77/128', ...IN_GROUP.filter((cidr) => seldom(`member ${cidr}`))],
            },
          },
        ]
      : []),
  ];
};
