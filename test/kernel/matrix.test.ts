import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runPhases } from '../../src/lab/command.ts';
import { kernelHasIpvs, kernelOpensSctp } from '../../src/lab/kernel-features.ts';
import { labExec } from '../../src/lab/lab.ts';
import { MODES, type Mode } from '../../src/lab/mode.ts';
import { namespaceOf, type Place } from '../../src/lab/place.ts';
import { probe, type Probe, type Reached } from '../../src/lab/probe.ts';
import { perl } from '../../src/lab/program.ts';
import { PROTOCOLS } from '../../src/net/protocol.ts';
import { good } from '../support/good.ts';
import { withGuardedLab, type GuardedLab } from '../support/guarded-lab.ts';
import { moreManifests, moreServiceCommands } from '../support/more-services.ts';
import { admin, type Manifest } from '../support/policies.ts';
import { outcomeOf, ownAddresses } from './captured-outcomes.ts';
import {
  addressOf,
  HEALTH_CHECK,
  HOST_ADDRESSES,
  HOST_PORT,
  isJudged,
  LOCAL_VIP,
  localVipCells,
  matrixCells,
  SECONDARY,
  type Cell,
} from './matrix-cells.ts';

// Every client at every door of a node (matrix-cells.ts), once allowed and once refused. Allowed is: what it comes to
// without Portcullis. Refused is: silence, or an answer where the policy says Reject.

/**
 * Who is allowed; all the others are refused. Each place is allowed in one of these rounds and refused in the other.
 */
const ALLOWED: readonly (readonly Place[])[] = [
  ['same-lan', 'outside-b', 'outside-d', 'pod-99'],
  ['outside-a', 'outside-c', 'node-2', 'pod-64', 'pod-68'],
];

const REFUSED_AFTER_MS = 500;
/** For who is answered: an emulated machine may need its time, and loses packets when it has none. */
const ANSWERED_WITHIN_MS = 20_000;
const TRIES = 3;

/** Only the doors of this protocol, where one is named (test/machines/rows.ts). */
const PROTOCOL = process.env['MATRIX_PROTOCOL'];
const isAsked = ({ probe: { protocol } }: Cell): boolean => PROTOCOL === undefined || protocol === PROTOCOL;

const HAS_IPVS = await kernelHasIpvs();

describe('the matrix of clients and doors', () => {
  for (const mode of MODES)
    if (mode !== 'ipvs' || HAS_IPVS) test(`mode ${mode}, on this kernel`, (t) => matrix(mode, t));
});

const matrix = async (mode: Mode, t: TestContext): Promise<void> => {
  const sctp = await kernelOpensSctp();
  await withGuardedLab(`matrix-${mode}`, mode, async (lab) => {
    await addDoors(lab, sctp);
    const cells = matrixCells(mode, sctp).filter(isAsked);
    await meetNeighbours(lab, cells);
    const [first = [], second = []] = ALLOWED;
    const vip = localVipCells(mode).filter(isAsked);
    const rejected = cells.filter(isAmongRejected);
    const wrong: string[] = [];

    await lab.apply(...moreManifests, ...policies(first));
    wrong.push(...(await round(lab, cells, { allowed: first })));

    await lab.apply(...moreManifests, ...policies(second));
    const judged = cells.filter((cell) => isJudged(cell, false));
    wrong.push(...(await round(lab, judged, { allowed: second })));
    if (vip.length > 0) {
      await lab.onNode(['ip', 'address', 'add', `${LOCAL_VIP}/32`, 'dev', 'lo']);
      wrong.push(...(await round(lab, vip, { allowed: second })));
    }

    await lab.apply(...moreManifests, ...policies([], { otherwise: 'Reject', healthCheckNamed: true }));
    wrong.push(...(await round(lab, rejected, { allowed: [], reject: true })));

    t.diagnostic(`${cells.length + judged.length + vip.length + rejected.length} cells`);
    assert.equal(wrong.join('\n'), '');
  });
};

/**
 * Asks every address that is asked later at a port where nothing listens and nothing guards, until the network has
 * found all ways.
 */
const meetNeighbours = async ({ name }: GuardedLab, cells: readonly Cell[]): Promise<void> => {
  const own = new Set<string>(HOST_ADDRESSES);
  const ways = new Map(
    cells
      .filter(({ probe: { from, to } }) => from !== 'node-1' && own.has(to))
      .map(({ probe: { from, to } }) => [`${from} ${to}`, { from, to, protocol: 'tcp', port: 29_999 } as const]),
  );
  for (let tries = 1; ways.size > 0; tries += 1) {
    assert.ok(tries <= 10, `not reached: ${[...ways.keys()].join(', ')}`);
    const asked = [...ways];
    const reached = await probe(
      name,
      asked.map(([, way]) => ({ ...way, timeoutMs: 2000 })),
    );
    assert.ok(reached.ok, JSON.stringify(reached));
    for (const [index, [way]] of asked.entries()) if (reached.value[index]?.outcome === 'refused') ways.delete(way);
  }
};

/** More Services, secondary addresses, and servers of the node itself. */
const addDoors = async ({ name, mode, onNode }: GuardedLab, sctp: boolean): Promise<void> => {
  await onNode(['ip', 'address', 'add', `${SECONDARY[4]}/32`, 'dev', 'eth0']);
  // Else kube-proxy would masquerade with it.
  await onNode(['ip', 'address', 'add', `${SECONDARY[6]}/128`, 'dev', 'eth0', 'nodad', 'preferred_lft', '0']);
  // A UDP or SCTP server bound to no address answers from the one that the kernel prefers, which may be none that the
  // client asked.
  const everywhere = ['0.0.0.0', '::'];
  const addresses = { tcp: everywhere, sctp: HOST_ADDRESSES, udp: [...everywhere, ...HOST_ADDRESSES] };
  const sockets = PROTOCOLS.filter((protocol) => sctp || protocol !== 'sctp').flatMap((protocol) =>
    addresses[protocol].map((address) => `${protocol},${address},${HOST_PORT},host`),
  );
  good(
    await runPhases([
      ...moreServiceCommands(name, { mode, sctp }),
      [{ argv: perl('echo.pl', [namespaceOf(name, 'node-1'), ...sockets].join(' ')) }],
    ]),
  );
};

/** The same rules for every Service with all its exposures, and for every port of the range. */
const policies = (
  allowed: readonly Place[],
  { otherwise = 'Drop', healthCheckNamed = false } = {},
): readonly Manifest[] => {
  const addresses = allowed.flatMap((place) => [`${addressOf(place, 4)}/32`, `${addressOf(place, 6)}/128`]);
  const rules = [...(allowed.length > 0 ? [`Accept ${addresses.join(', ')}`] : []), 'Deny everyone'];
  const exposures = ['NodePort', 'LoadBalancer', 'ExternalIP'];
  return [
    admin('services', 100, rules, { exposures, otherwise }),
    admin('ports', 100, rules, { subject: { ports: ['30000-32767'] }, otherwise }),
    ...(healthCheckNamed ? [admin('health', 100, rules, { subject: { ports: [HEALTH_CHECK] }, otherwise })] : []),
  ];
};

interface Round {
  readonly allowed: readonly Place[];
  readonly reject?: boolean;
}

/**
 * Tries every cell; gives those that came out otherwise than they must. Silence alone proves nothing: who was refused
 * must stand in the ledger, and nobody else may. What was lost on its way is tried again.
 */
const round = async (
  lab: GuardedLab,
  cells: readonly Cell[],
  { allowed, reject = false }: Round,
): Promise<readonly string[]> => {
  const isRefused = (cell: Cell): boolean => isJudged(cell, reject) && !allowed.includes(cell.probe.from);
  const expectedOf = (cell: Cell): ReadonlySet<string> =>
    isRefused(cell) ? REFUSED[reject ? cell.probe.protocol : 'silently'] : cell.unguarded;
  const wrong: string[] = [];
  let before = await lab.denied();
  let left = cells;
  for (let tries = 1; left.length > 0; tries += 1) {
    const seen = await outcomes(lab, left, expectedOf);
    const denied = await lab.denied();
    const again = left.filter((cell) => {
      const [expected, outcome] = [expectedOf(cell), seen.get(cell) ?? 'not tried'];
      const noted = !isRefused(cell) || mayNotArrive(cell) || denied.has(entryOf(cell));
      if (expected.has(outcome) && noted) return false;
      const mayBeLost = expected.has(outcome) || isLoss(cell, outcome);
      if (mayBeLost && tries < TRIES) return true;
      const where = noted ? '' : ', and not in the ledger';
      wrong.push(`${nameOf(cell)}: ${outcome}${where} instead of ${[...expected].join(' or ')}`);
      return false;
    });
    const refused = new Set(cells.filter(isRefused).map(entryOf));
    wrong.push(
      ...[...denied.difference(before).difference(refused)]
        .filter((entry) => !isLateAnswer(entry, cells))
        .map((entry) => `in the ledger: ${entry}`),
    );
    before = denied;
    left = again;
  }
  return wrong.map((what) => `allowed: ${allowed.join(' ')}. ${what}`);
};

const nameOf = ({ probe: { from, protocol, to, port } }: Cell): string => `${from} ${protocol} ${to} ${port}`;

/**
 * What an overloaded network comes to: a packet, or a neighbour's answer, did not arrive in time; or, with SCTP on a
 * slow processor, the association was aborted, before or after it stood. A guard that refuses somebody does neither to
 * whom it let in, and never aborts an association.
 */
const isLoss = ({ probe: { protocol } }: Cell, outcome: string): boolean =>
  outcome.endsWith('timeout') ||
  outcome === 'host-unreachable' ||
  outcome === 'connected-no-answer:reset' ||
  (protocol === 'sctp' && outcome === 'refused');

/**
 * A pod's SCTP answer to a port that nobody asked, which kube-proxy chose for a masqueraded connection: on a slow
 * machine it may come when the connection is over and forgotten. One that was refused before that would show in the
 * cell that waits for it.
 */
const isLateAnswer = (entry: string, cells: readonly Cell[]): boolean => {
  const [source = '', , protocol, port] = entry.split(' ');
  return protocol === 'sctp' && PODS.has(source) && !cells.some(({ probe: { port: asked } }) => asked === Number(port));
};

const PODS = new Set(
  (['pod-64', 'pod-68', 'pod-99'] as const).flatMap((pod) => [addressOf(pod, 4), addressOf(pod, 6)]),
);

/** As the ledger would have it. */
const entryOf = ({ probe: { from, protocol, to, port, source } }: Cell): string =>
  `${source ?? addressOf(from, to.includes(':') ? 6 : 4)} ${to} ${protocol} ${port}`;

/** Where the network loses packets by itself, some never reach the guard. */
const mayNotArrive = ({ unguarded }: Cell): boolean => [...unguarded].some((outcome) => outcome.endsWith('timeout'));

/** An SCTP client goes on trying after "port unreachable" (net/sctp/input.c, sctp_v4_err: only a soft error). */
const REFUSED: Readonly<Record<'silently' | 'tcp' | 'udp' | 'sctp', ReadonlySet<string>>> = {
  silently: new Set(['timeout']),
  tcp: new Set(['refused']),
  udp: new Set(['refused']),
  sctp: new Set(['timeout']),
};

/** What the cells come to, all at the same time, in the words of captured-outcomes.ts. */
const outcomes = async (
  lab: GuardedLab,
  cells: readonly Cell[],
  expectedOf: (cell: Cell) => ReadonlySet<string>,
): Promise<ReadonlyMap<Cell, string>> => {
  const patient = cells.map((cell) => {
    const silent = [...expectedOf(cell)].some((outcome) => outcome.endsWith('timeout'));
    return { ...cell, probe: { ...cell.probe, timeoutMs: silent ? REFUSED_AFTER_MS : ANSWERED_WITHIN_MS } };
  });
  const called = patient.filter(({ shouted }) => !shouted).map((cell) => cell.probe);
  const [answers, heard] = await Promise.all([
    probe(lab.name, called),
    Promise.all(patient.map((cell) => (cell.shouted ? shout(lab, cell.probe) : Promise.resolve(null)))),
  ]);
  assert.ok(answers.ok, JSON.stringify(answers));
  const reached = answers.value.values();
  return new Map(
    cells.map((cell, index) => {
      const result = heard[index] ?? reached.next().value;
      return [cell, result === undefined ? 'not tried' : outcomeOf(result, ownAddresses(cell.probe))];
    }),
  );
};

const SHOUT = fileURLToPath(new URL('../support/shout.pl', import.meta.url));

const shout = async ({ name }: GuardedLab, { from, source, to, port, timeoutMs }: Probe): Promise<Reached> => {
  const { stdout, stderr } = await labExec(name, from, ['perl', SHOUT, `${timeoutMs}`, `${source} ${to} ${port}`]);
  const [endpoint = '', sourceSeen] = stdout.trim().split(' ');
  return sourceSeen === undefined
    ? { outcome: endpoint || stderr, endpoint: null, sourceSeen: null }
    : { outcome: 'connected', endpoint, sourceSeen };
};

/** Rejections are rate-limited (DESIGN.md: best effort), 50 at once: not every cell can be answered. */
const isAmongRejected = ({ probe: { from, port, to }, shouted, unguarded }: Cell): boolean =>
  (from === 'pod-99' || from === 'node-1' || (from === 'same-lan' && port < 30_400)) &&
  (port === HEALTH_CHECK || port === HOST_PORT || port === 30_001 || port >= 30_700 || to === '192.0.2.201') &&
  !shouted &&
  !unguarded.has('refused');
