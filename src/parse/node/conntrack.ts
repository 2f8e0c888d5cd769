import { ok, type Result, type Source } from '../../diagnostic/diagnostic.ts';
import type { ConntrackEntry, Tuple } from '../../ruleset/host.ts';
import { readAddress, readNumber } from '../values/dump-values.ts';
import { doubtsAbout, linesOf } from '../values/lines.ts';

/**
 * Reads `conntrack -L -o extended` (also without the option, and /proc/net/nf_conntrack), one entry per line. Entries
 * with addresses that are not understood become warnings.
 */
export const parseConntrack = (source: Source): Result<readonly ConntrackEntry[]> => {
  const doubts = doubtsAbout(source);
  const flows: ConntrackEntry[] = [];
  for (const line of linesOf(source.text)) {
    if (/^conntrack v|flow entries have been shown/.test(line.text)) continue;
    const flow = readEntry(
      line.text
        .replaceAll('\t', ' ')
        .split(' ')
        .filter((word) => word !== ''),
    );
    if (flow === null) doubts.note('flow-unknown', 'this entry is not understood', line);
    else flows.push(flow);
  }
  return ok(flows, doubts.all);
};

/** The values of one direction, in the order of the line. */
interface Direction {
  src: string;
  dst: string;
  sport: string;
  dport: string;
}

const unread = (): Direction => ({ src: '', dst: '', sport: '', dport: '' });

const STATE = /^[A-Z_0-9]*[A-Z][A-Z_0-9]*$/;

/** A busy node tracks hundreds of thousands of connections, so each word is looked at once. */
const readEntry = (words: readonly string[]): ConntrackEntry | null => {
  const from = /^ipv[46]$/.test(words[0] ?? '') ? 2 : 0;
  const protocol = readNumber(words[from + 1] ?? '', 255);
  const [original, reply] = [unread(), unread()];
  const flags: string[] = [];
  const found = { state: null as string | null, seconds: null as number | null, mark: 0, zone: 0, directions: 0 };
  for (let at = from + 2; at < words.length; at++) {
    const word = words[at] ?? '';
    const equals = word.indexOf('=');
    if (equals !== -1) {
      const [key, value] = [word.slice(0, equals), word.slice(equals + 1)];
      if (key === 'src') found.directions++;
      const direction = found.directions < 2 ? original : reply;
      if (key === 'src' || key === 'dst' || key === 'sport' || key === 'dport') direction[key] = value;
      else if (key === 'mark' || key === 'zone') found[key] = readNumber(value) ?? 0;
    } else if (word.startsWith('[')) {
      if (word.endsWith(']')) flags.push(word.slice(1, -1));
    } else {
      if (found.state === null && STATE.test(word)) found.state = word;
      found.seconds ??= readNumber(word);
    }
  }
  const [there, back] = [readTuple(original), readTuple(reply)];
  if (protocol === null || found.directions < 2 || there === null || back === null) return null;
  const { state, seconds, mark, zone } = found;
  return { family: there.source.family, protocol, state, original: there, reply: back, flags, mark, zone, seconds };
};

const readTuple = ({ src, dst, sport, dport }: Direction): Tuple | null => {
  const [source, destination] = [readAddress(src), readAddress(dst)];
  if (source === null || destination === null) return null;
  return {
    source,
    destination,
    sourcePort: readNumber(sport, 65_535),
    destinationPort: readNumber(dport, 65_535),
  };
};
