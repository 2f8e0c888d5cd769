import { formatAddress, parseAddress, type Address } from '../../net/address.ts';
import { formatPorts, parsePorts, type PortRange } from '../../net/port.ts';
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
 * The map of the port ranges of a protocol, by the port twice: a map of intervals with one field alone would be fetched
 * by every nft on the node (see docs/decisions/0013); `ranges-tcp.2` and so on where another is still in the kernel. It
 * cannot have the protocol in its key: nft before 1.0.8 turns it into network order there, though it is one byte, and
 * kernels since 6.12.y (net/netfilter/nft_byteorder.c) refuse that rule.
 */
export const rangesMap = (protocol: Protocol): string => `ranges-${protocol}`;
export const VIPS = { 4: 'vips4', 6: 'vips6' } as const;
export const REPLIES = 'replies';
export const LEDGER = { 4: 'ledger4', 6: 'ledger6' } as const;
export const AUDIT_LEDGER = { 4: 'audit4', 6: 'audit6' } as const;
/**
 * Named counters: packets refused, refused and noted in the ledger, replies cut, packets that Audit policies would
 * refuse, and those of them noted.
 */
export const COUNTERS = {
  refused: 'refused',
  noted: 'noted',
  cut: 'cut',
  wouldRefuse: 'would-refuse',
  wouldNoted: 'would-noted',
} as const;

/**
 * Names in nftables go up to 255 characters (NFT_NAME_MAXLEN, include/uapi/linux/netfilter/nf_tables.h); ours add
 * prefixes and suffixes.
 */
const LONGEST_INSTANCE = 200;

/** What stands in front of the names of chains that there are several of. */
const LETTERS = {
  local: 'x',
  vip: 'v',
  replies: 'r',
  allow: 's',
  'allow-replies': 'd',
  refuse: 't',
  audit: 'a',
  group: 'g',
  'group-replies': 'dg',
} as const;

type Lettered = keyof typeof LETTERS;

const KINDS: ReadonlyMap<string, Lettered> = new Map(
  (Object.keys(LETTERS) as Lettered[]).map((kind) => [LETTERS[kind], kind]),
);

/** What the name of a chain of the own table says about it. */
export type OwnName =
  /** One of a kind. */
  | { readonly kind: SingleChain }
  /** Everything that is exposed on these ports of any local address. */
  | { readonly kind: 'local'; readonly ports: PortRange }
  /** Everything that is exposed on these ports of one address. */
  | { readonly kind: 'vip'; readonly address: Address; readonly ports: PortRange }
  /** Judges replies from a port, of every protocol and address. */
  | { readonly kind: 'replies'; readonly port: number }
  /**
   * Of one selection's instance. allow: accepts the sources that may come in, returns for the others. allow-replies:
   * the same for the destinations of replies. refuse: some sources with a reject, the others by a drop. audit: notes
   * whom Audit policies would refuse.
   */
  | { readonly kind: SelectionChain; readonly instance: string }
  /**
   * Of one AddressGroup's instance: accepts its addresses, as sources or as destinations of replies, returns for the
   * others.
   */
  | { readonly kind: GroupChain; readonly instance: string };

const SINGLE = [PREROUTING, POSTROUTING, REFUSE_DROP, REFUSE_REJECT, NOTE, NOTE_AUDIT] as const;
type SingleChain = (typeof SINGLE)[number];
type SelectionChain = 'allow' | 'allow-replies' | 'refuse' | 'audit';
type GroupChain = 'group' | 'group-replies';

/**
 * The name of a chain: `x-30001`, `x-30000-32767`, `v-192.0.2.200-80`, `r-30001`, `s-web`; {@link readOwnName} reads it
 * back.
 */
export const ownName = (own: OwnName): string => {
  switch (own.kind) {
    case 'prerouting':
    case 'postrouting':
    case 'refuse-drop':
    case 'refuse-reject':
    case 'note':
    case 'note-audit':
      return own.kind;
    case 'local':
      return `${LETTERS[own.kind]}-${formatPorts(own.ports)}`;
    case 'vip':
      // nft takes no colon in a name.
      return `${LETTERS[own.kind]}-${formatAddress(own.address).replaceAll(':', '_')}-${formatPorts(own.ports)}`;
    case 'replies':
      return `${LETTERS[own.kind]}-${own.port}`;
    case 'allow':
    case 'allow-replies':
    case 'refuse':
    case 'audit':
    case 'group':
    case 'group-replies':
      return `${LETTERS[own.kind]}-${own.instance}`;
  }
};

const readPorts = (text: string): PortRange | null => {
  const read = /^\d+(?:-\d+)?$/.test(text) ? parsePorts(text) : null;
  return read?.ok === true ? read.value.ports : null;
};

const readVip = (text: string): OwnName | null => {
  const dash = text.indexOf('-');
  const address = dash === -1 ? null : parseAddress(text.slice(0, dash).replaceAll('_', ':'));
  const ports = readPorts(text.slice(dash + 1));
  return address?.ok === true && ports !== null ? { kind: 'vip', address: address.value, ports } : null;
};

/** What a chain of the own table is, by its name; null: the guard gives no such name. */
export const readOwnName = (name: string): OwnName | null => {
  const single = SINGLE.find((one) => one === name);
  if (single !== undefined) return { kind: single };
  const dash = name.indexOf('-');
  const kind = dash === -1 ? undefined : KINDS.get(name.slice(0, dash));
  const rest = name.slice(dash + 1);
  if (kind === undefined || rest === '') return null;
  switch (kind) {
    case 'local': {
      const ports = readPorts(rest);
      return ports === null ? null : { kind, ports };
    }
    case 'vip':
      return readVip(rest);
    case 'replies': {
      const ports = readPorts(rest);
      return ports === null || ports.first !== ports.last ? null : { kind, port: ports.first };
    }
    case 'allow':
    case 'allow-replies':
    case 'refuse':
    case 'audit':
    case 'group':
    case 'group-replies':
      return { kind, instance: rest };
  }
};

/** The stable chain of everything that is exposed on these ports: of one address, or of any local one (null). */
export const exposureChain = (address: Address | null, ports: PortRange): string =>
  ownName(address === null ? { kind: 'local', ports } : { kind: 'vip', address, ports });

/** The one local port that an exposure chain is for, or null. */
export const exactPortOfChain = (chain: string): number | null => {
  const own = readOwnName(chain);
  return own?.kind === 'local' && own.ports.first === own.ports.last ? own.ports.first : null;
};

/** The range of local ports that an exposure chain is for, or null. */
export const rangeOfChain = (chain: string): PortRange | null => {
  const own = readOwnName(chain);
  return own?.kind === 'local' && own.ports.first !== own.ports.last ? own.ports : null;
};

/** The chain that judges replies from a port, of every protocol and address: `r-30001`. */
export const replyChain = (port: number): string => ownName({ kind: 'replies', port });

/** A name for the first, second, … object of its kind: `web`, `web.2`. */
export const numbered = (base: string, number: number): string => (number === 1 ? base : `${base}.${number}`);

/** Whether a name is one of those that {@link numbered} gives. */
export const isNumbered = (name: string, base: string): boolean =>
  name === base || (name.startsWith(`${base}.`) && /^\d+$/.test(name.slice(base.length + 1)));

/**
 * The chains of one selection instance; `instance` is the selection's id, with `.2`, `.3`, … when another instance is
 * still in the kernel.
 */
export const selectionNames = (instance: string) => ({
  allow: ownName({ kind: 'allow', instance }),
  allowReplies: ownName({ kind: 'allow-replies', instance }),
  refuse: ownName({ kind: 'refuse', instance }),
  audit: ownName({ kind: 'audit', instance }),
});

/** The chains of one AddressGroup instance. */
export const groupNames = (instance: string) => ({
  allow: ownName({ kind: 'group', instance }),
  allowReplies: ownName({ kind: 'group-replies', instance }),
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
