import { PROTOCOL_NUMBER, type Protocol } from '../../net/protocol.ts';
import { lower } from '../../lower/lower.ts';
import type { MapElement } from '../../ruleset/values/map-element.ts';
import { rulesText } from '../../print/same-rules.ts';
import { readingsText, readsPort, type ValueSource } from '../../lower/value-source.ts';
import type { Step } from '../../lower/step.ts';
import { verdictElements, type Table } from '../../ruleset/table.ts';
import type { Verdict } from '../../ruleset/values/verdict.ts';
import { findElements } from '../../simulate/match/element-index.ts';

/**
 * Ports of one class are treated alike by a table, up to the names of the chains: what holds at one holds at all of
 * them.
 */
export type PortClass = (protocol: Protocol, port: number) => string;

/** A verdict map that is looked up by protocol and port; `key` says which value stands where. */
interface Reader {
  readonly key: readonly ('protocol' | 'port')[];
  readonly elements: readonly MapElement[];
}

/**
 * Tells at which ports a table treats packets to this node's own addresses alike, so that thousands of ports under one
 * policy are judged once. null where a rule reads ports in another way than by a verdict map of protocol and port: then
 * every port stands for itself.
 */
export const portClasses = (table: Table): PortClass | null => {
  const readers = new Map<string, Reader>();
  for (const rules of new Set([...table.chains.values()].map((chain) => chain.rules)))
    for (const rule of rules)
      for (const step of lower(rule)) {
        const reader = readerOf(table, step);
        if (reader === 'unclear') return null;
        if (reader !== null) readers.set(readerName(step, readers.size), reader);
      }
  const chains = new Map<string, number>();
  const texts = new Map<string, number>();
  const classOf = (name: string): number => {
    const chain = table.chains.get(name);
    const text = chain === undefined ? `no ${name}` : rulesText(chain.rules);
    const number = texts.get(text) ?? texts.size;
    texts.set(text, number);
    chains.set(name, number);
    return number;
  };
  const nameOf = (verdict: Verdict): string =>
    'chain' in verdict ? `${verdict.kind} ${chains.get(verdict.chain) ?? classOf(verdict.chain)}` : verdict.kind;
  const list = [...readers.values()];
  return (protocol, port) => {
    const values = { protocol: BigInt(PROTOCOL_NUMBER[protocol]), port: BigInt(port) };
    return list
      .map(({ key, elements }) => {
        const [found] = findElements(
          elements,
          key.map((part) => values[part]),
        );
        return found === undefined ? '' : nameOf(found.verdict);
      })
      .join('\n');
  };
};

const PORTS: ReadonlySet<ValueSource> = new Set(['destination-port', 'source-port']);

const readerName = (step: Step, next: number): string =>
  step.kind === 'verdict-map' && typeof step.map === 'string'
    ? `${step.map} ${readingsText(step.key)}`
    : `inline ${next}`;

/**
 * What a step's outcome depends on among ports; null: on none; `unclear`: on ports in a way that is not looked into
 * here.
 */
const readerOf = (table: Table, step: Step): Reader | 'unclear' | null => {
  switch (step.kind) {
    case 'test':
      return readsPort(step.field) ? 'unclear' : null;
    case 'lookup':
      return step.key.some(readsPort) ? 'unclear' : null;
    case 'verdict-map':
      return mapReader(table, step);
    case 'maybe':
    case 'record':
    case 'note':
    case 'notrack':
    case 'verdict':
    case 'unknown':
      return null;
    case 'any':
    case 'choose':
    case 'ipset':
    case 'write':
    case 'nat':
    case 'tproxy':
      return 'unclear';
  }
};

const mapReader = (table: Table, { key, map }: Extract<Step, { kind: 'verdict-map' }>): Reader | 'unclear' | null => {
  if (key.some((reading) => typeof reading !== 'string')) return 'unclear';
  const ports = key.filter((field) => PORTS.has(field));
  if (ports.length === 0) return null;
  const others = key.filter((field) => !PORTS.has(field) && field !== 'protocol');
  // An address that no rule names finds no key of such a map, and a packet of a server is not known by its destination
  // port.
  if (ports.every((field) => field === 'destination-port') && others.every((field) => field === 'destination')) {
    if (others.length > 0) return null;
  } else if (ports.some((field) => field !== 'destination-port') || others.length > 0) return 'unclear';
  const set = typeof map === 'string' ? table.sets.get(map) : null;
  const elements = typeof map === 'string' ? verdictElements(set ?? undefined) : map;
  return { key: key.map((field) => (field === 'protocol' ? 'protocol' : 'port')), elements };
};
