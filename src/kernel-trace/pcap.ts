// Capture files as tcpdump writes them (pcap-savefile(5)), read piece by piece.

/** Between two pieces: what is known of the file, and the bytes that are not a whole record yet. */
export type PcapState =
  | { readonly kind: 'header'; readonly rest: Uint8Array }
  | { readonly kind: 'records'; readonly rest: Uint8Array; readonly littleEndian: boolean; readonly linkType: number }
  /** It is no capture, or a broken one: nothing more is read from it. */
  | { readonly kind: 'broken' };

/** Before the first piece. */
export const PCAP_START: PcapState = { kind: 'header', rest: new Uint8Array() };

const FILE_HEADER = 24;
const RECORD_HEADER = 16;

/** Records are read up to this length; a longer one means that the file is broken. */
const MOST_BYTES = 65_536 + 4096;

/** Times in microseconds, or in nanoseconds. */
const MAGIC: ReadonlySet<number> = new Set([0xa1b2c3d4, 0xa1b23c4d]);

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const joined = (rest: Uint8Array, chunk: Uint8Array): Uint8Array => {
  if (rest.length === 0) return chunk;
  const both = new Uint8Array(rest.length + chunk.length);
  both.set(rest);
  both.set(chunk, rest.length);
  return both;
};

const begun = (bytes: Uint8Array): PcapState => {
  if (bytes.length < FILE_HEADER) return { kind: 'header', rest: bytes };
  const view = viewOf(bytes);
  const littleEndian = MAGIC.has(view.getUint32(0, true));
  if (!littleEndian && !MAGIC.has(view.getUint32(0, false))) return { kind: 'broken' };
  // The upper bits may say how long a frame check sequence is.
  const linkType = view.getUint32(20, littleEndian) & 0x03ff_ffff;
  return { kind: 'records', rest: bytes.subarray(FILE_HEADER), littleEndian, linkType };
};

/** Takes the next piece of a capture, and gives the records that are whole with it. */
export const readPcap = (
  state: PcapState,
  chunk: Uint8Array,
): { readonly state: PcapState; readonly records: readonly Uint8Array[] } => {
  if (state.kind === 'broken') return { state, records: [] };
  const bytes = joined(state.rest, chunk);
  const known = state.kind === 'header' ? begun(bytes) : { ...state, rest: bytes };
  if (known.kind !== 'records') return { state: known, records: [] };
  const { rest, littleEndian } = known;
  const view = viewOf(rest);
  const records: Uint8Array[] = [];
  let at = 0;
  while (at + RECORD_HEADER <= rest.length) {
    const length = view.getUint32(at + 8, littleEndian);
    if (length > MOST_BYTES) return { state: { kind: 'broken' }, records };
    const end = at + RECORD_HEADER + length;
    if (end > rest.length) break;
    records.push(rest.subarray(at + RECORD_HEADER, end));
    at = end;
  }
  // A copy: what is left over must not keep the whole piece in memory.
  return { state: { ...known, rest: rest.slice(at) }, records };
};
