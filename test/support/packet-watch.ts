import { runCommand } from '../../src/lab/command.ts';
import { namespaceOf, type Place } from '../../src/lab/place.ts';

// Counts what a place of a lab gets, one flow at a time, before anything of it is read.

const WATCH = `table inet watch {
  set got4 { type ipv4_addr . inet_proto . inet_service . inet_service; flags dynamic; size 4096; }
  set got6 { type ipv6_addr . inet_proto . inet_service . inet_service; flags dynamic; size 4096; }
  chain in {
    type filter hook input priority -300;
    meta l4proto { tcp, udp, sctp } update @got4 { ip saddr . meta l4proto . th sport . th dport counter }
    meta l4proto { tcp, udp, sctp } update @got6 { ip6 saddr . meta l4proto . th sport . th dport counter }
  }
}
`;

const mustRun = async (argv: readonly [string, ...string[]], stdin = ''): Promise<string> => {
  const { status, stdout, stderr } = await runCommand({ argv, stdin });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
  return stdout;
};

/** Begins to count what a place gets. */
export const watchPackets = async (lab: string, place: Place): Promise<void> => {
  await mustRun(['ip', 'netns', 'exec', namespaceOf(lab, place), 'nft', '-f', '-'], WATCH);
};

interface Counted {
  readonly elem: {
    readonly val: { readonly concat: readonly (string | number)[] };
    readonly counter: { readonly packets: number };
  };
}

/** How many packets a place has got, by `SOURCE PROTOCOL SOURCE-PORT DESTINATION-PORT`. */
export const packetsGot = async (lab: string, place: Place): Promise<ReadonlyMap<string, number>> => {
  const list = [
    'ip',
    'netns',
    'exec',
    namespaceOf(lab, place),
    'nft',
    '--json',
    'list',
    'table',
    'inet',
    'watch',
  ] as const;
  const { nftables } = JSON.parse(await mustRun([...list])) as {
    readonly nftables: readonly { readonly set?: { readonly elem?: readonly Counted[] } }[];
  };
  return new Map(
    nftables
      .flatMap(({ set }) => set?.elem ?? [])
      .map(({ elem: { val, counter } }) => [val.concat.join(' '), counter.packets]),
  );
};
