import { zero, type Counter } from '../../ruleset/values/counter.ts';
import { CORE_OPTIONS } from './core-options.ts';
import { readAddresses, readInterface, readProtocolOption } from './rule-header.ts';
import { readJump } from './rule-jump.ts';
import { readLateOption, readMatch } from './rule-modules.ts';
import { isSign } from './rule-options.ts';
import { NONE, problem, raw, type RuleReader } from './rule-reader.ts';

/**
 * Reads the words of a rule from `from` on, behind `-A CHAIN`, into the reader. Nothing is left out: what is not
 * understood becomes an `unknown` in the rule and a problem.
 */
export const readRule = (draft: RuleReader, from: number): void => {
  const { words } = draft;
  draft.matches.length = 0;
  draft.target = null;
  draft.counter = null;
  draft.problems = NONE;
  draft.lists = NONE;
  draft.late = NONE;
  draft.open.length = 0;
  draft.protocol = null;
  let at = from;
  while (at < words.count) {
    const negated = isSign(words, at);
    const next = readOption(draft, negated ? at + 1 : at, negated);
    if (next > at) at = next;
    else at = giveUp(draft, at);
  }
  if (words.open) problem(draft, 'incomplete', Math.max(from, words.count - 1), words.count - 1);
};

/** The rest of a line that makes no sense: a remark where the rule is complete and no option begins, else unknown. */
const giveUp = (draft: RuleReader, at: number): number => {
  const { words } = draft;
  const last = words.count - 1;
  const word = words.list[at] ?? '';
  if (draft.target !== null && !word.startsWith('-') && word !== '!') {
    problem(draft, 'remark', at, last);
    return words.count;
  }
  problem(draft, word.startsWith('-') || word === '!' ? 'option-unknown' : 'incomplete', at, last);
  draft.matches.push({ kind: 'unknown', text: raw(draft, at, last) });
  return words.count;
};

/** Reads one option and its values; returns the word behind it, or `at` (or less) when it is not understood. */
const readOption = (draft: RuleReader, at: number, negated: boolean): number => {
  const { words } = draft;
  const word = words.list[at];
  if (word === undefined) return -1;
  const option = CORE_OPTIONS.get(word);
  switch (option) {
    case 'match':
      return negated ? -1 : readMatch(draft, at);
    case 'jump':
    case 'goto':
      return negated ? -1 : readJump(draft, at, option === 'goto');
    case 'source':
    case 'destination':
      return readAddresses(draft, at, option, negated);
    case 'in':
    case 'out':
      return readInterface(draft, at, option, negated);
    case 'protocol':
      return readProtocolOption(draft, at, negated);
    case 'fragment':
      draft.matches.push({ kind: 'fragment', negate: negated });
      return at + 1;
    case 'counters': {
      const [packets, bytes] = [words.list[at + 1] ?? '', words.list[at + 2] ?? ''];
      if (negated || !/^[0-9]+$/.test(packets) || !/^[0-9]+$/.test(bytes)) return -1;
      draft.counter = readCounter(packets, bytes);
      return at + 3;
    }
    case 'family':
      return negated ? -1 : at + 1;
    case undefined:
      return word.startsWith('-') ? readLateOption(draft, at, negated) : -1;
  }
};

/** Packets and bytes in decimal digits. */
export const readCounter = (packets: string, bytes: string): Counter =>
  packets === '0' && bytes === '0' ? zero : { packets: BigInt(packets), bytes: BigInt(bytes) };
