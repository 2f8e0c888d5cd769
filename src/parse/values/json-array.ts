const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_BRACE, CLOSE_BRACE, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5d];

/** The index after the string of JSON that begins at `start`, or -1 where it does not end. */
const endOfString = (text: string, start: number): number => {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text.charCodeAt(at - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return at + 1;
  }
  return -1;
};

/**
 * The index after the object of JSON that begins at `start`, or -1 where it does not end. It looks only at strings and
 * braces.
 */
const endOfObject = (text: string, start: number): number => {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at) - 1;
      if (at < 0) return -1;
    } else if (code === OPEN_BRACE) depth++;
    else if (code === CLOSE_BRACE && --depth === 0) return at + 1;
  }
  return -1;
};

/**
 * Parses the objects of an array in a text of JSON one by one, from the index after its opening bracket on. So a large
 * array is never in memory as a whole. Gives the index after the closing bracket. Throws SyntaxError as JSON.parse
 * does, also for members that are no objects.
 */
export const eachObject = (text: string, start: number, take: (object: unknown) => void): number => {
  const next = /[^\s]/g;
  const from = (index: number): number => {
    next.lastIndex = index;
    return next.exec(text)?.index ?? text.length;
  };
  let at = from(start);
  if (text.charCodeAt(at) === CLOSE_BRACKET) return at + 1;
  for (;;) {
    const end = text.charCodeAt(at) === OPEN_BRACE ? endOfObject(text, at) : -1;
    if (end < 0) throw new SyntaxError('an object was expected');
    take(JSON.parse(text.slice(at, end)));
    at = from(end);
    if (text.charCodeAt(at) === CLOSE_BRACKET) return at + 1;
    if (text[at] !== ',') throw new SyntaxError('a comma was expected');
    at = from(at + 1);
  }
};
