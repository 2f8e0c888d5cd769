import assert from 'node:assert/strict';
import { runCommand } from '../../src/lab/command.ts';
import { namespaceOf, type Place } from '../../src/lab/place.ts';
import { probe, type Probe } from '../../src/lab/probe.ts';
import { perl } from '../../src/lab/program.ts';

/** Starts more echo servers in a place of a lab, each `PROTOCOL,ADDRESS,PORT,NAME`. */
export const serveIn = async (lab: string, place: Place, ...servers: readonly string[]): Promise<void> => {
  const { status, stderr } = await runCommand({
    argv: perl('echo.pl', [namespaceOf(lab, place), ...servers].join(' ')),
  });
  assert.equal(status, 0, stderr);
};

/** Silence is taken for a refusal after this time; where an answer is expected it is waited for much longer. */
const SILENCE_MS = 600;
const ANSWER_MS = 60_000;

/** A probe, and what should come of it: `connected`, or silence, or an answer that refuses. */
export type Expected = Probe & { readonly outcome: 'connected' | 'timeout' | 'refused'; readonly name?: string };

const nameOf = ({ name = '', from, protocol, source, to, port }: Expected): string =>
  [name, protocol, source ?? from, '→', to, port].filter((word) => word !== '').join(' ');

/** Probes a lab, and fails with a list of what came out otherwise. */
export const expectOutcomes = async (lab: string, when: string, expected: readonly Expected[]): Promise<void> => {
  const probes = expected.map((it): Expected => ({
    timeoutMs: it.outcome === 'timeout' ? SILENCE_MS : ANSWER_MS,
    ...it,
  }));
  const reached = await probe(lab, probes);
  assert.ok(reached.ok, JSON.stringify(reached));
  const seen = reached.value.map(({ outcome }, index) => `${nameOf(expected[index] as Expected)}: ${outcome}`);
  assert.deepEqual(
    seen,
    expected.map((it) => `${nameOf(it)}: ${it.outcome}`),
    when,
  );
};
