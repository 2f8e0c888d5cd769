import type { Counter } from '../../ruleset/values/counter.ts';
import type { IptablesMatch, WrittenOption } from '../../ruleset/iptables/match.ts';
import type { IptablesTarget } from '../../ruleset/iptables/target.ts';
import type { Words } from './words.ts';

/**
 * Conditions and targets that were read before, by their text: a dump repeats a few thousand of them. Not the addresses
 * of endpoints and Services: nearly each is there once, and remembering costs more than it saves.
 */
interface Interned {
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

/**
 * The rules of one dump are read one after another with the same reader, which holds what the last one said behind its
 * chain.
 */
export interface RuleReader {
  readonly words: Words;
  readonly text: string;
  /** The chains of the table so far. A declared one comes before a target of the same name. */
  chains: ReadonlyMap<string, JumpedTo>;
  /** Names of chains that rules lead to before, or without, any word about them. */
  missing: Set<string>;
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

/** A chain with the targets that lead to it, the same for all rules. */
export interface JumpedTo {
  readonly declared: boolean;
  jump: IptablesTarget | null;
  goto: IptablesTarget | null;
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

export const NONE: readonly never[] = [];

/** A reader for the rules of one text, whose lines are split into `words`. */
export const ruleReader = (text: string, words: Words): RuleReader => ({
  words,
  text,
  chains: new Map(),
  missing: new Set(),
  interned: {
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

/** The conditions of the rules that the last line stands for; nearly always one rule. */
export const variantsOf = ({ matches, lists }: RuleReader): readonly (readonly IptablesMatch[])[] =>
  lists.reduce<readonly (readonly IptablesMatch[])[]>(
    (variants, { place, alternatives }) =>
      variants.flatMap((variant) =>
        alternatives.map((alternative) => variant.map((match, index) => (index === place ? alternative : match))),
      ),
    [matches.slice()],
  );

/** Notes that the words from one to another are not understood. */
export const problem = (draft: RuleReader, code: RuleProblem['code'], from: number, to: number): void => {
  draft.problems = [...draft.problems, { code, from, to }];
};

/** The words from one to another as they stand in the text. */
export const raw = ({ words, text }: RuleReader, from: number, to: number): string =>
  text.slice(words.starts[from] ?? 0, words.ends[to] ?? text.length);
