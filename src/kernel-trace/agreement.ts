import { formatAddress, parseAddress } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import type { TraceEvent, TracedHeader } from './nft-trace.ts';
import type { Engine } from '../ruleset/engine.ts';
import type { Verdict } from '../ruleset/values/verdict.ts';
import { hopsOf, pathsOf, type Hop } from '../simulate/hops.ts';
import type { KernelHop } from './kernel-hops.ts';
import type { Place } from '../simulate/state/place.ts';
import type { Header, Trace } from '../simulate/state/trace.ts';
import type { TableFamily } from '../ruleset/values/table-family.ts';

const written = (family: Family, value: bigint | null): string =>
  value === null ? '?' : formatAddress({ family, value });

const headerText = (
  family: Family,
  { source, destination, sourcePort, destinationPort, in: from, out }: Header,
): string =>
  `${written(family, source)}:${sourcePort ?? '*'} -> ${written(family, destination)}:${destinationPort ?? '*'} in=${from} out=${out}`;

const tracedText = ({ source, destination, sourcePort, destinationPort, in: from, out }: TracedHeader): string =>
  `${source}:${sourcePort ?? '*'} -> ${destination}:${destinationPort ?? '*'} in=${from} out=${out}`;

const valueOf = (text: string): bigint | null => {
  const parsed = parseAddress(text);
  return parsed.ok ? parsed.value.value : null;
};

/** An unknown source port fits any. */
const sameHeader = (own: Header, kernel: TracedHeader): boolean =>
  own.source === valueOf(kernel.source) &&
  own.destination === valueOf(kernel.destination) &&
  (own.sourcePort === null || own.sourcePort === kernel.sourcePort) &&
  own.destinationPort === kernel.destinationPort &&
  own.in === kernel.in &&
  own.out === kernel.out;

/** As the kernel's trace writes it: a reject is a drop, a rewriting an accept. */
const verdictText = (verdict: Verdict | null): string => {
  switch (verdict?.kind) {
    case undefined:
    case 'continue':
      return 'continue';
    case 'jump':
    case 'goto':
      return `${verdict.kind} ${verdict.chain}`;
    case 'reject':
      return 'drop';
    case 'accept':
    case 'drop':
    case 'return':
    case 'queue':
      return verdict.kind;
  }
};

type Rule = Extract<Place, { kind: 'rule' }>;

/** What both sides can be compared by. */
const eventKey = (engine: TraceEvent['engine'], event: Hop['events'][number], withHandles: boolean): string | null => {
  const at = event.at as Rule;
  const number = at.number === 'policy' ? at.chain.rules.length + 1 : at.number;
  if (engine === 'iptables-legacy') return `${at.chain.name} ${number}`;
  if (event.kind === 'return') return null;
  if (event.kind === 'policy') return `policy ${event.verdict}`;
  const handle = at.chain.rules[number - 1]?.handle;
  const verdict = verdictText(event.verdict);
  return withHandles && handle !== undefined
    ? `${at.chain.name} handle ${handle} ${verdict}`
    : `${at.chain.name} ${verdict}`;
};

const kernelKey = ({ engine, chain, event }: TraceEvent, withHandles: boolean): string | null => {
  switch (event.kind) {
    case 'packet':
      return null;
    case 'rule':
      if (engine === 'iptables-legacy') return `${chain} ${event.number}`;
      return withHandles && event.handle !== null
        ? `${chain} handle ${event.handle} ${event.verdict}`
        : `${chain} ${event.verdict}`;
    case 'policy':
      return engine === 'iptables-legacy' ? `${chain} ${event.number}` : `policy ${event.verdict}`;
    case 'return':
      return engine === 'iptables-legacy' ? `${chain} ${event.number}` : null;
  }
};

/** The same name can stand in legacy iptables and in nftables. */
const fullName = (isLegacy: boolean, family: TableFamily, table: string, chain: string): string =>
  `${isLegacy ? 'legacy ' : ''}${family} ${table} ${chain}`;

const nameOf = ({ entered }: Hop): string => {
  const { table, chain } = entered.at as Rule;
  return fullName(table.engine === 'iptables-legacy', table.family, table.name, chain.name);
};

const kernelNameOf = ({ engine, family, table, chain }: KernelHop): string =>
  fullName(engine === 'iptables-legacy', family, table, chain);

/**
 * The first difference between a visit as simulated (`partly`: its beginning alone) and as the kernel told it; null:
 * none.
 */
const difference = (
  family: Family,
  own: Hop | undefined,
  kernel: KernelHop | undefined,
  partly: boolean,
): string | null => {
  if (own === undefined || kernel === undefined) {
    if (own === undefined) return kernel === undefined ? null : `the kernel went on to ${kernelNameOf(kernel)}`;
    return `the kernel did not enter ${nameOf(own)}`;
  }
  const [name, kernelName] = [nameOf(own), kernelNameOf(kernel)];
  if (name !== kernelName) return `the kernel entered ${kernelName}, not ${name}`;
  if (kernel.header !== null && !sameHeader(own.entered.header, kernel.header))
    return `${name}: the kernel saw ${tracedText(kernel.header)}, not ${headerText(family, own.entered.header)}`;
  const handles =
    kernel.events.some(({ event }) => event.kind === 'rule' && event.handle !== null) &&
    own.events.every(({ at, kind }) => {
      const place = at as Rule;
      return kind !== 'rule' || place.number === 'policy' || place.chain.rules[place.number - 1]?.handle !== undefined;
    });
  const theirs = kernel.events.flatMap((event) => {
    const key = kernelKey(event, handles);
    // Some events have no handle though others have one.
    return key === null
      ? []
      : [{ key, handles: handles && event.event.kind === 'rule' && event.event.handle !== null }];
  });
  let index = 0;
  for (const event of own.events) {
    const their = theirs[index];
    const key = eventKey(kernel.engine, event, their?.handles ?? handles);
    if (key === null) continue;
    if (their?.key === key) index++;
    else if (event.kind !== 'rule' || event.perhaps !== true)
      return `${name}: the kernel did ${their?.key ?? 'nothing more'}, not ${key}`;
  }
  return partly || index === theirs.length ? null : `${name}: the kernel did ${theirs[index]?.key}, not nothing more`;
};

/** A chain without rules: some tools list it though the kernel has none, so that its visit proves nothing. */
const isIdle = ({ entered }: Hop): boolean => {
  const { chain } = entered.at as Rule;
  return chain.rules.length === 0 && chain.base?.policy !== 'drop';
};

/**
 * How far a simulated way goes along with the kernel's: the number of visits that are alike, and the first difference.
 * Where the simulation `gaveUp`, what the kernel did from there on is no difference.
 */
const along = (
  family: Family,
  hops: readonly Hop[],
  kernel: readonly KernelHop[],
  { partly, untold }: TraceCoverage,
  gaveUp: boolean,
) => {
  const idle = new Set(hops.filter(isIdle).map(nameOf));
  const own = hops.filter((hop) => !isIdle(hop) && (hop.entered.at as Rule).table.engine !== untold);
  const theirs = kernel.filter((hop) => !idle.has(kernelNameOf(hop)));
  const both = Math.max(own.length, theirs.length);
  const until = Math.min(partly ? theirs.length : both, gaveUp ? own.length : both);
  for (let index = 0; index < until; index++) {
    const found = difference(family, own[index], theirs[index], gaveUp && index === own.length - 1);
    if (found !== null) return { alike: index, difference: found };
  }
  return { alike: until, difference: null };
};

/**
 * Whether the kernel's way is one of the simulated ways; else the first difference from the one that goes along
 * furthest.
 */
export type Agreement =
  | {
      readonly agrees: true;
      /** Into the outcomes of the trace. */
      readonly outcome: number;
      /** As far as the simulation goes: it cannot tell the end of this way. */
      readonly gaveUp: boolean;
    }
  | { readonly agrees: false; readonly difference: string; /** Visits before it. */ readonly alike: number };

/** How much the kernel told. */
export interface TraceCoverage {
  /** It may have told the beginning alone. */
  readonly partly: boolean;
  /** Nothing of these tables. */
  readonly untold?: Engine | null;
}

/**
 * Compares what the kernel told about a packet with its simulation: base chains entered, the packet at their entry,
 * rules matched, verdicts. Legacy traces give rule numbers, nft's handles where it was asked for them.
 */
export const agreement = (
  trace: Trace,
  kernel: readonly KernelHop[],
  coverage: TraceCoverage = { partly: false },
): Agreement => {
  const { family } = trace.packet;
  let best = { alike: -1, difference: 'nothing was simulated' };
  let partly: Agreement | null = null;
  for (const { steps, outcome } of pathsOf(trace)) {
    const gaveUp = trace.outcomes[outcome]?.result === 'unknown';
    const { alike, difference: found } = along(family, hopsOf(steps), kernel, coverage, gaveUp);
    if (found === null && !gaveUp) return { agrees: true, outcome, gaveUp };
    if (found === null) partly = { agrees: true, outcome, gaveUp };
    else if (alike > best.alike) best = { alike, difference: found };
  }
  return partly ?? { agrees: false, ...best };
};
