import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kernelHasIpvs } from '../../src/lab/kernel-features.ts';
import { labDown, labUp } from '../../src/lab/lab.ts';
import { MODES, type Mode } from '../../src/lab/mode.ts';
import { probe } from '../../src/lab/probe.ts';
import { capturedOutcomes, outcomeOf, ownAddresses, type Captured } from './captured-outcomes.ts';

/** Endpoints are chosen at random: of three, one stays unseen in 90 tries once in 10^15. */
const ROUNDS = 30;
const TRIES = 3;

/** Connections at the same time: no more than an emulated node can bear on a busy machine. */
const AT_ONCE = 150;

const HAS_IPVS = await kernelHasIpvs();

describe('the lab behaves as the captured node did', () => {
  for (const mode of MODES)
    if (mode !== 'ipvs' || HAS_IPVS)
      test(`kube-proxy in mode ${mode}`, async () => {
        const seen = await inLab(mode, (lab) => outcomesSeen(lab, capturedOutcomes(mode)));
        assert.ok(seen.length > 200);
        assert.deepEqual(seen.flatMap(difference), []);
      });
});

const inLab = async <T>(mode: Mode, use: (lab: string) => Promise<T>): Promise<T> => {
  const lab = `outcomes-${mode}`;
  const up = await labUp(lab, { mode });
  assert.ok(up.ok, JSON.stringify(up));
  try {
    return await use(lab);
  } finally {
    await labDown(lab);
  }
};

interface Seen extends Captured {
  /** In the order in which they came. */
  readonly seen: string[];
}

/**
 * Probes every cell once, so that session affinity is settled, then all that may have more outcomes until they have
 * shown.
 */
const outcomesSeen = async (lab: string, cells: readonly Captured[]): Promise<readonly Seen[]> => {
  const all = cells.map((cell): Seen => ({ ...cell, seen: [] }));
  await probeRound(lab, all, 1);
  for (let round = 0; round < ROUNDS; round += 1) {
    const open = all.filter((cell) => worthMore(cell, round));
    await probeRound(lab, open, TRIES);
  }
  return all;
};

const worthMore = ({ how, outcomes, seen }: Seen, round: number): boolean =>
  how === 'all' && outcomes.size > 1
    ? outcomes.size > new Set(seen).size
    : round === 0 && ![...outcomes].some((outcome) => outcome.endsWith('timeout'));

const probeRound = async (lab: string, cells: readonly Seen[], tries: number): Promise<void> => {
  const asked = cells.flatMap((cell) => Array.from({ length: tries }, () => cell));
  for (let start = 0; start < asked.length; start += AT_ONCE) {
    const part = asked.slice(start, start + AT_ONCE);
    const reached = await probe(
      lab,
      part.map(({ probe, outcomes }) => ({ ...probe, timeoutMs: patience(outcomes) })),
    );
    assert.ok(reached.ok, JSON.stringify(reached));
    for (const [index, result] of reached.value.entries()) {
      const cell = part[index];
      if (cell !== undefined) cell.seen.push(outcomeOf(result, ownAddresses(cell.probe)));
    }
  }
};

/** How long to wait, in milliseconds: where an answer is expected, longer than a busy machine could need. */
const patience = (outcomes: ReadonlySet<string>): number => {
  if (outcomes.has('timeout')) return 500;
  return outcomes.has('connected-no-answer:timeout') ? 5000 : 30_000;
};

const nameOf = ({ probe: { from, source = '', protocol, to, port } }: Captured): string =>
  `${from} ${source} ${protocol} ${to} ${port}`;

/** How a cell differs from what was captured. */
const difference = (cell: Seen): { cell: string; seen: string[]; captured: string[] }[] => {
  const seen = new Set(cell.seen);
  const same = cell.how === 'all' ? cell.outcomes.symmetricDifference(seen).size === 0 : seen.isSubsetOf(cell.outcomes);
  const steady = cell.how !== 'one' || seen.size === 1;
  return same && steady ? [] : [{ cell: nameOf(cell), seen: [...seen].sort(), captured: [...cell.outcomes].sort() }];
};
