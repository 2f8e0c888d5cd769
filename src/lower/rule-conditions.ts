import type { Address } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import { PROTOCOL_NUMBER, PROTOCOLS, type Protocol } from '../net/protocol.ts';
import type { PortRange } from '../net/port.ts';
import type { Value } from '../ruleset/values/data-type.ts';
import { lower } from './lower.ts';
import type { AnyRule } from '../ruleset/table.ts';

/** What a rule says about the packets that it matches, as far as single steps tell; null: nothing. */
export interface RuleConditions {
  readonly protocol: Protocol | null;
  readonly ports: readonly PortRange[] | null;
  readonly destination: Address | null;
}

const rangesOf = (values: readonly Value[]): readonly PortRange[] =>
  values.flatMap((value) => (value.kind === 'range' ? [{ first: Number(value.first), last: Number(value.last) }] : []));

/** The transport protocol with a number; null: another one. */
export const protocolOf = (number: bigint): Protocol | null =>
  PROTOCOLS.find((protocol) => BigInt(PROTOCOL_NUMBER[protocol]) === number) ?? null;

/**
 * Reads the conditions of a rule from its steps: enough to tell what a dispatch rule of kube-proxy or Docker is for.
 */
export const conditionsOf = (rule: AnyRule, family: Family): RuleConditions => {
  let protocol: Protocol | null = null;
  let ports: readonly PortRange[] | null = null;
  let destination: Address | null = null;
  for (const step of lower(rule)) {
    if (step.kind !== 'test' || step.negate) continue;
    const [value] = step.values;
    if (step.field === 'protocol' && value?.kind === 'range') protocol = protocolOf(value.first);
    else if (step.field === 'destination-port') ports = rangesOf(step.values);
    else if (step.field === 'destination' && value?.kind === 'range' && value.first === value.last)
      destination = { family, value: value.first };
  }
  return { protocol, ports, destination };
};

/** A rule for all ports is no list of ports. */
const MOST_PORTS = 4096;

/**
 * Something for each port that a rule is for, at most 4096 of a range. A port without a named protocol stands for all
 * protocols.
 */
export const eachPort = <T>(
  { protocol, ports }: Pick<RuleConditions, 'protocol' | 'ports'>,
  make: (protocol: Protocol, port: number) => T,
): readonly T[] =>
  (ports ?? []).flatMap(({ first, last }) =>
    (protocol === null ? PROTOCOLS : [protocol]).flatMap((one) =>
      Array.from({ length: Math.min(last - first + 1, MOST_PORTS) }, (_, index) => make(one, first + index)),
    ),
  );
