import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { readDumps, type ReadInput } from '../src/parse/read-dumps.ts';
import { lower } from '../src/lower/lower.ts';

/**
 * A folder with other people's dumps, and one with captured ones; whoever lacks them tests with the small ones that are
 * here.
 */
const CORPUS = process.env['PORTCULLIS_CORPUS'];
const OWN = new URL('../src/lab/data/kube-proxy', import.meta.url).pathname;

/** Files of a corpus that are no dumps but about them, or that no rules can be read from by design. */
const NOT_DUMPS: ReadonlySet<string> = new Set(['INDEX.tsv', 'README.md', 'dk-serverfault-769294-info.txt']);
/** Listings of iptables -L: recognised, and answered with the command to run instead. */
const LISTINGS: ReadonlySet<string> = new Set(['ipvs-ssup2-iptables-nat-L.txt']);

const textOf = (path: string): string => {
  const bytes = readFileSync(path);
  return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8');
};

const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesIn(path) : [path];
  });

const dumps = [OWN, ...(CORPUS === undefined ? [] : [CORPUS])]
  .flatMap(filesIn)
  .filter(
    (path) => /\.(?:txt|nft|md|json)(?:\.gz)?$/.test(path) && !NOT_DUMPS.has(path.slice(path.lastIndexOf('/') + 1)),
  )
  .filter((path) => !path.endsWith('kube-ipvs0.txt'));

/**
 * At least 99 of 100 lines that are rules must be known in syntax and meaning; the tables of iptables in an nft listing
 * hide some by design.
 */
const isUnderstood = ({ rules = 0, understood = 0 }: ReadInput): boolean => understood >= rules * 0.99;

describe('dumps of real machines', () => {
  for (const path of dumps) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const shown = path.split('/').slice(-2).join('/');
    if (LISTINGS.has(name))
      test(`${shown} is recognised as a listing and refused with the command to run`, () => {
        const result = readDumps([{ name, text: textOf(path) }]);
        assert.deepEqual(result.ok ? [] : result.problems.map(({ code }) => code), ['iptables-listing']);
      });
    else
      test(`${shown} is read, and at least 99 % of its rules are understood`, () => {
        const result = readDumps([{ name, text: textOf(path) }]);
        assert.ok(result.ok);
        const [input] = result.value.inputs;
        assert.ok(input !== undefined && input.kind !== null);
        assert.ok(isUnderstood(input), `${input.understood} of ${input.rules}`);
        // Every rule has a meaning, be it "unknown".
        for (const { chains } of result.value.ruleset.tables)
          for (const { rules } of chains.values()) for (const rule of rules) assert.ok(Array.isArray(lower(rule)));
      });
  }
});
