import type { Cursor } from './cursor.ts';

/** Names of priorities in the families ip, ip6 and inet (nft(8), "Standard priority names"). */
const NAMED: Readonly<Record<string, number>> = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
  out: 100,
};

/** `filter`, `dstnat - 40`, `-140`, `mangle+1`. A name that is not known counts as filter. */
export const readTextPriority = (cursor: Cursor): number => {
  const first = cursor.next().text;
  const joined = /^([a-z]+)([+-]\d+)?$/.exec(first);
  const base = joined === null ? Number(first) : (NAMED[joined[1] ?? ''] ?? 0) + Number(joined[2] ?? 0);
  const sign = cursor.peek().text;
  if (cursor.peek().kind !== 'word') return base;
  if (sign === '+' || sign === '-') {
    cursor.next();
    const offset = Number(cursor.next().text);
    return sign === '+' ? base + offset : base - offset;
  }
  if (!/^[+-]\d+$/.test(sign)) return base;
  cursor.next();
  return base + Number(sign);
};
