import { inPlace } from '../../src/lab/lab.ts';
import type { Place } from '../../src/lab/place.ts';
import { mustRun } from './namespace.ts';

/**
 * Where packets are counted: right behind the guard, whatever becomes of them, or when they are about to be received.
 */
const POINTS = {
  'behind the guard': 'type filter hook prerouting priority -139;',
  received: 'type filter hook input priority -300;',
} as const;

const tableOf = (point: keyof typeof POINTS): string => `table inet flow-watch {
  set flows4 { type ipv4_addr . inet_proto . inet_service . inet_service; flags dynamic; size 65535; }
  set flows6 { type ipv6_addr . inet_proto . inet_service . inet_service; flags dynamic; size 65535; }
  chain count {
    ${POINTS[point]}
    meta l4proto { tcp, udp, sctp } update @flows4 { ip saddr . meta l4proto . th sport . th dport counter }
    meta l4proto { tcp, udp, sctp } update @flows6 { ip6 saddr . meta l4proto . th sport . th dport counter }
  }
}
`;

/** Counts the packets of a place by flow. */
export interface FlowWatch {
  /** Packets so far by `SOURCE PROTOCOL SOURCE-PORT DESTINATION-PORT`. */
  readonly seen: () => Promise<ReadonlyMap<string, number>>;
  /** Begins anew. */
  readonly forget: () => Promise<void>;
}

/** Begins to watch a place of a lab on this kernel. */
export const watchFlows = async (lab: string, place: Place, point: keyof typeof POINTS): Promise<FlowWatch> => {
  const nft = (argv: readonly string[], stdin?: string): Promise<string> =>
    mustRun(inPlace(lab, place, { argv: ['nft', ...argv] }).argv, stdin);
  await nft(['-f', '-'], tableOf(point));
  return {
    seen: async () => {
      const { nftables } = JSON.parse(await nft(['--json', 'list', 'table', 'inet', 'flow-watch'])) as Listed;
      return new Map(
        nftables
          .flatMap(({ set }) => set?.elem ?? [])
          .map(({ elem: { val, counter } }) => [val.concat.join(' '), counter.packets]),
      );
    },
    forget: async () => {
      await nft(['-f', '-'], 'flush set inet flow-watch flows4\nflush set inet flow-watch flows6\n');
    },
  };
};

/** What nft lists, as far as it is read here. */
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
