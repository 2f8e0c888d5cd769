import type { WrittenOption } from '../../ruleset/iptables/match.ts';
import type { OptionWidths } from '../values/option-widths.ts';
import type { Words } from './words.ts';

/** The same option under another name, as people write it. */
const SYNONYMS: Readonly<Record<string, string>> = {
  '--source-port': '--sport',
  '--destination-port': '--dport',
  '--source-ports': '--sports',
  '--destination-ports': '--dports',
  '--icmp6-type': '--icmpv6-type',
};

/** A bare `!`; in quotes it is a value. */
export const isSign = (words: Words, at: number): boolean =>
  words.list[at] === '!' && (words.ends[at] ?? 0) - (words.starts[at] ?? 0) === 1;

/**
 * How many words an option takes at this place, with the sign in front and the values behind; 0 when it is none of the
 * module's.
 */
export const widthOf = (words: Words, at: number, spec: OptionWidths): number => {
  const negated = isSign(words, at);
  const option = words.list[negated ? at + 1 : at];
  if (option === undefined || !Object.hasOwn(spec, option)) return 0;
  const values = spec[option] ?? 0;
  const old = values > 0 && !negated && isSign(words, at + 1);
  const width = (negated || old ? 2 : 1) + values;
  return at + width <= words.count ? width : 0;
};

/** One option of a module, `width` words long, with its sign and values. */
export const readWritten = (words: Words, at: number, width: number): WrittenOption => {
  const list = words.list.slice(at, at + width).map((word) => word ?? '');
  const sign = isSign(words, at) ? 0 : 1;
  const negate = sign === 0 || (list.length > 2 && isSign(words, at + 1));
  const rest = negate ? list.filter((_word, index) => index !== sign) : list;
  const [name = '', ...values] = rest;
  return { name: SYNONYMS[name] ?? name, negate, values };
};

/** The options from one word to another. */
export const writtenBetween = (words: Words, start: number, end: number, spec: OptionWidths): WrittenOption[] => {
  const options: WrittenOption[] = [];
  for (let at = start; at < end;) {
    const width = widthOf(words, at, spec);
    options.push(readWritten(words, at, width));
    at += width;
  }
  return options;
};

/** The options of a module that follow its name directly. */
export const writtenFrom = (words: Words, start: number, spec: OptionWidths): WrittenOption[] => {
  let end = start;
  for (let width = widthOf(words, end, spec); width > 0; width = widthOf(words, end, spec)) end += width;
  return writtenBetween(words, start, end, spec);
};
