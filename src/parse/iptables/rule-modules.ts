import type { WrittenOption } from '../../ruleset/iptables/match.ts';
import { CORE_OPTIONS } from './core-options.ts';
import { MATCH_MODULES } from './match/match-modules.ts';
import { readWritten, widthOf, writtenBetween, writtenFrom } from './rule-options.ts';
import { problem, raw, type RuleReader } from './rule-reader.ts';

/** `-m MODULE` at a word, with the options that follow; returns the word behind them, or -1. */
export const readMatch = (draft: RuleReader, at: number): number => {
  const { words } = draft;
  const name = words.list[at + 1];
  if (name === undefined) return -1;
  const module = MATCH_MODULES.get(name);
  if (module === undefined) return readForeign(draft, at);
  const { options } = module;
  if (name === 'comment') {
    // By far the most frequent one, and each is different.
    const comment = words.list[at + 3];
    if (words.list[at + 2] === '--comment' && comment !== undefined) {
      draft.matches.push({ kind: 'comment', text: comment });
      return at + 4;
    }
  }
  let end = at + 2;
  for (let width = widthOf(words, end, options); width > 0; width = widthOf(words, end, options)) end += width;
  const key = raw(draft, at + 1, end - 1);
  const place = draft.matches.length;
  draft.open.push(at + 1, place);
  const known = draft.interned.matches.get(key);
  if (known !== undefined) {
    draft.matches.push(known);
    return end;
  }
  const bare = end === at + 2;
  const match = bare && module.bare !== true ? null : module.read(writtenBetween(words, at + 2, end, options), name);
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

/** A module that is not known: everything up to the next option that is. */
const readForeign = (draft: RuleReader, at: number): number => {
  const { words } = draft;
  let end = at + 2;
  while (end < words.count) {
    const word = words.list[end] ?? '';
    if (CORE_OPTIONS.has(word) || (word === '!' && CORE_OPTIONS.has(words.list[end + 1] ?? ''))) break;
    end++;
  }
  problem(draft, 'module-unknown', at, end - 1);
  draft.matches.push({ kind: 'unknown', text: raw(draft, at, end - 1) });
  return end;
};

/**
 * An option apart from its module: `-m udp -m comment --comment x --dport 53`, or `-p tcp --dport 22` without `-m tcp`.
 */
export const readLateOption = (draft: RuleReader, at: number, negated: boolean): number => {
  const { words, open } = draft;
  const start = negated ? at - 1 : at;
  const word = words.list[at] ?? '';
  let module = '';
  let place = -1;
  let written: WrittenOption[] = [];
  for (let index = open.length - 2; index >= 0 && place === -1; index -= 2) {
    const named = open[index] ?? 0;
    const spec = MATCH_MODULES.get(words.list[named] ?? '')?.options;
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
  const known = MATCH_MODULES.get(module);
  if (known === undefined || !Object.hasOwn(known.options, word)) return -1;
  const width = widthOf(words, start, known.options);
  if (width === 0) return -1;
  if (place === -1) place = draft.matches.push({ kind: 'unknown', text: word }) - 1;
  const earlier = draft.late.filter((late) => late.place === place).flatMap(({ options }) => options);
  const options = [...earlier, readWritten(words, start, width)];
  draft.late = [...draft.late.filter((late) => late.place !== place), { module, place, options }];
  const match = known.read([...written, ...options], module);
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
