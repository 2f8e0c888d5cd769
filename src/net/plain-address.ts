// Well-formed addresses, character by character: large listings hold hundreds of thousands. What is wrong with others
// is said elsewhere.

/** The groups of the address that {@link plainIPv6} looks at: it calls nothing that calls it. */
const GROUPS = new Uint16Array(8);

/** The value of a hexadecimal digit by its character, or -1. */
const hexDigit = (code: number): number => {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
};

/** A well-formed IPv6 address of hexadecimal groups, character by character as {@link plainIPv4}. null: look closer. */
export const plainIPv6 = (text: string): bigint | null => {
  if (text.length > 39) return null;
  let [count, gap, index] = [0, -1, 0];
  if (text.startsWith('::')) [gap, index] = [0, 2];
  while (index < text.length) {
    let [value, digits] = [0, 0];
    for (; index < text.length; index++, digits++) {
      const digit = hexDigit(text.charCodeAt(index));
      if (digit === -1) break;
      value = value * 16 + digit;
    }
    if (digits === 0 || digits > 4 || count === 8) return null;
    GROUPS[count++] = value;
    if (index === text.length) break;
    if (text.charCodeAt(index++) !== COLON) return null;
    if (text.charCodeAt(index) === COLON) {
      if (gap !== -1) return null;
      gap = count;
      index++;
    } else if (index === text.length) return null;
  }
  if (gap === -1 ? count !== 8 : count > 7) return null;
  if (gap !== -1) {
    GROUPS.copyWithin(8 - count + gap, gap, count);
    GROUPS.fill(0, gap, 8 - count + gap);
  }
  const value = (halfOf(0) << 64n) | halfOf(4);
  // Mapped IPv4 addresses are refused with their own words.
  return value >> 32n === 0xffffn ? null : value;
};

const COLON = 58;

/** Four groups from `start` on. */
const halfOf = (start: number): bigint => {
  const [a = 0, b = 0, c = 0, d = 0] = GROUPS.subarray(start, start + 4);
  return (BigInt(a * 65_536 + b) << 32n) | BigInt(c * 65_536 + d);
};

/**
 * A well-formed IPv4 address as a number, character by character: large listings hold hundreds of thousands. -1: look
 * closer.
 */
export const plainIPv4 = (text: string): number => {
  if (text.length > 15) return -1;
  let [value, part, dots] = [0, -1, 0];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 46) {
      if (part === -1) return -1;
      value = value * 256 + part;
      part = -1;
      dots++;
    } else if (code >= 48 && code <= 57 && part !== 0) {
      part = part === -1 ? code - 48 : part * 10 + code - 48;
      if (part > 255) return -1;
    } else return -1;
  }
  return dots === 3 && part !== -1 ? value * 256 + part : -1;
};
