import type { Place } from '../../src/lab/place.ts';
import { labExec } from '../../src/lab/lab.ts';

// Notes on node-1 of a lab, right behind the guard, every packet that comes in there on its way to a node's port.

const WATCH = `table inet pass-watch {
  set passed4 { type inet_proto . ipv4_addr . inet_service . inet_service; flags dynamic; size 65535; }
  set passed6 { type inet_proto . ipv6_addr . inet_service . inet_service; flags dynamic; size 65535; }
  chain behind-the-guard {
    type filter hook prerouting priority -139;
    meta l4proto { tcp, udp } update @passed4 { meta l4proto . ip saddr . th sport . th dport counter }
    meta l4proto { tcp, udp } update @passed6 { meta l4proto . ip6 saddr . th sport . th dport counter }
  }
}
`;

export interface PassWatch {
  /** Packets that came past since the last look, by `PROTOCOL SOURCE SOURCE-PORT PORT`. */
  readonly passed: () => Promise<ReadonlyMap<string, number>>;
}

const onNode = async (lab: string, argv: readonly [string, ...string[]], stdin = ''): Promise<string> => {
  const place: Place = 'node-1';
  const { status, stdout, stderr } = await labExec(lab, place, argv, stdin);
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
  return stdout;
};

/** Begins to watch. */
export const watchPasses = async (lab: string): Promise<PassWatch> => {
  await onNode(lab, ['nft', '-f', '-'], WATCH);
  return {
    passed: async () => {
      const { nftables } = JSON.parse(
        await onNode(lab, ['nft', '-j', 'list', 'table', 'inet', 'pass-watch']),
      ) as Listed;
      await onNode(lab, ['nft', '-f', '-'], 'flush set inet pass-watch passed4\nflush set inet pass-watch passed6\n');
      return new Map(
        nftables
          .flatMap(({ set }) => set?.elem ?? [])
          .map(({ elem: { val, counter } }) => [val.concat.join(' '), counter.packets]),
      );
    },
  };
};

interface Listed {
  readonly nftables: readonly {
    readonly set?: {
      readonly elem?: readonly {
        readonly elem: {
          readonly val: { readonly concat: readonly (string | number)[] };
          readonly counter: { readonly packets: number };
        };
      }[];
    };
  }[];
}
