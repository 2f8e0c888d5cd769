import { formatAddress } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import { PROTOCOL_NUMBER, PROTOCOLS } from '../../net/protocol.ts';
import { prefixes } from '../../net/prefix-set.ts';
import { formatPrefix } from '../../net/prefix.ts';
import type { Assumption, Outcome } from '../../simulate/state/outcome.ts';
import type { PacketSet } from '../../simulate/state/packet-set.ts';
import { refOf } from '../../simulate/state/place.ts';
import type { Effect, Header } from '../../simulate/state/trace.ts';
import { endpointText } from '../words/endpoint-text.ts';
import { fractionText, markText } from '../words/number-words.ts';
import type { NodeView, StepView, TraceView } from './trace-view.ts';

// The contract of `explain -o json` (docs/explain.md). Fields may come, none goes or changes its meaning.

const addressText = (family: Family, value: bigint | null): string | null =>
  value === null ? null : formatAddress({ family, value });

const assumptionJson = ({ at, what, holds, why }: Assumption) => ({ ref: refOf(at), what, holds, why });

/** One entry of `outcomes[]`. */
export const outcomeJson = (family: Family, outcome: Outcome) => ({
  result: outcome.result,
  to: outcome.to === null ? null : endpointText(family, outcome.to),
  source: addressText(family, outcome.source),
  via: outcome.via === null ? null : { oif: outcome.via.oif, nextHop: addressText(family, outcome.via.nextHop) },
  where: outcome.where,
  listener: outcome.listener,
  reject: outcome.reject,
  client: outcome.client,
  returnPath: outcome.returnPath,
  probability: outcome.probability === null ? null : fractionText(outcome.probability),
  kind: outcome.kind,
  assuming: outcome.assuming.map(assumptionJson),
  decidedBy: refOf(outcome.decidedBy),
  ...(outcome.why === undefined ? {} : { why: outcome.why }),
  ...(outcome.gaveUp === true ? { gaveUp: true } : {}),
});

const headerJson = (family: Family, header: Header) => ({
  source: addressText(family, header.source),
  destination: addressText(family, header.destination),
  sourcePort: header.sourcePort,
  destinationPort: header.destinationPort,
  mark: markText(header.mark),
  in: header.in,
  out: header.out,
});

const effectJson = (family: Family, effect: Effect): Readonly<Record<string, unknown>> => {
  switch (effect.kind) {
    case 'mark':
    case 'ct-mark':
      return { kind: effect.kind, from: markText(effect.from), to: markText(effect.to) };
    case 'nat':
      return {
        kind: 'nat',
        how: effect.how,
        from: endpointText(family, effect.from),
        to: endpointText(family, effect.to),
      };
    case 'write':
    case 'notrack':
    case 'set':
    case 'record':
    case 'note':
      return { ...effect };
  }
};

const stepJson = (family: Family, step: StepView): Readonly<Record<string, unknown>> => {
  switch (step.kind) {
    case 'hop':
      return {
        kind: 'hop',
        hook: step.hook,
        priority: step.priority,
        at: refOf(step.at),
        packet: headerJson(family, step.header),
      };
    case 'rule':
      return {
        kind: 'rule',
        at: refOf(step.at),
        effects: step.effects.map((effect) => effectJson(family, effect)),
        verdict: step.verdict,
      };
    case 'return':
      return { kind: 'return', at: refOf(step.at) };
    case 'policy':
      return { kind: 'policy', at: refOf(step.at), verdict: step.verdict };
    case 'nat-skipped':
      return { ...step };
    case 'translated':
      return { kind: 'translated', hook: step.hook, by: step.by, packet: headerJson(family, step.header) };
    case 'route':
      return {
        kind: 'route',
        when: step.when,
        at: refOf(step.at),
        decision: step.decision,
        out: step.out,
        nextHop: addressText(family, step.nextHop),
        source: addressText(family, step.source),
      };
    case 'ipvs':
      return {
        kind: 'ipvs',
        hook: step.hook,
        at: refOf(step.at),
        to: step.to === null ? null : endpointText(family, step.to),
      };
    case 'socket':
      return { kind: 'socket', at: refOf(step.at), listener: step.listener };
  }
};

const nodeJson = (family: Family, { steps, next }: NodeView): Readonly<Record<string, unknown>> => ({
  steps: steps.map((step) => stepJson(family, step)),
  ...(next.kind === 'outcome'
    ? { outcome: next.index }
    : {
        fork: next.fork,
        at: refOf(next.at),
        branches: next.branches.map(({ share, assuming, node }) => ({
          share: share === null ? null : fractionText(share),
          assuming: assuming === null ? null : assumptionJson(assuming),
          ...nodeJson(family, node),
        })),
      }),
});

/** The packet that was simulated. */
export const packetJson = (packet: PacketSet) => ({
  family: packet.family,
  sources: [...prefixes(packet.sources)].map(formatPrefix),
  destination: addressText(packet.family, packet.destination),
  protocol: PROTOCOLS.find((protocol) => PROTOCOL_NUMBER[protocol] === packet.protocol) ?? packet.protocol,
  sourcePort: packet.sourcePort,
  destinationPort: packet.destinationPort,
  entry: packet.entry.kind === 'node' ? 'node' : packet.entry.name,
  state: packet.state,
});

/** A whole trace as data. */
export const traceJson = ({ packet, outcomes, root }: TraceView) => ({
  packet: packetJson(packet),
  outcomes: outcomes.map((outcome) => outcomeJson(packet.family, outcome)),
  trace: nodeJson(packet.family, root),
});
