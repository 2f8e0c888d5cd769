import { formatAddress, parseAddress } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import type { TraceEvent, TracedHeader } from '../parse/kernel-trace.ts';
import type { Verdict } from '../ruleset/verdict.ts';
import { hopsOf, pathsOf, type Hop } from './hops.ts';
import type { Place } from './place.ts';
import type { Header, Trace } from './trace.ts';

/** A visit of a base chain as the kernel told it. */
export interface KernelHop {
  readonly engine: TraceEvent['engine'];
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly header: TracedHeader | null;
  readonly events: readonly TraceEvent[];
}

const BUILT_IN: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);

/** Legacy iptables does not say where a visit begins: another table, or another built-in chain. */
const beginsHop = (event: TraceEvent, current: KernelHop | undefined): boolean =>
  event.engine === 'nft'
    ? event.event.kind === 'packet'
    : current === undefined ||
      current.engine !== event.engine ||
      current.table !== event.table ||
      (BUILT_IN.has(event.chain) && event.chain !== current.chain);

/** The events of one packet as visits of base chains; tables that `ignored` names (the tracer's own) are left out. */
export const kernelHops = (
  events: readonly TraceEvent[],
  ignored: (family: string, table: string) => boolean,
): readonly KernelHop[] => {
  const hops: (Omit<KernelHop, 'events'> & { readonly events: TraceEvent[] })[] = [];
  for (const event of events) {
    const { engine, family, table, chain, header } = event;
    if (ignored(family, table)) continue;
    const current = hops.at(-1);
    if (beginsHop(event, current) || current === undefined)
      hops.push({ engine, family, table, chain, header, events: [] });
    if (event.event.kind !== 'packet') hops.at(-1)?.events.push(event);
  }
  return hops;
};

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

/** The first difference between a visit as simulated and as the kernel told it; null: none. */
const difference = (family: Family, own: Hop | undefined, kernel: KernelHop | undefined): string | null => {
  if (own === undefined || kernel === undefined) {
    if (own === undefined) return kernel === undefined ? null : `the kernel went on to ${kernel.table} ${kernel.chain}`;
    const { table, chain } = own.entered.at as Rule;
    return `the kernel did not enter ${table.name} ${chain.name}`;
  }
  const { table, chain } = own.entered.at as Rule;
  const name = `${table.family} ${table.name} ${chain.name}`;
  const kernelName = `${kernel.family} ${kernel.table} ${kernel.chain}`;
  if (name !== kernelName) return `the kernel entered ${kernelName}, not ${name}`;
  if (kernel.header !== null && !sameHeader(own.entered.header, kernel.header))
    return `${name}: the kernel saw ${tracedText(kernel.header)}, not ${headerText(family, own.entered.header)}`;
  const handles =
    kernel.events.some(({ event }) => event.kind === 'rule' && event.handle !== null) &&
    own.events.every(({ at, kind }) => {
      const place = at as Rule;
      return kind !== 'rule' || place.number === 'policy' || place.chain.rules[place.number - 1]?.handle !== undefined;
    });
  const theirs = kernel.events.flatMap((event) => kernelKey(event, handles) ?? []);
  let index = 0;
  for (const event of own.events) {
    const key = eventKey(kernel.engine, event, handles);
    if (key === null) continue;
    if (theirs[index] === key) index++;
    else if (event.kind !== 'rule' || event.perhaps !== true)
      return `${name}: the kernel did ${theirs[index] ?? 'nothing more'}, not ${key}`;
  }
  return index === theirs.length ? null : `${name}: the kernel did ${theirs[index]}, not nothing more`;
};

/** A chain without rules: some tools list it though the kernel has none, so that its visit proves nothing. */
const isIdle = ({ entered }: Hop): boolean => {
  const { chain } = entered.at as Rule;
  return chain.rules.length === 0 && chain.base?.policy !== 'drop';
};

const nameOf = ({ entered }: Hop): string => {
  const { table, chain } = entered.at as Rule;
  return `${table.family} ${table.name} ${chain.name}`;
};

/** How far a simulated way goes along with the kernel's: the number of visits that are alike, and the first difference. */
const along = (family: Family, hops: readonly Hop[], kernel: readonly KernelHop[], partly: boolean) => {
  const idle = new Set(hops.filter(isIdle).map(nameOf));
  const own = hops.filter((hop) => !isIdle(hop));
  const theirs = kernel.filter((hop) => !idle.has(`${hop.family} ${hop.table} ${hop.chain}`));
  for (let index = 0; index < (partly ? theirs.length : Math.max(own.length, theirs.length)); index++) {
    const told = difference(family, own[index], theirs[index]);
    if (told !== null) return { alike: index, told };
  }
  return { alike: theirs.length, told: null };
};

/** Whether the kernel's way is one of the simulated ways; else the first difference from the one that goes along furthest. */
export type Agreement =
  | { readonly agrees: true; /** Into the outcomes of the trace. */ readonly outcome: number }
  | { readonly agrees: false; readonly difference: string };

/**
 * Compares what the kernel told about a packet with its simulation: base chains entered, the packet at their entry, rules matched,
 * verdicts. Legacy traces give rule numbers, nft's handles where it was asked for them. `partly`: the kernel's trace may end early.
 */
export const agreement = (trace: Trace, kernel: readonly KernelHop[], partly = false): Agreement => {
  const { family } = trace.packet;
  let best: { readonly alike: number; readonly told: string } = { alike: -1, told: 'nothing was simulated' };
  for (const { steps, outcome } of pathsOf(trace)) {
    const { alike, told } = along(family, hopsOf(steps), kernel, partly);
    if (told === null) return { agrees: true, outcome };
    if (alike > best.alike) best = { alike, told };
  }
  return { agrees: false, difference: best.told };
};
