import type { Access, ExposureAccess } from '../access/model.ts';
import type { IptablesChange } from '../change-ruleset/iptables-change.ts';
import { printIptablesChanges } from '../change-ruleset/print-iptables-changes.ts';
import { everyone, ofFamily } from '../net/address-set.ts';
import { WIDTH, type Family } from '../net/family.ts';
import { complement, isEmpty, prefixes } from '../net/prefix-set.ts';
import type { Prefix } from '../net/prefix.ts';
import { PROTOCOL_NUMBER, type Protocol } from '../net/protocol.ts';
import type { IptablesMatch } from '../ruleset/iptables/match.ts';
import type { IptablesRule } from '../ruleset/iptables/rule.ts';
import type { IptablesTarget } from '../ruleset/iptables/target.ts';

const NOTES = `These are the classic rules: refused clients are redirected to a port on which nothing listens.
Where they hold, and where not (measured with kube-proxy v1.36):
  iptables mode, both flavours    hold, while they stand before the jump to KUBE-SERVICES
  ipvs mode                       hold
  nftables mode                   hold only until kube-proxy re-creates its table: its chain has the same hook and
                                  priority, the last one registered runs first, and then the ports stand open again
They judge new connections only: one that is established goes on after a revoke. They are gone after a reboot.
Nothing may listen on port 65535. portcullis apply has none of these limits.`;

/** iptables allows 28 characters (XT_EXTENSION_MAXNAMELEN - 1, include/uapi/linux/netfilter/x_tables.h). */
const chainName = (index: number, { ports, protocol }: ExposureAccess): string =>
  `PORTCULLIS-${index}-${ports.first}-${protocol}`.slice(0, 28);

const TABLE = 'nat';
const JUDGE = 'PORTCULLIS';

/** Nothing listens there, or refused clients would reach it. */
const NOWHERE = 65_535;

const ruleOf = (target: IptablesTarget, ...matches: readonly IptablesMatch[]): IptablesRule => ({
  kind: 'iptables',
  matches,
  target,
  counter: null,
  line: 0,
});

const protocolMatch = (protocol: Protocol): IptablesMatch => ({
  kind: 'protocol',
  negate: false,
  protocol: PROTOCOL_NUMBER[protocol],
});

const prefixMatch = (side: 'source' | 'destination', { family, address, length }: Prefix): IptablesMatch => ({
  kind: 'address',
  side,
  negate: false,
  address: { family, address, mask: ((1n << BigInt(length)) - 1n) << BigInt(WIDTH[family] - length) },
});

const matchesOf = ({ protocol, ports, address }: ExposureAccess): readonly IptablesMatch[] => [
  address === null
    ? { kind: 'addrtype', source: null, destination: { negate: false, value: ['LOCAL'] }, limit: null }
    : prefixMatch('destination', { family: address.family, address: address.value, length: WIDTH[address.family] }),
  protocolMatch(protocol),
  {
    kind: 'ports',
    module: protocol,
    source: null,
    destination: { negate: false, value: ports },
    flags: null,
    option: null,
  },
];

const RETURN: IptablesTarget = { kind: 'return' };
const REDIRECT: IptablesTarget = {
  kind: 'nat',
  how: 'redirect',
  to: { addresses: null, ports: { first: NOWHERE, last: NOWHERE }, basePort: null },
  random: false,
  fullyRandom: false,
  persistent: false,
};

/** Exact ports before ranges, addresses before ports alone: in this order each packet meets what decides about it. */
const byPrecedence = (a: ExposureAccess, b: ExposureAccess): number =>
  Number(a.address === null) - Number(b.address === null) ||
  a.ports.last - a.ports.first - (b.ports.last - b.ports.first);

/**
 * The changes of a family's nat table that make the classic PREROUTING REDIRECT rules which come nearest to an access.
 */
export const redirectChanges = (access: Access, family: Family): readonly IptablesChange[] => {
  const change = (chain: string, what: IptablesChange['what']): IptablesChange => ({
    family,
    engine: null,
    table: TABLE,
    chain,
    what,
  });
  const exposures = access.exposures
    .filter(({ address }) => address === null || address.family === family)
    .toSorted(byPrecedence);
  const guarded = exposures.filter(({ selection }) => selection !== null);
  const hasRange = guarded.some(({ ports }) => ports.first !== ports.last);
  const shown = exposures.filter(({ selection }) => selection !== null || hasRange);
  const named = shown.map((exposure, index) => ({ exposure, chain: chainName(index + 1, exposure) }));
  const allowedAt = ({ selection }: ExposureAccess) =>
    ofFamily(access.selections.get(selection ?? '')?.allowed ?? everyone, family);
  const isOpen = (exposure: ExposureAccess): boolean => isEmpty(complement(allowedAt(exposure)));
  const judging = named.filter(({ exposure }) => !isOpen(exposure));
  const judgedFirst: readonly IptablesMatch[] = [{ kind: 'interface', side: 'in', negate: true, name: 'lo' }];
  return [
    ...judging.map(({ chain }) => change(chain, { kind: 'new-chain' })),
    change(JUDGE, { kind: 'new-chain' }),
    change(JUDGE, {
      kind: 'append',
      rules: named.map(({ exposure, chain }) =>
        ruleOf(isOpen(exposure) ? RETURN : { kind: 'goto', chain }, ...matchesOf(exposure)),
      ),
    }),
    ...judging.map(({ exposure, chain }) =>
      change(chain, {
        kind: 'append',
        rules: [
          ...[...prefixes(allowedAt(exposure))].map((prefix) => ruleOf(RETURN, prefixMatch('source', prefix))),
          // A port to redirect to needs the protocol in the same rule (iptables-extensions(8), REDIRECT).
          ruleOf(REDIRECT, protocolMatch(exposure.protocol)),
        ],
      }),
    ),
    change('PREROUTING', {
      kind: 'insert',
      position: 1,
      rules: [ruleOf({ kind: 'jump', chain: JUDGE }, ...judgedFirst)],
    }),
  ];
};

/**
 * {@link redirectChanges} as input for `iptables-restore --noflush` (family 4) or `ip6tables-restore --noflush` (family
 * 6), with a comment that says where they fail.
 */
export const renderRedirect = (access: Access, family: Family): string => {
  const comment = `${family === 4 ? 'iptables-restore' : 'ip6tables-restore'} --noflush\n${NOTES}`
    .split('\n')
    .map((line) => `# ${line}`.trimEnd())
    .join('\n');
  return `${comment}\n${printIptablesChanges(TABLE, redirectChanges(access, family))}`;
};
