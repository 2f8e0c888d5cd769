import type { Span } from '../../../diagnostic/diagnostic.ts';

/** A word of nft's text language. `end`: a line break or `;`; `quoted`: it was in quotes. */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'mark' | 'end';
  readonly text: string;
  readonly span: Span;
  /** From 1. */
  readonly line: number;
}

/** Of each character up to 127: 0 part of a word, 1 blank, 2 line break or `;`, 3 mark, 4 quote or remark. */
const CLASS = new Uint8Array(128);
for (const char of ' \t\r') CLASS[char.charCodeAt(0)] = 1;
for (const char of '\n;') CLASS[char.charCodeAt(0)] = 2;
for (const char of '{}(),=&|^!<>') CLASS[char.charCodeAt(0)] = 3;
for (const char of '"#') CLASS[char.charCodeAt(0)] = 4;

const TWO: ReadonlySet<string> = new Set(['==', '!=', '<=', '>=', '<<', '>>']);
const COLON = 58;
const BACKSLASH = 92;

/** `22:` is a key and its colon; `fe80::` is an address. */
const endsWithColon = (text: string, start: number, end: number): boolean =>
  end - start > 1 && text.charCodeAt(end - 1) === COLON && text.charCodeAt(end - 2) !== COLON;

const isBlankAt = (text: string, at: number): boolean =>
  at >= text.length || [1, 2].includes(CLASS[text.charCodeAt(at)] ?? 0);

/**
 * Cuts a text of nft's language (nft(8), LEXICAL CONVENTIONS) into words. Comments are left out, except the handle that
 * `nft -a` prints as one: `# handle 7` becomes the word `#7`.
 */
export const tokenizeNft = (text: string): readonly Token[] => {
  const tokens: Token[] = [];
  let line = 1;
  let at = 0;
  const push = (kind: Token['kind'], word: string, start: number, end: number): void => {
    tokens.push({ kind, text: word, span: { start, end }, line });
  };
  while (at < text.length) {
    const start = at;
    const code = text.charCodeAt(at);
    switch (code < 128 ? CLASS[code] : 0) {
      case 1:
        at++;
        break;
      case 2:
        push('end', text.charAt(at), start, ++at);
        if (code === 10) line++;
        break;
      case 3: {
        const two = text.slice(at, at + 2);
        const mark = TWO.has(two) ? two : text.charAt(at);
        at += mark.length;
        push('mark', mark, start, at);
        break;
      }
      case 4:
        if (code === 34) {
          const stop = text.indexOf('"', at + 1);
          at = stop === -1 ? text.length : stop + 1;
          push('quoted', text.slice(start + 1, stop === -1 ? at : at - 1), start, at);
        } else {
          const stop = text.indexOf('\n', at);
          at = stop === -1 ? text.length : stop;
          const handle = /^# handle (\d+)\s*$/.exec(text.slice(start, at))?.[1];
          if (handle !== undefined) push('word', `#${handle}`, start, at);
        }
        break;
      default:
        if (code === BACKSLASH && /^\\\r?\n/.test(text.slice(at, at + 3))) {
          at = text.indexOf('\n', at) + 1;
          line++;
        } else if (code === COLON && isBlankAt(text, at + 1)) push('mark', ':', start, ++at);
        else {
          at = wordEnd(text, at);
          if (endsWithColon(text, start, at)) {
            push('word', text.slice(start, at - 1), start, at - 1);
            push('mark', ':', at - 1, at);
          } else push('word', text.slice(start, at), start, at);
        }
    }
  }
  push('end', '\n', text.length, text.length);
  return tokens;
};

/** `[fd00::1]:80` and `10.0.0.0/8` are one word. */
const wordEnd = (text: string, from: number): number => {
  let at = from + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code < 128 && CLASS[code] !== 0) break;
    at++;
  }
  return at;
};
