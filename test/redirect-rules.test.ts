import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { guardsOf } from '../src/access/guard-of.ts';
import type { Access } from '../src/access/model.ts';
import { applyIptablesChange } from '../src/change-ruleset/iptables-change.ts';
import { redirectChanges } from '../src/export/redirect.ts';
import { formatAddress, type Address } from '../src/net/address.ts';
import { ofFamily } from '../src/net/address-set.ts';
import { difference, EVERY_ADDRESS, intersection, isEmpty, NO_ADDRESS, union } from '../src/net/prefix-set.ts';
import { PROTOCOL_NUMBER, PROTOCOLS, type Protocol } from '../src/net/protocol.ts';
import type { Ruleset } from '../src/ruleset/ruleset.ts';
import { evaluate } from '../src/simulate/simulate.ts';
import { address } from './support/address.ts';
import { nodeWith, savedTables } from './support/node-with.ts';
import { anyAccess } from './support/random-access.ts';

const NODE = nodeWith({ 'iptables-nft-save.txt': savedTables({ nat: [] }), 'ip6tables-nft-save.txt': null });

/** The node's own addresses, and some of load balancers that are nowhere else. */
const DESTINATIONS: readonly Address[] = [address('192.0.2.10'), address('192.0.2.200'), address('192.0.2.201')];
const isOwn = ({ value }: Address): boolean => value === DESTINATIONS[0]?.value;

const PORTS = [80, 30_000, 30_001, 30_002, 30_005, 30_010, 30_020, 30_021];

const withRules = (access: Access): Ruleset => ({
  ...NODE,
  tables: redirectChanges(access, 4).reduce((tables, change) => {
    const result = applyIptablesChange(tables, change);
    assert.ok(result.kind === 'changed', JSON.stringify(result));
    return result.tables;
  }, NODE.tables),
});

/** Who is redirected to where nothing listens, and who goes on, of new connections from everywhere. */
const judgedBy = (ruleset: Ruleset, protocol: Protocol, destination: Address, destinationPort: number) => {
  let [refused, admitted] = [NO_ADDRESS[4], NO_ADDRESS[4]];
  const leaves = evaluate(ruleset, {
    family: 4,
    sources: EVERY_ADDRESS[4],
    destination: destination.value,
    protocol: PROTOCOL_NUMBER[protocol],
    destinationPort,
    sourcePort: null,
    entry: { kind: 'interface', name: 'eth0' },
    state: 'new',
    direction: 'original',
    fields: new Map(),
  });
  for (const { sources, outcome } of leaves)
    if (outcome.to?.port === 65_535) refused = union(refused, sources);
    // Of the others some are no sources that a packet can come from.
    else if (['delivered', 'local', 'forwarded'].includes(outcome.result)) admitted = union(admitted, sources);
  return { refused, admitted };
};

const allowedAt = (access: Access, protocol: Protocol, destination: Address, port: number) => {
  const guard = guardsOf(access);
  const exposure = guard(protocol, port, destination) ?? (isOwn(destination) ? guard(protocol, port, 'local') : null);
  const selection = access.selections.get(exposure?.selection ?? '');
  return selection === undefined ? EVERY_ADDRESS[4] : ofFamily(selection.allowed, 4);
};

describe('the classic rules, simulated', () => {
  test('let in exactly whom the access allows, as the own table does (IPv4, new connections)', () => {
    const seen = { refused: 0, admitted: 0 };
    fc.assert(
      fc.property(anyAccess, (access) => {
        const ruleset = withRules(access);
        for (const destination of DESTINATIONS)
          for (const protocol of PROTOCOLS)
            for (const port of PORTS) {
              const { refused, admitted } = judgedBy(ruleset, protocol, destination, port);
              const allowed = allowedAt(access, protocol, destination, port);
              const where = `${formatAddress(destination)} ${port}/${protocol}`;
              assert.ok(isEmpty(intersection(refused, allowed)), `${where} refuses somebody`);
              assert.ok(isEmpty(difference(admitted, allowed)), `${where} admits somebody`);
              if (!isEmpty(refused)) seen.refused++;
              if (!isEmpty(admitted)) seen.admitted++;
            }
      }),
      { numRuns: 60 },
    );
    assert.ok(seen.refused > 100 && seen.admitted > 100, JSON.stringify(seen));
  });
});
