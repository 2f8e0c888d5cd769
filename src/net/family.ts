/** IPv4 or IPv6. */
export type Family = 4 | 6;

export const FAMILIES: readonly Family[] = [4, 6];

/** Bits in an address of the family. */
export const WIDTH: Readonly<Record<Family, 32 | 128>> = { 4: 32, 6: 128 };

/** The highest address of the family, as a number. */
export const LAST: Readonly<Record<Family, bigint>> = { 4: (1n << 32n) - 1n, 6: (1n << 128n) - 1n };
