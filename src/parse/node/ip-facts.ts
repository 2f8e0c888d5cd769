import type { Family } from '../../net/family.ts';
import type { Prefix } from '../../net/prefix.ts';
import type { HostAddress, Link, Route, RoutingRule } from '../../ruleset/host.ts';
import { readAddress, readAddressMask } from '../values/dump-values.ts';

/** The facts of dumps of `ip`; null: not given. */
export interface IpFacts {
  readonly links: readonly Link[] | null;
  readonly addresses: readonly HostAddress[] | null;
  readonly routes: readonly Route[] | null;
  readonly rules: readonly RoutingRule[] | null;
}

/** What the caller knows about a dump of `ip` that does not say it itself. */
export interface IpHints {
  readonly family?: Family;
}

const WIDTHS: Readonly<Record<Family, number>> = { 4: 32, 6: 128 };

/** `192.0.2.0/24`, `192.0.2.1`; null when it is something else. */
export const readPrefix = (text: string): Prefix | null => {
  const masked = readAddressMask(text);
  if (masked === null) return null;
  const slash = text.indexOf('/');
  const length = slash === -1 ? WIDTHS[masked.family] : Number(text.slice(slash + 1));
  return Number.isInteger(length) ? { family: masked.family, address: masked.address, length } : null;
};

/** Every address of a family. */
export const everything = (family: Family): Prefix => ({ family, address: 0n, length: 0 });

/** Where a route goes: `default`, a prefix or an address. */
export const readDestination = (text: string, family: Family): Prefix | null =>
  text === 'default' || text === 'all' || text === 'any' ? everything(family) : readPrefix(text);

/** The family of the first of some texts that is an address or prefix. */
export const familyOfTexts = (...texts: readonly (string | null | undefined)[]): Family | null => {
  for (const text of texts) {
    if (text == null || text === '') continue;
    const address = readAddress(text.split('/')[0] ?? '');
    if (address !== null) return address.family;
  }
  return null;
};

export const ROUTE_TYPES: ReadonlySet<string> = new Set([
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'unreachable',
  'blackhole',
  'prohibit',
  'throw',
  'nat',
]);
