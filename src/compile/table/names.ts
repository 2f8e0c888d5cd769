import type { Address } from '../../net/address.ts';
import { formatAddress } from '../../net/address.ts';
import { formatPorts, type PortRange } from '../../net/port.ts';
import type { Protocol } from '../../net/protocol.ts';

/** The only table that is ever written. */
export const TABLE = { family: 'inet', name: 'portcullis' } as const;

export const PREROUTING = 'prerouting';
export const POSTROUTING = 'postrouting';
export const REFUSE_DROP = 'refuse-drop';
export const REFUSE_REJECT = 'refuse-reject';
export const NOTE = 'note';
export const NOTE_AUDIT = 'note-audit';
export const EXPOSURES = 'exposures';
/**
 * The interval map of the port ranges of a protocol; `ranges-tcp.2` and so on where another is still in the kernel. It cannot have the
 * protocol in its key: nft before 1.0.8 turns it into network order there, though it is one byte, and kernels since 6.12.y
 * (net/netfilter/nft_byteorder.c) refuse that rule.
 */
export const rangesMap = (protocol: Protocol): string => `ranges-${protocol}`;
export const VIPS = { 4: 'vips4', 6: 'vips6' } as const;
export const REPLIES = 'replies';
export const LEDGER = { 4: 'ledger4', 6: 'ledger6' } as const;
export const AUDIT_LEDGER = { 4: 'audit4', 6: 'audit6' } as const;
/** Named counters: packets refused, refused and noted in the ledger, replies cut, packets that Audit policies would refuse, and those of them noted. */
export const COUNTERS = {
  refused: 'refused',
  noted: 'noted',
  cut: 'cut',
  wouldRefuse: 'would-refuse',
  wouldNoted: 'would-noted',
} as const;

/** Names in nftables go up to 255 characters (NFT_NAME_MAXLEN, include/uapi/linux/netfilter/nf_tables.h); ours add prefixes and suffixes. */
const LONGEST_INSTANCE = 200;

const place = (address: Address | null, ports: PortRange): string =>
  address === null ? formatPorts(ports) : `${formatAddress(address).replaceAll(':', '_')}-${formatPorts(ports)}`;

/** The stable chain of everything that is exposed on these ports: `x-30001`, `x-30000-32767`, `v-192.0.2.200-80`. */
export const exposureChain = (address: Address | null, ports: PortRange): string =>
  `${address === null ? 'x' : 'v'}-${place(address, ports)}`;

/** Whether the exposure chain of this name is for any local address, not for one VIP. */
export const isLocal = (chain: string): boolean => chain.startsWith('x-');

/** Whether the chain of this name is the exposure chain of a VIP. */
export const isVip = (chain: string): boolean => chain.startsWith('v-');

/** The one local port that an exposure chain is for, or null. */
export const exactPortOfChain = (chain: string): number | null => {
  const found = /^x-(\d+)$/.exec(chain);
  return found === null ? null : Number(found[1]);
};

/** The range of local ports that an exposure chain is for, or null. */
export const rangeOfChain = (chain: string): PortRange | null => {
  const found = /^x-(\d+)-(\d+)$/.exec(chain);
  return found === null ? null : { first: Number(found[1]), last: Number(found[2]) };
};

/** The chain that judges replies from a port, of every protocol and address: `r-30001`. */
export const replyChain = (port: number): string => `r-${port}`;

/** A name for the first, second, … object of its kind: `web`, `web.2`. */
export const numbered = (base: string, number: number): string => (number === 1 ? base : `${base}.${number}`);

/** Whether a name is one of those that {@link numbered} gives. */
export const isNumbered = (name: string, base: string): boolean =>
  name === base || (name.startsWith(`${base}.`) && /^\d+$/.test(name.slice(base.length + 1)));

/** The objects of one selection instance; `instance` is the selection's id, with `.2`, `.3`, … when another instance is still in the kernel. */
export const selectionNames = (instance: string) => ({
  /** Accepts the sources that may come in, returns for the others. */
  allow: `s-${instance}`,
  /** The same for the destinations of replies. */
  allowReplies: `d-${instance}`,
  /** Refuses: some sources with a reject, the others by a drop. */
  refuse: `t-${instance}`,
  /** Notes the sources that Audit policies would refuse. */
  audit: `a-${instance}`,
});

/** The objects of one AddressGroup instance. */
export const groupNames = (instance: string) => ({
  /** Accepts the addresses of the group, returns for the others. */
  allow: `g-${instance}`,
  /** The same for the destinations of replies. */
  allowReplies: `dg-${instance}`,
});

/** The instance of a selection or group instance: its id, and from the second instance on a number. */
export const instanceName = (id: string, number: number): string =>
  numbered(id.length <= LONGEST_INSTANCE ? id : `${id.slice(0, LONGEST_INSTANCE - 9)}-${shortHash(id)}`, number);

/** FNV-1a, 32 bits, as hex: only to keep long names apart. */
const shortHash = (text: string): string => {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, '0');
};
