import { formatAddress } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import { prefixes, setOfRanges } from '../../net/prefix-set.ts';
import type { Value } from '../../ruleset/values/data-type.ts';
import type { Step } from '../../lower/step.ts';
import type { Header } from '../../simulate/state/trace.ts';
import { prefixText } from '../words/sources.ts';

/** A condition of a rule that a packet does not meet. */
export interface Unmet {
  readonly field: string;
  /** `it asks for destination port 30001, and there the packet has 8080`. */
  readonly words: string;
}

const FIELDS: Readonly<
  Record<string, { readonly name: string; readonly read: (header: Header) => bigint | string | null }>
> = {
  source: { name: 'source address', read: ({ source }) => source },
  destination: { name: 'destination address', read: ({ destination }) => destination },
  'source-port': { name: 'source port', read: ({ sourcePort }) => (sourcePort === null ? null : BigInt(sourcePort)) },
  'destination-port': {
    name: 'destination port',
    read: ({ destinationPort }) => (destinationPort === null ? null : BigInt(destinationPort)),
  },
  'in-interface': { name: 'incoming interface', read: (header) => header.in },
  'out-interface': { name: 'outgoing interface', read: ({ out }) => out },
  mark: { name: 'mark', read: ({ mark }) => mark },
};

const isAddress = (field: string): boolean => field === 'source' || field === 'destination';

const holds = (value: Value, is: bigint | string): boolean => {
  if (value.kind === 'range') return typeof is === 'bigint' && value.first <= is && is <= value.last;
  return value.kind === 'symbol' ? value.name === is : typeof is === 'string' && is.startsWith(value.name);
};

const valueText = (family: Family, field: string, value: Value): string => {
  if (value.kind !== 'range') return value.kind === 'wildcard' ? `${value.name}*` : value.name;
  if (isAddress(field)) return [...prefixes(setOfRanges(family, [value]))].map(prefixText).join(', ');
  return value.first === value.last ? String(value.first) : `${value.first}-${value.last}`;
};

/**
 * The condition of a rule that a packet with this header does not meet; null: none that can be said in simple words.
 */
export const unmetCondition = (family: Family, steps: readonly Step[], header: Header): Unmet | null => {
  for (const step of steps) {
    if (step.kind !== 'test' || typeof step.field !== 'string') continue;
    const { field, negate, values } = step;
    const known = FIELDS[field];
    const is = known?.read(header) ?? null;
    if (known === undefined || is === null || values.some((value) => holds(value, is)) !== negate) continue;
    const wanted = values.map((value) => valueText(family, field, value)).join(', ');
    const has =
      typeof is === 'string' ? is || 'none' : isAddress(field) ? formatAddress({ family, value: is }) : String(is);
    return {
      field,
      words: `it asks for ${known.name} ${negate ? 'other than ' : ''}${wanted}, and there the packet has ${has}`,
    };
  }
  return null;
};
