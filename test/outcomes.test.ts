import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatAddress } from '../src/net/address.ts';
import { PROTOCOL_NUMBER, type Protocol } from '../src/net/protocol.ts';
import type { Ruleset } from '../src/ruleset/ruleset.ts';
import type { Outcome } from '../src/simulate/state/outcome.ts';
import { onePacket } from '../src/simulate/state/packet-set.ts';
import { sourceFor } from '../src/simulate/host/routing.ts';
import { simulate, type OrderName } from '../src/simulate/simulate.ts';
import { address } from './support/address.ts';
import {
  CAPTURED_MODES,
  capturedNode,
  capturedRows,
  withClassicRule,
  type CapturedMode,
} from './support/captured-node.ts';

/** What the connections of one client to one destination came to, and how often. */
interface Cell {
  readonly mode: CapturedMode;
  readonly situation: string;
  readonly client: string;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly seen: Map<string, number>;
}

const cells = (): readonly Cell[] => {
  const byKey = new Map<string, Cell>();
  for (const row of capturedRows()) {
    const [mode, situation = '', client = '', source = '', destination = '', port, protocol, outcome = ''] = row;
    const key = row.slice(0, 7).join(' ');
    const cell = byKey.get(key) ?? {
      mode: mode as CapturedMode,
      situation,
      client,
      source,
      destination,
      port: Number(port),
      protocol: protocol as Protocol,
      seen: new Map<string, number>(),
    };
    byKey.set(key, cell);
    const word = outcome === 'connected' ? `${row[8]}<${row[9]}` : outcome;
    cell.seen.set(word, (cell.seen.get(word) ?? 0) + Number(row[10]));
  }
  return [...byKey.values()];
};

/** Cells that this node does not decide, and why. */
const ELSEWHERE: readonly { readonly why: string; readonly is: (cell: Cell) => boolean }[] = [
  {
    why: 'the capturing kernel had no SCTP',
    is: ({ seen }) => [...seen.keys()].some((word) => word.startsWith('not-tested')),
  },
  {
    why: 'the packet never comes here: node-2 has no route to these addresses',
    is: ({ client, destination }) => client === 'node-2' && destination.startsWith('192.0.2.20'),
  },
  {
    why: 'an address in the network that nobody owns',
    is: ({ mode, destination, port }) => mode !== 'ipvs' && destination === '192.0.2.200' && port === 444,
  },
  {
    why: 'no rule knows this port of a ClusterIP: the router answers',
    is: ({ mode, destination, port }) => mode.startsWith('iptables') && destination === '10.96.10.1' && port === 81,
  },
  {
    why: 'no Service has this address: the router answers',
    is: ({ mode, destination }) => mode !== 'nftables' && destination === '10.96.77.77',
  },
  {
    why: 'the API server answers past node-1',
    is: ({ client, destination }) => client.startsWith('pod') && destination === '10.96.0.1',
  },
  {
    why: 'the endpoints of another node answer past node-1',
    is: ({ mode, port, client }) =>
      mode === 'ipvs' && port === 30_004 && !client.startsWith('pod') && client !== 'node-1',
  },
];

const VARIANTS: ReadonlySet<string> = new Set([
  'masqueradeAll',
  'nodePortAddresses-primary',
  'localhostNodePorts-false',
]);

const known = new Map<string, Ruleset>();

const rulesetOf = ({ mode, situation }: Cell): Ruleset => {
  const [, rule] = /^after-(REDIRECT|INPUT-DROP)/.exec(situation) ?? [];
  const set = VARIANTS.has(situation) ? `small-${situation}` : 'small';
  const flavour = mode === 'iptables-legacy' || mode === 'ipvs' || situation.endsWith('legacy') ? 'legacy' : 'nft';
  const key = `${mode} ${set} ${rule} ${flavour}`;
  const ruleset =
    known.get(key) ??
    (rule === undefined ? capturedNode(mode, set) : withClassicRule(mode, rule as 'REDIRECT' | 'INPUT-DROP', flavour));
  known.set(key, ruleset);
  return ruleset;
};

const KUBE_PROXY: OrderName = { family: 'ip', table: 'kube-proxy', chain: null };
const IPTABLES: OrderName = { family: 'ip', table: 'nat', chain: null };

/** Who registered last is in no dump: the case says it. */
const orderOf = ({ situation }: Cell): readonly OrderName[] =>
  /restarted|older/.test(situation) ? [KUBE_PROXY, IPTABLES] : [IPTABLES, KUBE_PROXY];

const outcomesOf = (cell: Cell): readonly Outcome[] => {
  const ruleset = rulesetOf(cell);
  const destination = address(cell.destination);
  const source = cell.source === '-' ? sourceFor(ruleset.host, destination) : address(cell.source);
  assert.ok(source !== null);
  const entry =
    cell.client === 'node-1'
      ? ({ kind: 'node' } as const)
      : ({ kind: 'interface', name: cell.client.startsWith('pod') ? 'cni0' : 'eth0' } as const);
  const protocol = PROTOCOL_NUMBER[cell.protocol];
  const packet = onePacket({ source, destination, protocol, destinationPort: cell.port, entry });
  return simulate(ruleset, packet, { order: orderOf(cell) }).outcomes;
};

/** An outcome in the words of the table. */
const wordOf = ({ result, to, source, client, listener }: Outcome, { destination, port }: Cell): string => {
  const { family } = address(destination);
  const written = (value: bigint): string => formatAddress({ family, value });
  if (result === 'forwarded' || result === 'unknown') return result;
  if (to === null || (result === 'local' && listener !== true)) return client;
  const host = family === 6 ? `[${written(to.address)}]` : written(to.address);
  const endpoint = result === 'local' && port === 22 ? 'node-1-sshd' : `${host}:${to.port}`;
  return `${endpoint}<${source === null ? '' : written(source)}`;
};

/** What nobody saw in so many tries must be rare. */
const isRareEnough = ({ probability }: Outcome, tries: number): boolean =>
  probability === null || (1 - Number(probability.over) / Number(probability.of)) ** tries >= 1e-6;

/** The server behind it does not speak. */
const silent = (word: string, said: ReadonlyMap<string, Outcome>): boolean =>
  word === 'connected-no-answer:timeout' && [...said.values()].some(({ client }) => client === 'connects');

const difference = (cell: Cell): readonly string[] => {
  const outcomes = outcomesOf(cell);
  const said = new Map(outcomes.map((outcome) => [wordOf(outcome, cell), outcome]));
  const tries = [...cell.seen.values()].reduce((sum, count) => sum + count, 0);
  const missing = [...cell.seen.keys()].filter((word) => !said.has(word) && !silent(word, said));
  const unseen = outcomes.filter(
    (outcome) =>
      outcome.assuming.length === 0 && !cell.seen.has(wordOf(outcome, cell)) && !isRareEnough(outcome, tries),
  );
  const isSilent = [...cell.seen.keys()].some((word) => silent(word, said));
  if (missing.length === 0 && (unseen.length === 0 || isSilent)) return [];
  const { client, source, destination, port, protocol, situation } = cell;
  return [
    `${situation}: ${client} ${source} -> ${destination}:${port}/${protocol}: seen ${[...cell.seen.keys()].join(' ')}, said ${[...said.keys()].join(' ')}`,
  ];
};

describe('the simulation says of captured nodes what real connections saw', () => {
  const all = cells();
  const decided = all.filter((cell) => !ELSEWHERE.some(({ is }) => is(cell)));
  for (const mode of CAPTURED_MODES) {
    const situations = new Set(decided.filter((cell) => cell.mode === mode).map(({ situation }) => situation));
    for (const situation of situations)
      test(`${mode}: ${situation}`, () => {
        const here = decided.filter((cell) => cell.mode === mode && cell.situation === situation);
        assert.ok(here.length > 0);
        assert.deepEqual(here.flatMap(difference), []);
      });
  }

  for (const { why, is } of ELSEWHERE.slice(1))
    test(`left to others: ${why}`, () => {
      const here = all.filter(is);
      assert.ok(here.length > 0);
      if (why.startsWith('the packet never')) return;
      for (const cell of here) for (const { client } of outcomesOf(cell)) assert.equal(client, 'depends');
    });
});

describe('a nat REDIRECT beside kube-proxy in nftables mode depends on who registered last', () => {
  const packet = onePacket({
    source: address('203.0.113.7'),
    destination: address('192.0.2.10'),
    protocol: 6,
    destinationPort: 30_001,
    entry: { kind: 'interface', name: 'eth0' },
  });
  const ruleset = withClassicRule('nftables', 'REDIRECT', 'nft');

  test('without a word on the order both ends are given, each with the chain that it assumes to run first', () => {
    const { outcomes } = simulate(ruleset, packet);
    const told = outcomes.map(({ result, assuming }) => [
      result,
      ...assuming.map(({ what, at }) => `${what} ${at.kind === 'rule' ? `${at.table.name} ${at.chain.name}` : ''}`),
    ]);
    assert.deepEqual(
      told.sort((a, b) => (a.join() < b.join() ? -1 : 1)),
      [
        ['delivered', 'order kube-proxy nat-prerouting'],
        ['delivered', 'order kube-proxy nat-prerouting'],
        ['delivered', 'order kube-proxy nat-prerouting'],
        ['local', 'order nat PREROUTING'],
      ],
    );
  });

  test('with the order given there is one answer', () => {
    const results = (order: readonly OrderName[]) => [
      ...new Set(simulate(ruleset, packet, { order }).outcomes.map(({ result }) => result)),
    ];
    assert.deepEqual(results([IPTABLES, KUBE_PROXY]), ['local']);
    assert.deepEqual(results([KUBE_PROXY, IPTABLES]), ['delivered']);
  });
});
