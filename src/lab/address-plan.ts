import type { Place } from './place.ts';

/** A network segment: a bridge in one place, with the addresses of that place on it. */
export interface Segment {
  readonly bridge: string;
  readonly at: Place;
  readonly addresses: readonly string[];
  /** Lets packets leave by the port that they came in by. A pod that reaches itself through a Service needs it. */
  readonly hairpin: boolean;
}

/** A place that is attached to a segment by its `eth0`. */
export interface Station {
  readonly place: Place;
  readonly on: SegmentName;
  /** The name of the cable's end on the segment. */
  readonly port: string;
  readonly addresses: readonly string[];
  /** As `ip route` writes them. */
  readonly routes: readonly string[];
}

export type SegmentName = 'lan' | 'outside' | 'far' | 'pods-1' | 'pods-2';

export const SEGMENTS: Readonly<Record<SegmentName, Segment>> = {
  lan: { bridge: 'lan0', at: 'router', addresses: ['192.0.2.1/24', '2001:db8:0:2::1/64'], hairpin: false },
  outside: { bridge: 'out0', at: 'router', addresses: ['198.51.100.1/24', '2001:db8:0:198::1/64'], hairpin: false },
  far: { bridge: 'far0', at: 'router', addresses: ['203.0.113.1/24', '2001:db8:0:203::1/64'], hairpin: false },
  'pods-1': { bridge: 'cni0', at: 'node-1', addresses: ['10.244.1.1/24', 'fd00:10:244:1::1/64'], hairpin: true },
  'pods-2': { bridge: 'cni0', at: 'node-2', addresses: ['10.244.2.1/24', 'fd00:10:244:2::1/64'], hairpin: true },
};

/** Routes of a segment's own place, besides those of its stations: the way to the load balancer's addresses. */
export const ROUTER_ROUTES: readonly string[] = ['192.0.2.200/29 via 192.0.2.10'];

const towards = (v4: string, v6: string): string[] => [`default via ${v4}`, `default via ${v6}`];

const pod = (number: number): Station => ({
  place: `pod-${number}` as Place,
  on: 'pods-1',
  port: `v-p${number}`,
  addresses: [`10.244.1.${number}/24`, `fd00:10:244:1::${number}/64`],
  routes: towards('10.244.1.1', 'fd00:10:244:1::1'),
});

const outside = (place: Place, v4: string, v6: string): Station => ({
  place,
  on: 'outside',
  port: place,
  addresses: [`${v4}/24`, `${v6}/64`],
  routes: towards('198.51.100.1', '2001:db8:0:198::1'),
});

/** Documentation addresses (RFC 5737, RFC 3849) outside; inside, the ranges that kubeadm's manual uses. */
export const STATIONS: readonly Station[] = [
  {
    place: 'node-1',
    on: 'lan',
    port: 'node-1',
    addresses: ['192.0.2.10/24', '2001:db8:0:2::10/64'],
    routes: [
      ...towards('192.0.2.1', '2001:db8:0:2::1'),
      '10.244.2.0/24 via 192.0.2.11',
      'fd00:10:244:2::/64 via 2001:db8:0:2::11',
    ],
  },
  {
    place: 'node-2',
    on: 'lan',
    port: 'node-2',
    addresses: ['192.0.2.11/24', '2001:db8:0:2::11/64'],
    routes: [
      ...towards('192.0.2.1', '2001:db8:0:2::1'),
      '10.244.1.0/24 via 192.0.2.10',
      'fd00:10:244:1::/64 via 2001:db8:0:2::10',
    ],
  },
  // A neighbour that sends everything for the Services to node-1.
  {
    place: 'same-lan',
    on: 'lan',
    port: 'same-lan',
    addresses: ['192.0.2.50/24', '2001:db8:0:2::50/64'],
    routes: [
      ...towards('192.0.2.1', '2001:db8:0:2::1'),
      '192.0.2.200/29 via 192.0.2.10',
      '10.96.0.0/12 via 192.0.2.10',
      'fd00:10:96::/112 via 2001:db8:0:2::10',
    ],
  },
  {
    place: 'api-server',
    on: 'lan',
    port: 'api-server',
    addresses: ['192.0.2.5/24', '2001:db8:0:2::5/64'],
    routes: towards('192.0.2.1', '2001:db8:0:2::1'),
  },
  outside('outside-a', '198.51.100.2', '2001:db8:0:198::2'),
  outside('outside-b', '198.51.100.9', '2001:db8:0:198::9'),
  outside('outside-c', '198.51.100.77', '2001:db8:0:198::77'),
  {
    place: 'outside-d',
    on: 'far',
    port: 'outside-d',
    addresses: ['203.0.113.7/24', '2001:db8:0:203::7/64'],
    routes: towards('203.0.113.1', '2001:db8:0:203::1'),
  },
  pod(64),
  pod(66),
  pod(67),
  pod(68),
  pod(99),
  // node-2's three pods share one namespace. Nothing that node-1 does can tell them from three.
  {
    place: 'pods-2',
    on: 'pods-2',
    port: 'v-pods',
    addresses: [21, 22, 23].flatMap((pod) => [`10.244.2.${pod}/24`, `fd00:10:244:2::${pod}/64`]),
    routes: towards('10.244.2.1', 'fd00:10:244:2::1'),
  },
];
