import { LAST } from '../net/family.ts';
import { between, single, symbol, wildcard, type Value } from '../ruleset/values/data-type.ts';
import type { Field } from './field.ts';
import type { AddressMask, IptablesMatch, NumberRange } from '../ruleset/iptables/match.ts';
import type { ValueSource } from './value-source.ts';
import type { Step } from './step.ts';

export type MatchOf<K extends IptablesMatch['kind']> = Extract<IptablesMatch, { kind: K }>;

/** One value of the packet against some values. */
export const test = (field: ValueSource, negate: boolean, ...values: readonly Value[]): Step => ({
  kind: 'test',
  field,
  negate,
  values,
});

/** A range of numbers as a value. */
export const ofRange = ({ first, last }: NumberRange): Value => between(first, last);

/** `eth+` stands for every name that begins with eth; `+` alone for every name. */
export const interfaceValue = (name: string): Value =>
  name.endsWith('+') ? wildcard(name.slice(0, -1)) : symbol(name);

/** A masked address: a range where the mask is a prefix, else the bits themselves. */
export const addressTest = (field: Field, negate: boolean, { family, address, mask }: AddressMask): Step => {
  const hosts = LAST[family] ^ mask;
  if ((hosts & (hosts + 1n)) === 0n) return test(field, negate, between(address, address | hosts));
  return test({ kind: 'masked', field, and: mask, xor: 0n, shift: 0 }, negate, single(address));
};
