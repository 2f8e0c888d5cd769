import { parseAddress, type Address } from '../../src/net/address.ts';
import { good } from './good.ts';

/** An address as it is written; fails where it is none. */
export const address = (text: string): Address => good(parseAddress(text));
