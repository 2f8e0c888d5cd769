import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PROTOCOL_NUMBER, type Protocol } from '../src/net/protocol.ts';
import { readNftTraceLine, type TraceEvent } from '../src/kernel-trace/nft-trace.ts';
import { readLegacyTraceLine } from '../src/kernel-trace/legacy-trace.ts';
import type { Ruleset } from '../src/ruleset/ruleset.ts';
import { agreement } from '../src/kernel-trace/agreement.ts';
import { kernelHops } from '../src/kernel-trace/kernel-hops.ts';
import { onePacket } from '../src/simulate/state/packet-set.ts';
import { simulate, type OrderName } from '../src/simulate/simulate.ts';
import { address } from './support/address.ts';
import {
  CAPTURED_MODES,
  capturedFiles,
  capturedNode,
  withClassicRule,
  type CapturedMode,
} from './support/captured-node.ts';

const eventsOf = (text: string): readonly TraceEvent[] =>
  text.split('\n').flatMap((line) => readNftTraceLine(line) ?? readLegacyTraceLine(line) ?? []);

/** Traces 17 to 19 were taken with a classic rule of an administrator in place. */
const rulesetOf = (mode: CapturedMode, file: string): Ruleset => {
  const flavour = mode === 'iptables-legacy' || mode === 'ipvs' ? 'legacy' : 'nft';
  if (/^trace-1[78]/.test(file)) return withClassicRule(mode, 'REDIRECT', flavour);
  if (file.startsWith('trace-19')) return withClassicRule(mode, 'INPUT-DROP', flavour);
  return capturedNode(mode, 'small');
};

const ORDER: readonly OrderName[] = [
  { family: 'ip', table: 'nat', chain: null },
  { family: 'ip', table: 'kube-proxy', chain: null },
];

/**
 * nft gives a packet another trace id when it leaves a bridge or comes back over lo (net/netfilter/nf_tables_trace.c):
 * these captures end there.
 */
const ENDS_EARLY = /^trace-(?:08-pod|09-node|10-node)/;

describe("the kernel's way is one of the simulated ways, hop by hop", () => {
  for (const mode of CAPTURED_MODES)
    for (const [file, text] of capturedFiles(mode, 'small')) {
      if (!file.startsWith('trace-')) continue;
      test(`${mode}: ${file}`, () => {
        const ruleset = rulesetOf(mode, file);
        const names = new Set(ruleset.tables.map(({ family, name }) => `${family} ${name}`));
        const events = eventsOf(text);
        // The tracer's own table, and the chain raw that only arms it, are in no dump.
        const hops = kernelHops(events, (family, table) => !names.has(`${family} ${table}`) || table === 'raw');
        const header = events.find((event) => event.header !== null)?.header;
        assert.ok(header != null && hops.length > 0);
        const packet = onePacket({
          source: address(header.source),
          destination: address(header.destination),
          protocol: PROTOCOL_NUMBER[header.protocol as Protocol],
          sourcePort: header.sourcePort,
          destinationPort: header.destinationPort,
          entry: header.in === '' ? { kind: 'node' } : { kind: 'interface', name: header.in },
        });
        const partly = mode !== 'iptables-legacy' && mode !== 'ipvs' && ENDS_EARLY.test(file);
        const told = agreement(simulate(ruleset, packet, { order: ORDER }), hops, { partly });
        assert.equal(told.agrees ? null : told.difference, null);
      });
    }
});
