import { zero, type Counter } from '../ruleset/counter.ts';
import type { IptablesMatch, WrittenOption } from '../ruleset/iptables-match.ts';
import type { IptablesTarget } from '../ruleset/iptables-target.ts';
import { readAddressMask, readProtocol } from './dump-values.ts';
import { readModule } from './iptables-matches.ts';
import { MATCH_OPTIONS, SYNONYMS, TARGET_OPTIONS } from './iptables-options.ts';
import { readTarget } from './iptables-targets.ts';
import type { Words } from './iptables-words.ts';

/** Conditions and targets that were read before, by their text: a dump repeats a few thousand of them. One for each dump. */
export interface Interned {
  readonly addresses: ReadonlyMap<string, Map<string, IptablesMatch>>;
  readonly matches: Map<string, IptablesMatch>;
  readonly targets: Map<string, IptablesTarget>;
  readonly jumps: Map<string, IptablesTarget>;
}

const SIDES = ['source', 'destination', '! source', '! destination'];

export const nothingInterned = (): Interned => ({
  addresses: new Map(SIDES.map((side) => [side, new Map()])),
  matches: new Map(),
  targets: new Map(),
  jumps: new Map(),
});

/** Something in a rule that is not understood, from one word to another. */
export interface RuleProblem {
  readonly code: 'module-unknown' | 'option-unknown' | 'value-unknown' | 'target-unknown' | 'incomplete' | 'remark';
  readonly from: number;
  readonly to: number;
}

/** What a rule says behind its chain. */
export interface ReadRule {
  /** Several where `-s` or `-d` names several addresses: iptables makes a rule of each. */
  readonly variants: readonly (readonly IptablesMatch[])[];
  readonly target: IptablesTarget | null;
  readonly counter: Counter | null;
  readonly problems: readonly RuleProblem[];
}

/** A module, the words of its options (end excluded), and those that came later. */
interface OpenModule {
  readonly module: string;
  readonly start: number;
  readonly end: number;
  readonly place: number;
  readonly late: WrittenOption[];
}

/** A rule while its words are read. */
interface Draft {
  readonly words: Words;
  readonly text: string;
  readonly interned: Interned;
  readonly isChain: (name: string) => boolean;
  matches: IptablesMatch[];
  /** Modules that can still take options, with their place in `matches`. */
  open: OpenModule[];
  lists: { readonly place: number; readonly alternatives: readonly IptablesMatch[] }[];
  protocol: string | null;
  target: IptablesTarget | null;
  counter: Counter | null;
  problems: RuleProblem[];
}

const CORE: ReadonlySet<string> = new Set([
  ...['-s', '--source', '--src', '-d', '--destination', '--dst', '-i', '--in-interface', '-o', '--out-interface'],
  ...['-p', '--protocol', '--proto', '-f', '--fragment', '-m', '--match', '-j', '--jump', '-g', '--goto'],
  ...['-c', '--set-counters', '-4', '--ipv4', '-6', '--ipv6'],
]);

const NO_PROBLEMS: readonly RuleProblem[] = [];

/**
 * Reads the words of a rule from `from` on, behind `-A CHAIN`. Nothing is left out: what is not understood becomes an `unknown` in the
 * rule and a problem. `isChain` tells the chains that are declared, because a chain comes before a target of the same name.
 */
export const readRule = (
  words: Words,
  from: number,
  text: string,
  interned: Interned,
  isChain: (name: string) => boolean,
): ReadRule => {
  const draft: Draft = {
    words,
    text,
    interned,
    isChain,
    matches: [],
    open: [],
    lists: [],
    protocol: null,
    target: null,
    counter: null,
    problems: NO_PROBLEMS as RuleProblem[],
  };
  let at = from;
  while (at < words.count) {
    const negated = words.list[at] === '!';
    const next = readOption(draft, negated ? at + 1 : at, negated);
    if (next > at) at = next;
    else at = giveUp(draft, at);
  }
  if (words.open) problem(draft, 'incomplete', Math.max(from, words.count - 1), words.count - 1);
  return {
    variants: draft.lists.length === 0 ? [draft.matches] : expand(draft),
    target: draft.target,
    counter: draft.counter,
    problems: draft.problems,
  };
};

const problem = (draft: Draft, code: RuleProblem['code'], from: number, to: number): void => {
  if (draft.problems.length === 0) draft.problems = [];
  draft.problems.push({ code, from, to });
};

const raw = ({ words, text }: Draft, from: number, to: number): string =>
  text.slice(words.starts[from] ?? 0, words.ends[to] ?? text.length);

/** The rest of a line that makes no sense: a remark where the rule is complete and no option begins, else unknown. */
const giveUp = (draft: Draft, at: number): number => {
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
const readOption = (draft: Draft, at: number, negated: boolean): number => {
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

const remember = <T>(map: Map<string, T>, key: string, make: () => T): T => {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
};

/** `-s ! ADDRESS`, the order of iptables before 1.4.3, means the same as `! -s ADDRESS`. */
const valueAt = (draft: Draft, at: number, negated: boolean) => {
  const old = !negated && draft.words.list[at + 1] === '!';
  const place = old ? at + 2 : at + 1;
  return { value: draft.words.list[place], negate: negated || old, place };
};

const readAddresses = (draft: Draft, at: number, side: 'source' | 'destination', negated: boolean): number => {
  const { value, negate, place } = valueAt(draft, at, negated);
  if (value === undefined) return -1;
  const read = (text: string): IptablesMatch =>
    remember(
      draft.interned.addresses.get(negate ? `! ${side}` : side) ?? new Map<string, IptablesMatch>(),
      text,
      () => {
        const address = readAddressMask(text);
        return address === null
          ? { kind: 'unknown', text: `${negate ? '! ' : ''}${side === 'source' ? '-s' : '-d'} ${text}` }
          : { kind: 'address', side, negate, address };
      },
    );
  const alternatives = value.includes(',') ? value.split(',').map(read) : [read(value)];
  const bad = alternatives.some(({ kind }) => kind === 'unknown') || (negate && alternatives.length > 1);
  const [first] = alternatives;
  if (bad || first === undefined) {
    problem(draft, 'value-unknown', at, place);
    draft.matches.push({ kind: 'unknown', text: raw(draft, negated ? at - 1 : at, place) });
    return place + 1;
  }
  if (alternatives.length > 1) draft.lists.push({ place: draft.matches.length, alternatives });
  draft.matches.push(first);
  return place + 1;
};

const readInterface = (draft: Draft, at: number, side: 'in' | 'out', negated: boolean): number => {
  const { value, negate, place } = valueAt(draft, at, negated);
  if (value === undefined) return -1;
  draft.matches.push(
    remember(draft.interned.matches, `${negate ? '!' : ''}${side} ${value}`, () => ({
      kind: 'interface',
      side,
      negate,
      name: value,
    })),
  );
  return place + 1;
};

const readProtocolOption = (draft: Draft, at: number, negated: boolean): number => {
  const { value, negate, place } = valueAt(draft, at, negated);
  if (value === undefined) return -1;
  draft.protocol = value.toLowerCase();
  const match = remember<IptablesMatch>(draft.interned.matches, `${negate ? '!' : ''}p ${value}`, () => {
    const protocol = readProtocol(value);
    return protocol === null
      ? { kind: 'unknown', text: `${negate ? '! ' : ''}-p ${value}` }
      : { kind: 'protocol', negate, protocol };
  });
  if (match.kind === 'unknown') problem(draft, 'value-unknown', at, place);
  draft.matches.push(match);
  return place + 1;
};

type Spec = Readonly<Record<string, 0 | 1 | 2>>;

/** How many words an option takes at this place, with the sign in front and the values behind; 0 when it is none of the module's. */
const widthOf = (words: Words, at: number, spec: Spec): number => {
  const negated = words.list[at] === '!';
  const option = words.list[negated ? at + 1 : at];
  if (option === undefined || !Object.hasOwn(spec, option)) return 0;
  const values = spec[option] ?? 0;
  const old = values > 0 && !negated && words.list[at + 1] === '!';
  const width = (negated || old ? 2 : 1) + values;
  return at + width <= words.count ? width : 0;
};

const readWritten = (words: Words, at: number, width: number): WrittenOption => {
  const list = words.list.slice(at, at + width);
  const sign = list.indexOf('!');
  const negate = sign === 0 || (sign === 1 && list.length > 2);
  const rest = negate ? list.filter((_word, index) => index !== sign) : list;
  const [name = '', ...values] = rest;
  return { name: SYNONYMS[name] ?? name, negate, values };
};

const readMatch = (draft: Draft, at: number): number => {
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
  draft.open.push({ module, start: at + 2, end, place, late: [] });
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
  ...['tcp', 'udp', 'sctp', 'udplite', 'dccp', 'rpfilter', 'socket', 'rt', 'frag', 'hbh', 'dst', 'ah', 'esp', 'limit'],
]);

/** A module that is not known: everything up to the next option that is. */
const readForeign = (draft: Draft, at: number): number => {
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
const readLateOption = (draft: Draft, at: number, negated: boolean): number => {
  const { words } = draft;
  const start = negated ? at - 1 : at;
  const word = words.list[at] ?? '';
  let owner = draft.open.findLast(({ module }) => Object.hasOwn(MATCH_OPTIONS.get(module) ?? {}, word));
  if (owner === undefined) {
    const module = draft.protocol === null ? '' : (IMPLIED[draft.protocol] ?? draft.protocol);
    if (!Object.hasOwn(MATCH_OPTIONS.get(module) ?? {}, word)) return -1;
    owner = { module, start: at, end: at, place: draft.matches.length, late: [] };
    draft.open.push(owner);
    draft.matches.push({ kind: 'unknown', text: word });
  }
  const spec = MATCH_OPTIONS.get(owner.module) ?? {};
  const width = widthOf(words, start, spec);
  if (width === 0) return -1;
  owner.late.push(readWritten(words, start, width));
  const match = readModule(owner.module, [...writtenBetween(words, owner.start, owner.end, spec), ...owner.late]);
  if (match === null) problem(draft, 'value-unknown', start, start + width - 1);
  draft.matches[owner.place] = match ?? { kind: 'unknown', text: raw(draft, start, start + width - 1) };
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

const readJump = (draft: Draft, at: number, isGoto: boolean): number => {
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
    draft.target = remember(interned.jumps, isGoto ? `goto ${name}` : name, () => ({
      kind: isGoto ? 'goto' : 'jump',
      chain: name,
    }));
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

const expand = ({ matches, lists }: Draft): readonly (readonly IptablesMatch[])[] =>
  lists.reduce<readonly (readonly IptablesMatch[])[]>(
    (variants, { place, alternatives }) =>
      variants.flatMap((variant) =>
        alternatives.map((alternative) => variant.map((match, index) => (index === place ? alternative : match))),
      ),
    [matches],
  );
