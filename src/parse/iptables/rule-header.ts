import type { IptablesMatch } from '../../ruleset/iptables/match.ts';
import { readAddressMask, readProtocol } from '../values/dump-values.ts';
import { isSign } from './rule-options.ts';
import { problem, raw, type RuleReader } from './rule-reader.ts';

/** `-s ! ADDRESS`, the order of iptables before 1.4.3, means the same as `! -s ADDRESS`. */
const isOldNegation = ({ words }: RuleReader, at: number, negated: boolean): boolean =>
  !negated && isSign(words, at + 1);

/** `-s` and `-d` at a word; returns the word behind it, or -1. */
export const readAddresses = (
  draft: RuleReader,
  at: number,
  side: 'source' | 'destination',
  negated: boolean,
): number => {
  const old = isOldNegation(draft, at, negated);
  const place = old ? at + 2 : at + 1;
  const negate = negated || old;
  const value = draft.words.list[place];
  if (value === undefined) return -1;
  const { interned } = draft;
  if (!negate && !value.includes(',')) {
    const address = readAddressMask(value);
    if (address !== null) {
      draft.matches.push({ kind: 'address', side, negate, address });
      return place + 1;
    }
  }
  const known = side === 'source' ? interned.notSource : interned.notDestination;
  const found = negate ? known.get(value) : undefined;
  if (found !== undefined) {
    draft.matches.push(found);
    return place + 1;
  }
  const alternatives = value.split(',').map((text): IptablesMatch | null => {
    const address = readAddressMask(text);
    return address === null ? null : { kind: 'address', side, negate, address };
  });
  const [first] = alternatives;
  const good = alternatives.every((match) => match !== null) && !(negate && alternatives.length > 1);
  if (!good || first == null) {
    problem(draft, 'value-unknown', at, place);
    draft.matches.push({ kind: 'unknown', text: raw(draft, negated ? at - 1 : at, place) });
    return place + 1;
  }
  if (alternatives.length > 1) draft.lists = [...draft.lists, { place: draft.matches.length, alternatives }];
  else if (negate) known.set(value, first);
  draft.matches.push(first);
  return place + 1;
};

/** `-i` and `-o` at a word; returns the word behind it, or -1. */
export const readInterface = (draft: RuleReader, at: number, side: 'in' | 'out', negated: boolean): number => {
  const old = isOldNegation(draft, at, negated);
  const place = old ? at + 2 : at + 1;
  const name = draft.words.list[place];
  if (name === undefined) return -1;
  draft.matches.push({ kind: 'interface', side, negate: negated || old, name });
  return place + 1;
};

/** `-p` at a word; returns the word behind it, or -1. */
export const readProtocolOption = (draft: RuleReader, at: number, negated: boolean): number => {
  const old = isOldNegation(draft, at, negated);
  const place = old ? at + 2 : at + 1;
  const negate = negated || old;
  const value = draft.words.list[place];
  if (value === undefined) return -1;
  draft.protocol = value;
  const known = negate ? undefined : draft.interned.protocols.get(value);
  if (known !== undefined) {
    draft.matches.push(known);
    return place + 1;
  }
  const protocol = readProtocol(value);
  if (protocol === null) {
    problem(draft, 'value-unknown', at, place);
    draft.matches.push({ kind: 'unknown', text: raw(draft, negated ? at - 1 : at, place) });
    return place + 1;
  }
  const match: IptablesMatch = { kind: 'protocol', negate, protocol };
  if (!negate) draft.interned.protocols.set(value, match);
  draft.matches.push(match);
  return place + 1;
};
