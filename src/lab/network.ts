import { ROUTER_ROUTES, SEGMENTS, STATIONS, type SegmentName, type Station } from './address-plan.ts';
import type { Command } from './command.ts';
import { namespaceOf, PLACES, type Place } from './place.ts';
import { settingsCommand } from './settings-command.ts';
import { sysctlsOf } from './sysctls.ts';

/**
 * The commands that build a lab's network, in phases: namespaces; their kernel settings, which the interfaces made
 * later inherit; cables and bridges; addresses and routes. There are few processes, each with a batch on standard
 * input, so that all of it takes a fraction of a second.
 */
export const networkCommands = (lab: string): readonly (readonly Command[])[] => [
  [ipBatch(PLACES.map((place) => `netns add ${namespaceOf(lab, place)}`))],
  [settingsCommand(PLACES.map((place) => [namespaceOf(lab, place), sysctlsOf(place)]))],
  [ipBatch([...names(SEGMENTS).map((name) => bridgeLine(lab, name)), ...STATIONS.map((it) => cableLine(lab, it))])],
  PLACES.map((place) => ipBatch(insideLines(place), namespaceOf(lab, place))),
];

const names = <K extends string>(record: Readonly<Record<K, unknown>>): K[] => Object.keys(record) as K[];

const ipBatch = (lines: readonly string[], namespace?: string): Command => ({
  argv: ['ip', ...(namespace === undefined ? [] : ['-n', namespace]), '-batch', '-'],
  stdin: lines.map((line) => `${line}\n`).join(''),
});

// Without snooping a bridge floods neighbour discovery at once. With it, the packets wait until somebody has asked for
// them.
const bridgeLine = (lab: string, name: SegmentName): string =>
  `link add name ${SEGMENTS[name].bridge} netns ${namespaceOf(lab, SEGMENTS[name].at)} type bridge mcast_snooping 0`;

const cableLine = (lab: string, { place, on, port }: Station): string =>
  `link add name eth0 netns ${namespaceOf(lab, place)} type veth peer name ${port} netns ${namespaceOf(lab, SEGMENTS[on].at)}`;

/** The commands within one place: its bridges with their ports, its own `eth0`, then the routes that need both. */
const insideLines = (place: Place): string[] => {
  const segments = names(SEGMENTS).filter((name) => SEGMENTS[name].at === place);
  const station = STATIONS.find((it) => it.place === place);
  return [
    'link set lo up',
    ...segments.flatMap((name) => segmentLines(name)),
    ...(station === undefined ? [] : ['link set eth0 up', ...addressLines(station.addresses, 'eth0')]),
    ...[...(station?.routes ?? []), ...(place === 'router' ? ROUTER_ROUTES : [])].map((route) => `route add ${route}`),
  ];
};

const segmentLines = (name: SegmentName): string[] => {
  const { bridge, addresses, hairpin } = SEGMENTS[name];
  const ports = STATIONS.filter(({ on }) => on === name).flatMap(({ port }) => [
    `link set ${port} master ${bridge} up`,
    ...(hairpin ? [`link set ${port} type bridge_slave hairpin on`] : []),
  ]);
  return [...ports, `link set ${bridge} up`, ...addressLines(addresses, bridge)];
};

const addressLines = (addresses: readonly string[], link: string): string[] =>
  addresses.map((address) => `address add ${address} dev ${link}${address.includes(':') ? ' nodad' : ''}`);
