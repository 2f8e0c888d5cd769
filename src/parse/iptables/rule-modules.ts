import type { WrittenOption } from '../../ruleset/iptables/match.ts';
import { readModule } from './match/matches.ts';
import { MATCH_OPTIONS } from './options.ts';
import { readWritten, widthOf, writtenBetween, writtenFrom } from './rule-options.ts';
import { problem, raw, type RuleReader } from './rule-reader.ts';

const CORE: ReadonlySet<string> = new Set([
  '-s',
  '--source',
  '--src',
  '-d',
  '--destination',
  '--dst',
  '-i',
  '--in-interface',
  '-o',
  '--out-interface',
  '-p',
  '--protocol',
  '--proto',
  '-f',
  '--fragment',
  '-m',
  '--match',
  '-j',
  '--jump',
  '-g',
  '--goto',
  '-c',
  '--set-counters',
  '-4',
  '--ipv4',
  '-6',
  '--ipv6',
]);

/** `-m MODULE` at a word, with the options that follow; returns the word behind them, or -1. */
export const readMatch = (draft: RuleReader, at: number): number => {
  const { words } = draft;
  const module = words.list[at + 1];
  if (module === undefined) return -1;
  const spec = MATCH_OPTIONS.get(module);
  if (spec === undefined) return readForeign(draft, at);
  if (module === 'comment') {
    // By far the most frequent one, and each is different.
    const comment = words.list[at + 3];
    if (words.list[at + 2] === '--comment' && comment !== undefined) {
      draft.matches.push({ kind: 'comment', text: comment });
      return at + 4;
    }
  }
  let end = at + 2;
  for (let width = widthOf(words, end, spec); width > 0; width = widthOf(words, end, spec)) end += width;
  const key = raw(draft, at + 1, end - 1);
  const place = draft.matches.length;
  draft.open.push(at + 1, place);
  const known = draft.interned.matches.get(key);
  if (known !== undefined) {
    draft.matches.push(known);
    return end;
  }
  const bare = end === at + 2;
  const match = bare && !BARE.has(module) ? null : readModule(module, writtenBetween(words, at + 2, end, spec));
  if (match !== null) {
    draft.interned.matches.set(key, match);
    draft.matches.push(match);
    return end;
  }
  draft.matches.push({ kind: 'unknown', text: raw(draft, at, end - 1) });
  // An option that stands further behind can still complete it.
  if (!bare || end >= words.count) problem(draft, bare ? 'incomplete' : 'value-unknown', at, end - 1);
  return end;
};

/** Modules that say something without any option. */
const BARE: ReadonlySet<string> = new Set([
  'tcp',
  'udp',
  'sctp',
  'udplite',
  'dccp',
  'rpfilter',
  'socket',
  'rt',
  'frag',
  'hbh',
  'dst',
  'ah',
  'esp',
  'limit',
]);

/** A module that is not known: everything up to the next option that is. */
const readForeign = (draft: RuleReader, at: number): number => {
  const { words } = draft;
  let end = at + 2;
  while (end < words.count) {
    const word = words.list[end] ?? '';
    if (CORE.has(word) || (word === '!' && CORE.has(words.list[end + 1] ?? ''))) break;
    end++;
  }
  problem(draft, 'module-unknown', at, end - 1);
  draft.matches.push({ kind: 'unknown', text: raw(draft, at, end - 1) });
  return end;
};

/** An option apart from its module: `-m udp -m comment --comment x --dport 53`, or `-p tcp --dport 22` without `-m tcp`. */
export const readLateOption = (draft: RuleReader, at: number, negated: boolean): number => {
  const { words, open } = draft;
  const start = negated ? at - 1 : at;
  const word = words.list[at] ?? '';
  let module = '';
  let place = -1;
  let written: WrittenOption[] = [];
  for (let index = open.length - 2; index >= 0 && place === -1; index -= 2) {
    const named = open[index] ?? 0;
    const spec = MATCH_OPTIONS.get(words.list[named] ?? '');
    if (spec === undefined || !Object.hasOwn(spec, word)) continue;
    module = words.list[named] ?? '';
    place = open[index + 1] ?? 0;
    written = writtenFrom(words, named + 1, spec);
  }
  if (place === -1) {
    const protocol = (draft.protocol ?? '').toLowerCase();
    module = IMPLIED[protocol] ?? protocol;
    place = draft.late.find((late) => late.module === module)?.place ?? -1;
  }
  const spec = MATCH_OPTIONS.get(module);
  if (spec === undefined || !Object.hasOwn(spec, word)) return -1;
  const width = widthOf(words, start, spec);
  if (width === 0) return -1;
  if (place === -1) place = draft.matches.push({ kind: 'unknown', text: word }) - 1;
  const earlier = draft.late.filter((late) => late.place === place).flatMap(({ options }) => options);
  const options = [...earlier, readWritten(words, start, width)];
  draft.late = [...draft.late.filter((late) => late.place !== place), { module, place, options }];
  const match = readModule(module, [...written, ...options]);
  if (match === null) problem(draft, 'value-unknown', start, start + width - 1);
  draft.matches[place] = match ?? { kind: 'unknown', text: raw(draft, start, start + width - 1) };
  return start + width;
};

const IMPLIED: Readonly<Record<string, string>> = {
  '6': 'tcp',
  '17': 'udp',
  '132': 'sctp',
  '1': 'icmp',
  '58': 'icmp6',
  'ipv6-icmp': 'icmp6',
  icmpv6: 'icmp6',
};
