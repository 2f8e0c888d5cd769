import { parseAddress, type Address } from '../../src/net/address.ts';

/** An address as it is written; fails where it is none. */
export const address = (text: string): Address => {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
};
