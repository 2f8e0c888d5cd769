import type { Access, ExposureAccess } from '../access/model.ts';
import { formatAddress } from '../net/address.ts';
import { everyone, ofFamily } from '../net/address-set.ts';
import type { Family } from '../net/family.ts';
import { formatPrefix } from '../net/prefix.ts';
import { complement, isEmpty, prefixes } from '../net/prefix-set.ts';

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

const condition = ({ protocol, ports, address }: ExposureAccess): string => {
  const to = address === null ? '-m addrtype --dst-type LOCAL' : `-d ${formatAddress(address)}`;
  return `${to} -p ${protocol} -m ${protocol} --dport ${ports.first === ports.last ? ports.first : `${ports.first}:${ports.last}`}`;
};

/** Exact ports before ranges, addresses before ports alone: in this order each packet meets what decides about it. */
const byPrecedence = (a: ExposureAccess, b: ExposureAccess): number =>
  Number(a.address === null) - Number(b.address === null) ||
  a.ports.last - a.ports.first - (b.ports.last - b.ports.first);

/**
 * The classic nat/PREROUTING REDIRECT rules that come nearest to an access, as input for `iptables-restore --noflush` (family 4) or
 * `ip6tables-restore --noflush` (family 6), with a comment that says where they fail.
 */
export const renderRedirect = (access: Access, family: Family): string => {
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
  const lines = [
    ...`${family === 4 ? 'iptables-restore' : 'ip6tables-restore'} --noflush\n${NOTES}`
      .split('\n')
      .map((line) => `# ${line}`.trimEnd()),
    '*nat',
    ...judging.map(({ chain }) => `:${chain} - [0:0]`),
    ':PORTCULLIS - [0:0]',
    ...named.map(
      ({ exposure, chain }) => `-A PORTCULLIS ${condition(exposure)} ${isOpen(exposure) ? '-j RETURN' : `-g ${chain}`}`,
    ),
    ...judging.flatMap(({ exposure, chain }) => [
      ...[...prefixes(allowedAt(exposure))].map((prefix) => `-A ${chain} -s ${formatPrefix(prefix)} -j RETURN`),
      // A port to redirect to needs the protocol in the same rule (iptables-extensions(8), REDIRECT).
      `-A ${chain} -p ${exposure.protocol} -j REDIRECT --to-ports 65535`,
    ]),
    '-I PREROUTING 1 ! -i lo -j PORTCULLIS',
    'COMMIT',
  ];
  return `${lines.join('\n')}\n`;
};
