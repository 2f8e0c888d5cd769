import { readManifests } from '../../src/policy/read-manifests.ts';
import { HOSTILE_TEXTS } from './hostile-texts.ts';

// Started by test/hostile-manifests.test.ts with little memory: prints what the reader answers to each hostile text.

for (const [, , text] of HOSTILE_TEXTS) {
  const result = readManifests([{ name: 'hostile.yaml', text: text() }]);
  const codes = result.ok ? ['accepted'] : result.problems.map(({ code }) => code);
  console.log(codes.length > 3 ? `${codes[0] ?? ''} … ${codes.at(-1) ?? ''}` : codes.join(' '));
}
