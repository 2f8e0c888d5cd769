import { widthOf, writtenBetween } from './rule-options.ts';
import { problem, raw, type RuleReader } from './rule-reader.ts';
import { TARGET_MODULES } from './target/target-modules.ts';

/** `-j` and `-g` at a word, with the options of the target; returns the word behind them, or -1. */
export const readJump = (draft: RuleReader, at: number, isGoto: boolean): number => {
  const { words, interned } = draft;
  const name = words.list[at + 1];
  if (name === undefined || draft.target !== null) return -1;
  const module = isGoto ? undefined : TARGET_MODULES.get(name);
  if (module === undefined || (draft.chains.get(name)?.declared === true && !VERDICTS.has(name))) {
    const following = words.list[at + 2];
    if (!isGoto && following?.startsWith('--') === true && !draft.chains.has(name)) {
      problem(draft, 'target-unknown', at, words.count - 1);
      draft.target = { kind: 'unknown', text: raw(draft, at + 1, words.count - 1) };
      return words.count;
    }
    const chain = draft.chains.get(name);
    if (chain === undefined) {
      draft.missing.add(name);
      draft.target = { kind: isGoto ? 'goto' : 'jump', chain: name };
    } else if (isGoto) draft.target = chain.goto ??= { kind: 'goto', chain: name };
    else draft.target = chain.jump ??= { kind: 'jump', chain: name };
    return at + 2;
  }
  const { options } = module;
  let end = at + 2;
  for (let width = widthOf(words, end, options); width > 0; width = widthOf(words, end, options)) end += width;
  const key = raw(draft, at + 1, end - 1);
  // Each endpoint has its own DNAT.
  const known = name === 'DNAT' ? undefined : interned.targets.get(key);
  if (known !== undefined) {
    draft.target = known;
    return end;
  }
  // An option of the target that is not known makes the whole target unknown.
  const strange = words.list[end]?.startsWith('--') === true;
  const target = strange ? null : module.read(writtenBetween(words, at + 2, end, options), name);
  if (target === null) {
    problem(draft, 'target-unknown', at, words.count - 1);
    draft.target = { kind: 'unknown', text: raw(draft, at + 1, words.count - 1) };
    return words.count;
  }
  if (name !== 'DNAT') interned.targets.set(key, target);
  draft.target = target;
  return end;
};

const VERDICTS: ReadonlySet<string> = new Set(['ACCEPT', 'DROP', 'RETURN', 'QUEUE']);
