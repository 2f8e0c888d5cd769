import type { Token } from './tokens.ts';

/** A file has at most this many words, whatever its definitions hold. */
const MOST_TOKENS = 20_000_000;

/** Replaces each `$NAME` by what `define NAME = …` holds (nft(8), SYMBOLIC VARIABLES), and removes the definitions. */
export const expandDefinitions = (tokens: readonly Token[]): readonly Token[] => {
  if (!tokens.some(({ kind, text }) => kind === 'word' && (text === 'define' || text.startsWith('$')))) return tokens;
  const known = new Map<string, readonly Token[]>();
  const result: Token[] = [];
  const expand = (token: Token): readonly Token[] =>
    token.kind === 'word' && token.text.startsWith('$')
      ? (known.get(token.text.slice(1)) ?? [token]).map((part) => ({ ...part, line: token.line, span: token.span }))
      : [token];
  for (let at = 0; at < tokens.length && result.length < MOST_TOKENS; at++) {
    const token = tokens[at];
    if (token === undefined) break;
    const isDefinition = token.kind === 'word' && (token.text === 'define' || token.text === 'redefine');
    if (!isDefinition) {
      result.push(...expand(token));
      continue;
    }
    const name = tokens[at + 1]?.text ?? '';
    const value: Token[] = [];
    let depth = 0;
    for (at += 3; at < tokens.length; at++) {
      const part = tokens[at];
      if (part === undefined || (part.kind === 'end' && depth === 0)) break;
      if (part.kind === 'mark' && part.text === '{') depth++;
      if (part.kind === 'mark' && part.text === '}') depth--;
      if (part.kind !== 'end') value.push(...expand(part));
    }
    known.set(name, value);
  }
  return result;
};
