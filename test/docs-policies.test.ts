import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { renderDiagnostic } from '../src/diagnostic/render.ts';
import { accessOf } from '../src/access/access-of.ts';
import { readManifests } from '../src/policy/read-manifests.ts';
import { FILE_SPECS } from '../src/policy/schema.ts';
import { FAILSAFES } from '../src/access/failsafes.ts';
import { formatPorts } from '../src/net/port.ts';
import { answer, NO_OPTIONS, type Question } from './support/questions.ts';

const TEXT = readFileSync(new URL('../docs/policies.md', import.meta.url), 'utf8');

interface Block {
  readonly language: string;
  readonly text: string;
  readonly line: number;
}

const BLOCKS: readonly Block[] = [...TEXT.matchAll(/^```([a-z-]+)\n(.*?)^```$/gms)].map(
  ({ 1: language = '', 2: text = '', index }) => ({ language, text, line: TEXT.slice(0, index).split('\n').length }),
);
const services = BLOCKS[0]?.text ?? '';
/** Each block with the one behind it. */
const examples = BLOCKS.slice(1).flatMap((block, index) => {
  const next = BLOCKS[index + 2];
  return next?.language === 'text' ? [{ ...block, said: next.text }] : [];
});

describe('the examples of docs/policies.md', () => {
  test('are all looked at', () => {
    assert.equal(BLOCKS.length, 1 + 2 * examples.length);
    assert.ok(examples.length >= 6);
  });

  for (const { text, line, said } of examples.filter(({ language }) => language === 'yaml')) {
    const declared = readManifests([
      { name: 'services.yaml', text: services },
      { name: 'example.yaml', text },
    ]);
    const access = declared.ok ? accessOf(declared.value, NO_OPTIONS) : declared;
    for (const row of said.trim().split('\n'))
      test(`line ${line}: ${row.replace(/ +/g, ' ')}`, () => {
        const problems = access.ok ? '' : access.problems.map(renderDiagnostic).join('\n');
        assert.ok(access.ok, problems);
        const [, from, to, verdict, because] = /^(\S+) +→ (\S+) +(\S+) *(.*)$/.exec(row) ?? [];
        const question: Question = `${from ?? ''} → ${to ?? ''}`;
        assert.equal(
          answer(access.value, question),
          verdict === 'open' ? 'open' : `${verdict ?? ''}: ${because ?? ''}`,
        );
      });
  }

  for (const { text, line, said } of examples.filter(({ language }) => language === 'yaml-wrong'))
    test(`line ${line}: the problem that is shown`, () => {
      const result = readManifests([{ name: 'web.yaml', text }]);
      assert.ok(!result.ok);
      assert.equal(`${result.problems.map(renderDiagnostic).join('\n')}\n`, said);
    });
});

test('docs/policies.md names every field of the three kinds', () => {
  for (const { shape } of Object.values(FILE_SPECS))
    for (const field of Object.keys(shape)) assert.ok(TEXT.includes(field), field);
});

test('docs/policies.md names every failsafe port', () => {
  for (const { ports } of FAILSAFES) assert.ok(TEXT.includes(formatPorts(ports).replace('-', '–')), formatPorts(ports));
});
