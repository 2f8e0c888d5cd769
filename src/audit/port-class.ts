import { PROTOCOL_NUMBER, type Protocol } from '../net/protocol.ts';
import { single, type Value } from '../ruleset/data-type.ts';
import { lower } from '../ruleset/lower.ts';
import type { MapElement } from '../ruleset/map-element.ts';
import { rulesText } from '../ruleset/same-rules.ts';
import { readingsText, type Reading } from '../ruleset/reading.ts';
import type { Step } from '../ruleset/step.ts';
import type { Table } from '../ruleset/table.ts';
import type { Verdict } from '../ruleset/verdict.ts';
import { find } from '../simulate/set-index.ts';

/** Ports of one class are treated alike by a table, up to the names of the chains: what holds at one holds at all of them. */
export type PortClass = (protocol: Protocol, port: number) => string;

/** A verdict map that is looked up by protocol and port; `key` says which value stands where. */
interface Reader {
  readonly key: readonly ('protocol' | 'port')[];
  readonly elements: readonly MapElement[];
}

/**
 * Tells at which ports a table treats packets to this node's own addresses alike, so that thousands of ports under one policy are judged
 * once. null where a rule reads ports in another way than by a verdict map of protocol and port: then every port stands for itself.
 */
export const portClasses = (table: Table): PortClass | null => {
  const readers = new Map<string, Reader>();
  for (const { rules } of table.chains.values())
    for (const rule of rules)
      for (const step of lower(rule)) {
        const reader = readerOf(table, step);
        if (reader === 'unclear') return null;
        if (reader !== null) readers.set(readerName(step, readers.size), reader);
      }
  const chains = new Map<string, string>();
  const nameOf = (verdict: Verdict): string => {
    if (!('chain' in verdict)) return verdict.kind;
    const known = chains.get(verdict.chain);
    if (known !== undefined) return `${verdict.kind} ${known}`;
    const chain = table.chains.get(verdict.chain);
    const text = chain === undefined ? `no ${verdict.chain}` : rulesText(chain.rules);
    chains.set(verdict.chain, text);
    return `${verdict.kind} ${text}`;
  };
  const list = [...readers.values()];
  return (protocol, port) => {
    const values = { protocol: single(PROTOCOL_NUMBER[protocol]), port: single(port) };
    return list
      .map(({ key, elements }) => {
        const found = find(
          elements,
          key.map((part): Value => values[part]),
        );
        return found === null ? '' : nameOf(found.verdict);
      })
      .join('\n');
  };
};

const PORTS: ReadonlySet<Reading> = new Set(['destination-port', 'source-port']);

const readerName = (step: Step, next: number): string =>
  step.kind === 'verdict-map' && typeof step.map === 'string'
    ? `${step.map} ${readingsText(step.key)}`
    : `inline ${next}`;

/** What a step's outcome depends on among ports; null: on none; `unclear`: on ports together with what varies beside them. */
const readerOf = (table: Table, step: Step): Reader | 'unclear' | null => {
  if (step.kind === 'test') return PORTS.has(step.field) ? 'unclear' : null;
  if (step.kind === 'lookup')
    return step.key.length === 1 && step.key.some((field) => PORTS.has(field)) ? 'unclear' : null;
  if (step.kind !== 'verdict-map') return null;
  const ports = step.key.filter((field) => PORTS.has(field));
  if (ports.length === 0) return null;
  const others = step.key.filter((field) => !PORTS.has(field) && field !== 'protocol');
  // An address that no rule names finds no key of such a map, and a packet of a server is not known by its destination port.
  if (ports.length === 1 && ports[0] === 'destination-port' && others.every((field) => field === 'destination')) {
    if (others.length > 0) return null;
  } else if (ports.length > 1 || others.length > 0) return 'unclear';
  const map = typeof step.map === 'string' ? table.sets.get(step.map) : null;
  const elements = typeof step.map === 'string' ? (map?.kind === 'verdict-map' ? map.elements : []) : step.map;
  return { key: step.key.map((field) => (field === 'protocol' ? 'protocol' : 'port')), elements };
};
