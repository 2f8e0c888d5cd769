import type { Token } from './tokens.ts';

/** A position in a list of words, which moves on as they are read. */
export interface Cursor {
  /** The word `ahead` positions on, without taking it. */
  readonly peek: (ahead?: number) => Token;
  readonly next: () => Token;
  /** Takes the next word when it is this one. */
  readonly take: (text: string) => boolean;
  readonly atEnd: () => boolean;
  readonly position: () => number;
  readonly goTo: (position: number) => void;
}

const NOTHING: Token = { kind: 'end', text: '', span: { start: 0, end: 0 }, line: 0 };

/** Reads `tokens` from their start. */
export const cursorOf = (tokens: readonly Token[]): Cursor => {
  let at = 0;
  const last = tokens.at(-1) ?? NOTHING;
  const peek = (ahead = 0): Token => tokens[at + ahead] ?? last;
  return {
    peek,
    next: () => {
      const token = peek();
      at++;
      return token;
    },
    take: (text) => {
      const token = peek();
      if (token.kind === 'quoted' || token.text !== text) return false;
      at++;
      return true;
    },
    atEnd: () => at >= tokens.length,
    position: () => at,
    goTo: (position) => {
      at = position;
    },
  };
};
