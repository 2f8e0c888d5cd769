import { zero, type Counter } from '../ruleset/counter.ts';
import type { IptablesMatch, WrittenOption } from '../ruleset/iptables-match.ts';
import type { IptablesTarget } from '../ruleset/iptables-target.ts';
import { readAddressMask, readProtocol } from './dump-values.ts';
import { readModule } from './iptables-matches.ts';
import { MATCH_OPTIONS, SYNONYMS, TARGET_OPTIONS } from './iptables-options.ts';
import { readTarget } from './iptables-targets.ts';
import type { Words } from './iptables-words.ts';

/** Conditions and targets that were read before, by their text: a dump repeats a few thousand of them. */
interface Interned {
  readonly source: Map<string, IptablesMatch>;
  readonly destination: Map<string, IptablesMatch>;
  readonly notSource: Map<string, IptablesMatch>;
  readonly notDestination: Map<string, IptablesMatch>;
  readonly protocols: Map<string, IptablesMatch>;
  readonly matches: Map<string, IptablesMatch>;
  readonly targets: Map<string, IptablesTarget>;
}

/** Something in a rule that is not understood, from one word to another. */
export interface RuleProblem {
  readonly code: 'module-unknown' | 'option-unknown' | 'value-unknown' | 'target-unknown' | 'incomplete' | 'remark';
  readonly from: number;
  readonly to: number;
}

/** The rules of one dump are read one after another with the same reader, which holds what the last one said behind its chain. */
export interface RuleReader {
  readonly words: Words;
  readonly text: string;
  /** Tells the chains that are declared, because a chain comes before a target of the same name. */
  isChain: (name: string) => boolean;
  /** The jumps of the table, by the chain that they lead to. */
  jumps: Map<string, IptablesTarget>;
  gotos: Map<string, IptablesTarget>;
  readonly interned: Interned;
  /** In the order in which they are written; the list is used again for the next rule. */
  readonly matches: IptablesMatch[];
  target: IptablesTarget | null;
  counter: Counter | null;
  problems: readonly RuleProblem[];
  /** Where `-s` or `-d` names several addresses; iptables makes a rule of each. */
  lists: readonly AddressList[];
  /** Modules that can still take options: the words with their names, and their places in `matches`, by turns. */
  readonly open: number[];
  late: readonly LateOptions[];
  protocol: string | null;
}

interface AddressList {
  readonly place: number;
  readonly alternatives: readonly IptablesMatch[];
}

/** Options that stand apart from their module. */
interface LateOptions {
  readonly module: string;
  readonly place: number;
  readonly options: readonly WrittenOption[];
}

const NONE: readonly never[] = [];

/** A reader for the rules of one text, whose lines are split into `words`. */
export const ruleReader = (text: string, words: Words): RuleReader => ({
  words,
  text,
  isChain: () => false,
  jumps: new Map(),
  gotos: new Map(),
  interned: {
    source: new Map(),
    destination: new Map(),
    notSource: new Map(),
    notDestination: new Map(),
    protocols: new Map(),
    matches: new Map(),
    targets: new Map(),
  },
  matches: [],
  target: null,
  counter: null,
  problems: NONE,
  lists: NONE,
  open: [],
  late: NONE,
  protocol: null,
});

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

/**
 * Reads the words of a rule from `from` on, behind `-A CHAIN`, into the reader. Nothing is left out: what is not understood becomes an
 * `unknown` in the rule and a problem.
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

/** The conditions of the rules that the last line stands for; nearly always one rule. */
export const variantsOf = ({ matches, lists }: RuleReader): readonly (readonly IptablesMatch[])[] =>
  lists.reduce<readonly (readonly IptablesMatch[])[]>(
    (variants, { place, alternatives }) =>
      variants.flatMap((variant) =>
        alternatives.map((alternative) => variant.map((match, index) => (index === place ? alternative : match))),
      ),
    [matches.slice()],
  );

const problem = (draft: RuleReader, code: RuleProblem['code'], from: number, to: number): void => {
  draft.problems = [...draft.problems, { code, from, to }];
};

const raw = ({ words, text }: RuleReader, from: number, to: number): string =>
  text.slice(words.starts[from] ?? 0, words.ends[to] ?? text.length);

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
  switch (word) {
    case '-m':
    case '--match':
      return negated ? -1 : readMatch(draft, at);
    case '-j':
    case '--jump':
    case '-g':
    case '--goto':
      return negated ? -1 : readJump(draft, at, word === '-g' || word === '--goto');
    case '-s':
    case '--source':
    case '--src':
      return readAddresses(draft, at, 'source', negated);
    case '-d':
    case '--destination':
    case '--dst':
      return readAddresses(draft, at, 'destination', negated);
    case '-i':
    case '--in-interface':
      return readInterface(draft, at, 'in', negated);
    case '-o':
    case '--out-interface':
      return readInterface(draft, at, 'out', negated);
    case '-p':
    case '--protocol':
    case '--proto':
      return readProtocolOption(draft, at, negated);
    case '-f':
    case '--fragment':
      draft.matches.push({ kind: 'fragment', negate: negated });
      return at + 1;
    case '-c':
    case '--set-counters': {
      const [packets, bytes] = [words.list[at + 1] ?? '', words.list[at + 2] ?? ''];
      if (negated || !/^[0-9]+$/.test(packets) || !/^[0-9]+$/.test(bytes)) return -1;
      draft.counter = readCounter(packets, bytes);
      return at + 3;
    }
    case '-4':
    case '--ipv4':
    case '-6':
    case '--ipv6':
      return negated ? -1 : at + 1;
    default:
      return word.startsWith('-') ? readLateOption(draft, at, negated) : -1;
  }
};

/** Packets and bytes in decimal digits. */
export const readCounter = (packets: string, bytes: string): Counter =>
  packets === '0' && bytes === '0' ? zero : { packets: BigInt(packets), bytes: BigInt(bytes) };

/** `-s ! ADDRESS`, the order of iptables before 1.4.3, means the same as `! -s ADDRESS`. */
const isOldNegation = ({ words }: RuleReader, at: number, negated: boolean): boolean =>
  !negated && isSign(words, at + 1);

const readAddresses = (draft: RuleReader, at: number, side: 'source' | 'destination', negated: boolean): number => {
  const old = isOldNegation(draft, at, negated);
  const place = old ? at + 2 : at + 1;
  const negate = negated || old;
  const value = draft.words.list[place];
  if (value === undefined) return -1;
  const { interned } = draft;
  const known = negate
    ? side === 'source'
      ? interned.notSource
      : interned.notDestination
    : side === 'source'
      ? interned.source
      : interned.destination;
  const found = known.get(value);
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
  else known.set(value, first);
  draft.matches.push(first);
  return place + 1;
};

const readInterface = (draft: RuleReader, at: number, side: 'in' | 'out', negated: boolean): number => {
  const old = isOldNegation(draft, at, negated);
  const place = old ? at + 2 : at + 1;
  const name = draft.words.list[place];
  if (name === undefined) return -1;
  draft.matches.push({ kind: 'interface', side, negate: negated || old, name });
  return place + 1;
};

const readProtocolOption = (draft: RuleReader, at: number, negated: boolean): number => {
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

type Spec = Readonly<Record<string, 0 | 1 | 2>>;

/** A bare `!`; in quotes it is a value. */
const isSign = (words: Words, at: number): boolean =>
  words.list[at] === '!' && (words.ends[at] ?? 0) - (words.starts[at] ?? 0) === 1;

/** How many words an option takes at this place, with the sign in front and the values behind; 0 when it is none of the module's. */
const widthOf = (words: Words, at: number, spec: Spec): number => {
  const negated = isSign(words, at);
  const option = words.list[negated ? at + 1 : at];
  if (option === undefined || !Object.hasOwn(spec, option)) return 0;
  const values = spec[option] ?? 0;
  const old = values > 0 && !negated && isSign(words, at + 1);
  const width = (negated || old ? 2 : 1) + values;
  return at + width <= words.count ? width : 0;
};

const readWritten = (words: Words, at: number, width: number): WrittenOption => {
  const list = words.list.slice(at, at + width).map((word) => word ?? '');
  const sign = isSign(words, at) ? 0 : 1;
  const negate = sign === 0 || (list.length > 2 && isSign(words, at + 1));
  const rest = negate ? list.filter((_word, index) => index !== sign) : list;
  const [name = '', ...values] = rest;
  return { name: SYNONYMS[name] ?? name, negate, values };
};

const readMatch = (draft: RuleReader, at: number): number => {
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

const writtenBetween = (words: Words, start: number, end: number, spec: Spec): WrittenOption[] => {
  const options: WrittenOption[] = [];
  for (let at = start; at < end;) {
    const width = widthOf(words, at, spec);
    options.push(readWritten(words, at, width));
    at += width;
  }
  return options;
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
const readLateOption = (draft: RuleReader, at: number, negated: boolean): number => {
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

/** The options of a module that follow its name directly. */
const writtenFrom = (words: Words, start: number, spec: Spec): WrittenOption[] => {
  let end = start;
  for (let width = widthOf(words, end, spec); width > 0; width = widthOf(words, end, spec)) end += width;
  return writtenBetween(words, start, end, spec);
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

const readJump = (draft: RuleReader, at: number, isGoto: boolean): number => {
  const { words, interned } = draft;
  const name = words.list[at + 1];
  if (name === undefined || draft.target !== null) return -1;
  const spec = isGoto ? undefined : TARGET_OPTIONS.get(name);
  if (spec === undefined || (draft.isChain(name) && !VERDICTS.has(name))) {
    const following = words.list[at + 2];
    if (!isGoto && following?.startsWith('--') === true && !draft.isChain(name)) {
      problem(draft, 'target-unknown', at, words.count - 1);
      draft.target = { kind: 'unknown', text: raw(draft, at + 1, words.count - 1) };
      return words.count;
    }
    const jumps = isGoto ? draft.gotos : draft.jumps;
    const known = jumps.get(name);
    draft.target = known ?? { kind: isGoto ? 'goto' : 'jump', chain: name };
    if (known === undefined) jumps.set(name, draft.target);
    return at + 2;
  }
  let end = at + 2;
  for (let width = widthOf(words, end, spec); width > 0; width = widthOf(words, end, spec)) end += width;
  const key = raw(draft, at + 1, end - 1);
  const known = interned.targets.get(key);
  if (known !== undefined) {
    draft.target = known;
    return end;
  }
  const options = writtenBetween(words, at + 2, end, spec);
  // An option of the target that is not known makes the whole target unknown.
  const strange = words.list[end]?.startsWith('--') === true;
  const target = strange ? null : readTarget(name, options);
  if (target === null) {
    problem(draft, 'target-unknown', at, words.count - 1);
    draft.target = { kind: 'unknown', text: raw(draft, at + 1, words.count - 1) };
    return words.count;
  }
  interned.targets.set(key, target);
  draft.target = target;
  return end;
};

const VERDICTS: ReadonlySet<string> = new Set(['ACCEPT', 'DROP', 'RETURN', 'QUEUE']);
