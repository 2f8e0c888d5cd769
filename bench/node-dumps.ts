import type { Source } from '../src/diagnostic/diagnostic.ts';
import { readDumpFiles } from '../src/cli/input/read-dump-files.ts';
import { readDumps } from '../src/parse/read-dumps.ts';
import type { Ruleset } from '../src/ruleset/ruleset.ts';
import { kubeProxyNft } from './kube-proxy-nft.ts';

/** A folder with the dumps of a large node, instead of the made one. */
export const GIVEN_NODE = process.env['PORTCULLIS_BENCH_NODE'];

/** Services with IPv4, of which a quarter has a node port: 2,690. */
export const LARGE = 10_760;

const address = (family: string, local: string, prefixlen: number, scope = 'global') => ({
  family,
  local,
  prefixlen,
  scope,
});

const LINKS = [
  { ifindex: 1, ifname: 'lo', flags: ['LOOPBACK', 'UP'], addr_info: [address('inet', '127.0.0.1', 8, 'host')] },
  {
    ifindex: 2,
    ifname: 'eth0',
    flags: ['BROADCAST', 'UP', 'LOWER_UP'],
    addr_info: [address('inet', '192.0.2.10', 24), address('inet6', '2001:db8::10', 64)],
  },
  {
    ifindex: 3,
    ifname: 'cni0',
    flags: ['BROADCAST', 'UP', 'LOWER_UP'],
    addr_info: [address('inet', '10.244.1.1', 24), address('inet6', 'fd00:10:244:1::1', 64)],
  },
];

const ROUTES = [
  { dst: 'default', gateway: '192.0.2.1', dev: 'eth0' },
  { dst: '192.0.2.0/24', dev: 'eth0', scope: 'link', prefsrc: '192.0.2.10' },
  { dst: '10.244.1.0/24', dev: 'cni0', scope: 'link', prefsrc: '10.244.1.1' },
  { dst: '10.244.0.0/16', gateway: '192.0.2.11', dev: 'eth0' },
  { type: 'local', dst: '192.0.2.10', dev: 'eth0', table: 'local', scope: 'host' },
  { type: 'local', dst: '10.244.1.1', dev: 'cni0', table: 'local', scope: 'host' },
];

const ROUTES_6 = [
  { dst: 'default', gateway: '2001:db8::1', dev: 'eth0' },
  { dst: '2001:db8::/64', dev: 'eth0' },
  { dst: 'fd00:10:244:1::/64', dev: 'cni0' },
  { dst: 'fd00:10:244::/56', gateway: '2001:db8::11', dev: 'eth0' },
  { type: 'local', dst: '2001:db8::10', dev: 'eth0', table: 'local' },
];

const json = (name: string, value: unknown): Source => ({ name, text: JSON.stringify(value) });

/** All dumps of a node with so many Services, kube-proxy in nftables mode. */
export const madeDumps = (services: number): readonly Source[] => [
  { name: 'nft-list-ruleset.json', text: kubeProxyNft(services).json },
  json('ip-addr.json', LINKS),
  json('ip-route.json', ROUTES),
  json('ip-6-route.json', ROUTES_6),
];

/** The dumps of the large node: those given, or made ones. */
export const largeDumps = (): readonly Source[] => {
  if (GIVEN_NODE === undefined) return madeDumps(LARGE);
  const given = readDumpFiles(process.cwd(), [GIVEN_NODE]);
  if (!given.ok) throw new Error(given.problems.map(({ message }) => message).join('\n'));
  return given.value;
};

/** Puts dumps together; what cannot be read ends the bench. */
export const rulesetOf = (sources: readonly Source[]): Ruleset => {
  const read = readDumps(sources);
  if (!read.ok) throw new Error(read.problems.map(({ message }) => message).join('\n'));
  return read.value.ruleset;
};
