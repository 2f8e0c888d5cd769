/** The words of one line, in arrays that are used again for the next one. */
export interface Words {
  /** Behind the last word stands undefined. */
  readonly list: (string | undefined)[];
  /** Offsets into the text, of the first character (of the quote, where there is one) and behind the last. */
  readonly starts: number[];
  readonly ends: number[];
  count: number;
  /** A quotation that the line does not close, or a backslash at its end. */
  open: boolean;
  /** Where a remark behind the rule begins (` # …`); -1: there is none. */
  remark: number;
}

/** Room for the words of a line. */
export const emptyWords = (): Words => ({ list: [], starts: [], ends: [], count: 0, open: false, remark: -1 });

const SPACE = 32;
const TAB = 9;
const DOUBLE = 34;
const SINGLE = 39;
const HASH = 35;
const BACKSLASH = 92;

/**
 * Splits one line into words as iptables-restore does (iptables/xshared.c, add_param_to_argv): blanks separate, double
 * quotes group, a backslash inside them takes the next character as it is. With `shell`, single quotes group too, as on
 * a command line. A `#` that begins a word begins a remark, which iptables would not take but people write.
 */
export const splitWords = (words: Words, text: string, from: number, to: number, shell = false): void => {
  const { list, starts, ends } = words;
  let count = 0;
  let at = from;
  words.open = false;
  words.remark = -1;
  for (;;) {
    while (at < to) {
      const code = text.charCodeAt(at);
      if (code !== SPACE && code !== TAB) break;
      at++;
    }
    if (at >= to) break;
    const start = at;
    if (text.charCodeAt(at) === HASH) {
      words.remark = at;
      break;
    }
    let quoted = false;
    while (at < to) {
      const code = text.charCodeAt(at);
      if (code === SPACE || code === TAB) break;
      if (code === DOUBLE || (shell && (code === SINGLE || code === BACKSLASH))) {
        quoted = true;
        break;
      }
      at++;
    }
    if (quoted) {
      const rest = quotedWord(text, start, to, shell);
      list[count] = rest.word;
      at = rest.end;
      words.open ||= rest.open;
    } else list[count] = text.slice(start, at);
    starts[count] = start;
    ends[count] = at;
    count++;
  }
  words.count = count;
  // What an earlier line left behind must not be read as if it stood here.
  for (let behind = count; behind < count + 4; behind++) list[behind] = undefined;
};

const quotedWord = (
  text: string,
  from: number,
  to: number,
  shell: boolean,
): { readonly word: string; readonly end: number; readonly open: boolean } => {
  // Nearly always the whole word stands in quotes and nothing in it is escaped: then it is a slice of the text.
  if (text.charCodeAt(from) === DOUBLE) {
    let end = from + 1;
    for (; end < to; end++) {
      const code = text.charCodeAt(end);
      if (code === DOUBLE || code === BACKSLASH) break;
    }
    const after = end + 1 < to ? text.charCodeAt(end + 1) : SPACE;
    if (end < to && text.charCodeAt(end) === DOUBLE && (after === SPACE || after === TAB))
      return { word: text.slice(from + 1, end), end: end + 1, open: false };
  }
  let word = '';
  let quote = 0;
  let at = from;
  for (; at < to; at++) {
    const code = text.charCodeAt(at);
    if (quote === 0 && (code === SPACE || code === TAB)) break;
    if (code === BACKSLASH && (quote === DOUBLE || (shell && quote === 0))) {
      at++;
      if (at >= to) return { word, end: to, open: true };
      word += text.charAt(at);
    } else if (quote === 0 && (code === DOUBLE || (shell && code === SINGLE))) quote = code;
    else if (code === quote) quote = 0;
    else word += text.charAt(at);
  }
  return { word, end: at, open: quote !== 0 };
};
