import { ok, type Result, type Source } from '../../diagnostic/diagnostic.ts';
import type { ConntrackEntry, Tuple } from '../../ruleset/host.ts';
import { readAddress, readNumber } from '../values/dump-values.ts';
import { doubtsAbout, linesOf } from '../values/lines.ts';

/**
 * Reads `conntrack -L -o extended` (also without the option, and /proc/net/nf_conntrack): one entry a line. Entries whose addresses are
 * not understood become warnings.
 */
export const parseConntrack = (source: Source): Result<readonly ConntrackEntry[]> => {
  const doubts = doubtsAbout(source);
  const flows: ConntrackEntry[] = [];
  for (const line of linesOf(source.text)) {
    if (/^conntrack v|flow entries have been shown/.test(line.text)) continue;
    const flow = readFlow(line.text.split(/\s+/));
    if (flow === null) doubts.note('flow-unknown', 'this entry is not understood', line);
    else flows.push(flow);
  }
  return ok(flows, doubts.all);
};

const readFlow = (words: readonly string[]): ConntrackEntry | null => {
  const from = /^ipv[46]$/.test(words[0] ?? '') ? 2 : 0;
  const protocol = readNumber(words[from + 1] ?? '', 255);
  const pairs = words.flatMap((word) => {
    const equals = word.indexOf('=');
    return equals === -1 ? [] : [[word.slice(0, equals), word.slice(equals + 1)] as const];
  });
  const second = pairs.findIndex(([key], index) => key === 'src' && index > 0);
  const original = readTuple(pairs.slice(0, second));
  const reply = readTuple(pairs.slice(second));
  if (protocol === null || second === -1 || original === null || reply === null) return null;
  const value = (name: string): number => readNumber(pairs.find(([key]) => key === name)?.[1] ?? '0') ?? 0;
  const before = words.slice(from + 2).filter((word) => !word.includes('=') && !word.startsWith('['));
  return {
    family: original.source.family,
    protocol,
    state: before.find((word) => /^[A-Z_0-9]*[A-Z][A-Z_0-9]*$/.test(word)) ?? null,
    original,
    reply,
    flags: words.flatMap((word) => /^\[(.*)\]$/.exec(word)?.[1] ?? []),
    mark: value('mark'),
    zone: value('zone'),
    seconds: readNumber(before.find((word) => /^\d+$/.test(word)) ?? ''),
  };
};

const readTuple = (pairs: readonly (readonly [string, string])[]): Tuple | null => {
  const value = (name: string): string => pairs.find(([key]) => key === name)?.[1] ?? '';
  const [source, destination] = [readAddress(value('src')), readAddress(value('dst'))];
  if (source === null || destination === null) return null;
  return {
    source,
    destination,
    sourcePort: readNumber(value('sport'), 65_535),
    destinationPort: readNumber(value('dport'), 65_535),
  };
};
