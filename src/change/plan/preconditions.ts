import type { Access } from '../../access/model.ts';
import { error, warning, type Diagnostic } from '../../diagnostic/diagnostic.ts';
import type { Facts } from './facts.ts';

/** kube-proxy's own floor as well (sigs.k8s.io/knftables README): older versions cannot read what newer ones wrote. */
const OLDEST_NFT = [1, 0, 1];
/** `reject` in prerouting came with 5.9 (net/netfilter/nft_reject_inet.c), counters of set elements with 5.7. */
const OLDEST_KERNEL = [5, 10];

const isOlder = (have: readonly number[], need: readonly number[]): boolean => {
  for (const [index, wanted] of need.entries()) {
    const own = have[index] ?? 0;
    if (own !== wanted) return own < wanted;
  }
  return false;
};

/** Reasons why this machine cannot be guarded at all, or not to be relied upon. */
export const obstacles = (facts: Facts, ignoreDataplane: boolean): readonly Diagnostic[] => {
  if (!facts.mayAdministrate)
    return [
      error(
        'not-root',
        'the rules of the kernel may be changed by root alone',
        undefined,
        'Run it with sudo (it needs CAP_NET_ADMIN)',
      ),
    ];
  if (facts.nftVersion === null)
    return [
      error(
        'nft-missing',
        'the program nft is not installed',
        undefined,
        'apt-get install nftables, or dnf install nftables',
      ),
    ];
  if (isOlder(facts.nftVersion, OLDEST_NFT))
    return [
      error(
        'nft-old',
        `nft ${facts.nftVersion.join('.')} is too old`,
        undefined,
        `It must be ${OLDEST_NFT.join('.')} or newer`,
      ),
    ];
  if (facts.nfTablesProblem !== null)
    return [
      error(
        'no-nf-tables',
        `the kernel does not answer nft: ${facts.nfTablesProblem}`,
        undefined,
        'The kernel needs nf_tables (CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET)',
      ),
    ];
  if (isOlder(facts.kernel, OLDEST_KERNEL))
    return [
      error(
        'kernel-old',
        `Linux ${facts.kernel.join('.')} is too old`,
        undefined,
        `It must be ${OLDEST_KERNEL.join('.')} or newer`,
      ),
    ];
  if (ignoreDataplane) return [];
  return [
    ...facts.bypasses.map((what) =>
      error(
        'dataplane-bypass',
        `not enforceable here: ${what} takes packets before netfilter sees them`,
        undefined,
        'If it lets node port traffic through to netfilter, say so with --ignore-dataplane',
      ),
    ),
    ...facts.flowtables.map((what) =>
      error(
        'flowtable-bypass',
        `not enforceable here: packets of established connections go past the rules by the flowtable ${what}`,
        undefined,
        'Take it away, or accept with --ignore-dataplane that established connections are not cut',
      ),
    ),
  ];
};

/** What an administrator should know about this machine and this access; errors among them stop the change. */
export const cautions = (facts: Facts, access: Access): readonly Diagnostic[] => {
  const { localPorts: range } = facts;
  const overlapping =
    range === null
      ? []
      : access.exposures.filter(
          ({ selection, address, ports }) =>
            selection !== null && address === null && ports.first <= range.last && ports.last >= range.first,
        );
  const where =
    overlapping
      .slice(0, 3)
      .map(({ id }) => id)
      .join(', ') + (overlapping.length > 3 ? ` and ${overlapping.length - 3} more` : '');
  const text = `${where} overlap${overlapping.length === 1 ? 's' : ''} the ports that this node uses itself (net.ipv4.ip_local_port_range ${range?.first}-${range?.last})`;
  return [
    ...(overlapping.length === 0
      ? []
      : facts.notrack.length > 0
        ? [
            error(
              'local-ports-untracked',
              `${text}, and ${facts.notrack.join(', ')} takes packets from connection tracking`,
              undefined,
              'Replies to this node would be refused: narrow the policy or the range',
            ),
          ]
        : [
            warning(
              'local-ports',
              text,
              undefined,
              'Replies are told apart by connection tracking; never take these from it',
            ),
          ]),
    ...(facts.conntrackTool
      ? []
      : [
          warning(
            'conntrack-missing',
            'the program conntrack is not installed: connections that a change cuts cannot be listed',
            undefined,
            'apt-get install conntrack',
          ),
        ]),
    ...(facts.bothIptables
      ? [
          warning(
            'both-iptables',
            'rules of both iptables flavours (legacy and nft) are in force on this node',
            undefined,
            'Each tool shows its own alone; Portcullis judges before both',
          ),
        ]
      : []),
  ];
};
