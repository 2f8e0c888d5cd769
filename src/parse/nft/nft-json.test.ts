import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { good } from '../../../test/support/good.ts';
import { parseNftJson } from './nft-json.ts';

const META = { metainfo: { version: '1.0.6', release_name: 'Lester Gooch #5', json_schema_version: 1 } };
const listing = (...objects: readonly object[]): string => JSON.stringify({ nftables: [META, ...objects] });

const table = { table: { family: 'ip', name: 't', handle: 1 } };
const chain = (name: string, more: object = {}) => ({ chain: { family: 'ip', table: 't', name, handle: 2, ...more } });
const rule = { rule: { family: 'ip', table: 't', chain: 'c', handle: 3, expr: [{ accept: null }] } };
const flowtable = { flowtable: { family: 'inet', table: 'f', name: 'ft', hook: 'ingress', prio: 0, dev: 'eth0' } };

describe('listings in JSON', () => {
  const cases: [what: string, json: string, read: readonly string[], warnings: readonly string[]][] = [
    ['a whole table', listing(table, chain('c'), rule), ['ip t: c with 1 rule'], []],
    ['nothing', listing(), [], []],
    ['list chain: what there is of its table', listing(chain('c'), rule), ['ip t: c with 1 rule'], ['table-part ip t']],
    [
      'list chains: all tables, each told once',
      listing(chain('c'), chain('d', { type: 'filter', hook: 'input', prio: -300, policy: 'drop' })),
      ['ip t: c with 0 rules, d at input -300 with 0 rules'],
      ['table-part ip t'],
    ],
    ['list flowtables', listing(flowtable), ['inet f: ft on eth0'], ['table-part inet f']],
    ['an object of no table', listing({ chain: { family: 'ip', name: 'c' } }), [], []],
    ['a family that there is not', listing({ table: { family: 'ip9', name: 't' } }), [], ['family-unknown undefined']],
  ];
  for (const [what, json, read, warnings] of cases)
    test(what, () => {
      const result = parseNftJson(json);
      assert.deepEqual(
        good(result).map(({ family, name, chains, flowtables = [] }) => {
          const objects = [
            ...[...chains.values()].map(
              ({ name: id, base, rules }) =>
                `${id}${base === null ? '' : ` at ${base.hook} ${base.priority}`} with ${rules.length} rule${rules.length === 1 ? '' : 's'}`,
            ),
            ...flowtables.map(({ name: id, devices }) => `${id} on ${devices.join(' ')}`),
          ];
          return `${family} ${name}: ${objects.join(', ')}`;
        }),
        read,
      );
      assert.deepEqual(
        (result.ok ? result.warnings : []).map(
          ({ code, message }) => `${code} ${/table (\S+ \S+) itself/.exec(message)?.[1]}`,
        ),
        warnings,
      );
    });
});
