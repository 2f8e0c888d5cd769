import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { build, type OutputFile } from 'esbuild';
import { PURE_ROOMS } from '../oxlint.config.ts';

// What is pure also runs in a browser: dumps to a sentence, policies to a table, all in one file without a server.

/**
 * Bytes of the bundle of everything that is pure, minified, and of that packed by gzip: 5 % more than when they were
 * last looked at.
 */
const MOST_BYTES = 711_000;
const MOST_PACKED = 240_000;

const SRC = new URL('../src/', import.meta.url).pathname;

const filesOf = (room: string): readonly string[] =>
  readdirSync(join(SRC, room))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => join(SRC, room, file));

/**
 * A question that goes through most of the house: a dump, a packet, a sentence; and policies to a table, and its proof.
 */
const QUESTION = `
import { readDumps } from '${SRC}parse/read-dumps.ts';
import { readManifests } from '${SRC}policy/read-manifests.ts';
import { accessOf } from '${SRC}access/access-of.ts';
import { nobody } from '${SRC}net/address-set.ts';
import { compileTable } from '${SRC}compile/table/compile-table.ts';
import { printTable } from '${SRC}compile/plan/print-transaction.ts';
import { prove } from '${SRC}audit/proof/proof.ts';
const dumps = readDumps([{ name: 'rules', text: '*filter\\n:INPUT ACCEPT [0:0]\\n-A INPUT -p tcp --dport 30001 -j DROP\\nCOMMIT\\n' }]);
const policies = readManifests([{ name: 'p.yaml', text: 'apiVersion: portcullis.dev/v1alpha1\\nkind: ClusterNodePortPolicy\\nmetadata: { name: web }\\nspec: { tier: Admin, priority: 10, subject: { ports: [30001] }, rules: [{ action: Accept, from: [{ cidr: 198.51.100.0/24 }] }, { action: Deny, from: [{ everyone: true }] }] }\\n' }]);
const access = policies.ok ? accessOf(policies.value, { nodeName: null, nodeLabels: {}, podCidrs: nobody, standalone: false, allowFailsafe: [], extraFailsafes: [] }) : policies;
const table = access.ok ? compileTable(access.value) : null;
globalThis.answer = JSON.stringify({
  tables: dumps.ok ? dumps.value.ruleset.tables.length : dumps.problems,
  text: table === null ? access.problems : printTable(table).includes('198.51.100.0/24'),
  holds: access.ok ? prove(table, access.value).holds : null,
});
`;

const bundle = async (contents: string): Promise<OutputFile> => {
  const { outputFiles, warnings } = await build({
    stdin: { contents, resolveDir: SRC, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2024',
    legalComments: 'none',
    logLevel: 'silent',
  });
  assert.deepEqual(warnings, []);
  const [file] = outputFiles;
  assert.ok(file !== undefined);
  return file;
};

describe('the pure rooms in a browser', () => {
  let everything: OutputFile;
  before(async () => {
    const files = PURE_ROOMS.flatMap((room) => {
      try {
        return filesOf(room);
      } catch {
        // A room that is not built yet.
        return [];
      }
    });
    assert.ok(files.length > 200, `${files.length} files`);
    const lines = files.map((file, index) => `import * as m${index} from ${JSON.stringify(file)};`);
    const used = `globalThis.everything = [${files.map((_, index) => `m${index}`).join(', ')}];`;
    everything = await bundle([...lines, used].join('\n'));
  });

  test('come without a module of Node', () => {
    // A bundle for a browser fails to build where one is imported; what is asked for at run time would stand in it by
    // name.
    assert.doesNotMatch(everything.text, /["']node:/);
    assert.doesNotMatch(everything.text, /\brequire\("(?:fs|path|os|child_process|crypto)"\)/);
  });

  test('answer there: without process, Buffer, timers and the file system', async () => {
    const { text } = await bundle(QUESTION);
    const context = createContext({ TextEncoder, TextDecoder, URL });
    runInContext(text, context);
    assert.deepEqual(JSON.parse((context as { answer: string }).answer), { tables: 1, text: true, holds: true });
  });

  test(`take at most ${MOST_BYTES} bytes, ${MOST_PACKED} packed`, (t) => {
    const [bytes, packed] = [everything.contents.length, gzipSync(everything.contents).length];
    t.diagnostic(`${bytes} bytes, ${packed} packed`);
    assert.ok(bytes <= MOST_BYTES, `${bytes} bytes`);
    assert.ok(packed <= MOST_PACKED, `${packed} bytes packed`);
  });
});
