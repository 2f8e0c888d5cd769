import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { lower } from '../../src/lower/lower.ts';
import { runCommand } from '../../src/kernel/command.ts';
import { parseNftJson } from '../../src/parse/nft/nft-json.ts';
import { parseNftText } from '../../src/parse/nft/nft-text.ts';
import type { Rule, Table } from '../../src/ruleset/table.ts';
import { makeNamespace, noKernel, removeNamespace, type Namespace } from '../support/namespace.ts';
import { nftScript } from '../support/random-nft-script.ts';
import { randomFrom } from '../support/random.ts';

// Files of commands, made at random. What nft takes must come to what the kernel then lists, or somebody is told where
// it could not be read; what nft refuses must not be read as if it were fine.

const NAMESPACE = 'pclab-nft-scripts';
const FILES = Number(process.env['NFT_SCRIPTS'] ?? 150);
const SEED = Number(process.env['NFT_SCRIPTS_SEED'] ?? 20_261_201);

const UNORDERED: ReadonlySet<string> = new Set(['values', 'elements', 'map', 'set', 'intervals']);
const plain = (key: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return value.toString();
  if (!UNORDERED.has(key) || !Array.isArray(value)) return value;
  return (value as unknown[]).map((item) => JSON.stringify(item, plain)).sort();
};

/** What tables come to; handles, lines, counts and the order of objects apart. */
const meaning = (tables: readonly Table[]): unknown =>
  JSON.parse(
    JSON.stringify(
      tables
        .map(({ family, name, chains, sets, counters }) => ({
          family,
          name,
          chains: [...chains.values()]
            .map(({ name: chain, base, rules }) => ({ chain, base, rules: rules.map((rule: Rule) => lower(rule)) }))
            .toSorted((a, b) => (a.chain < b.chain ? -1 : 1)),
          sets: [...sets.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
          counters: [...counters.keys()].toSorted(),
        }))
        .toSorted((a, b) => (`${a.family} ${a.name}` < `${b.family} ${b.name}` ? -1 : 1)),
      plain,
    ),
  ) as unknown;

describe('files of nft commands', { skip: noKernel }, () => {
  let namespace: Namespace;
  before(async () => {
    namespace = await makeNamespace(NAMESPACE);
  });
  after(() => removeNamespace(NAMESPACE));

  test(`${FILES} files at random: read they mean what the kernel lists, or say where not`, async (t) => {
    const random = randomFrom(SEED);
    const counts = { taken: 0, refused: 0, understood: 0 };
    for (let index = 0; index < FILES; index += 1) {
      const text = nftScript(random);
      await namespace.run(['nft', 'flush', 'ruleset']);
      const loaded = await runCommand([...namespace.inside, 'nft', '-f', '-'], { stdin: text });
      const read = parseNftText(text);
      assert.ok(read.ok);
      const what = `file ${index} of seed ${SEED}:\n${text}\n${loaded.kind === 'done' ? loaded.stderr : ''}`;
      if (loaded.kind !== 'done' || loaded.status !== 0) {
        counts.refused += 1;
        assert.notDeepEqual(read.warnings, [], `nft refuses it, and nobody is told: ${what}`);
        continue;
      }
      counts.taken += 1;
      if (read.warnings.length > 0) continue;
      counts.understood += 1;
      const listed = parseNftJson(await namespace.run(['nft', '-j', 'list', 'ruleset']));
      assert.ok(listed.ok);
      assert.deepEqual(meaning(read.value), meaning(listed.value), what);
    }
    t.diagnostic(`${counts.taken} taken by nft, ${counts.understood} of them understood; ${counts.refused} refused`);
    assert.ok(counts.understood > 0.95 * counts.taken && counts.refused > FILES / 20, JSON.stringify(counts));
  });
});
