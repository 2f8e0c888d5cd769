import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accessOf, addresses, exposed, selection } from '../../../test/support/small-access.ts';
import type { Access } from '../../access/model.ts';
import { addressComplement, nobody } from '../../net/address-set.ts';
import { compileTable, type CompileOptions } from '../table/compile-table.ts';
import { printTable } from './print-transaction.ts';

const FRAME = printTable(compileTable(accessOf([])));

/** What an access adds to the frame, shortened: without verbs, table and the flush in front of a chain's rules. */
const added = (access: Access, options: CompileOptions = {}): readonly string[] =>
  printTable(compileTable(access, null, options))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('flush') && !FRAME.includes(`${line}\n`))
    .map((line) => line.replace(/^add (set|map|chain|rule|element) inet portcullis /, '$1 '));

const office = addresses('198.51.100.0/28', '2001:db8:1::/48');
const web = selection('web', addresses('203.0.113.0/24'));
const guarded = (name: string) => [
  `rule x-${name} ${name.includes('-') ? 'counter ' : ''}jump s-web`,
  `rule x-${name} fib daddr type unicast return`,
  `rule x-${name} counter goto refuse-drop`,
];
const set = (name: string, content: string) =>
  `set ${name} { type ipv${name.includes('-6') ? 6 : 4}_addr; size ${Math.max(16, 2 * content.split(',').length)}; elements = { ${content} }; }`;

describe('an access becomes nftables text', () => {
  const cases: readonly (readonly [
    words: string,
    access: Access,
    text: readonly string[],
    options?: CompileOptions,
  ])[] = [
    ['nothing is guarded: nothing beside the frame', accessOf([exposed('30001/tcp', null)]), []],
    [
      'one port for one network',
      accessOf([exposed('30001/tcp', 'web')], [web]),
      [
        'chain s-web',
        'chain x-30001',
        'rule s-web ip saddr 203.0.113.0/24 accept',
        ...guarded('30001'),
        'element exposures { tcp . 30001 : goto x-30001 }',
      ],
    ],
    [
      'all protocols of a port share its chain',
      accessOf([exposed('30001/tcp', 'web'), exposed('30001/udp', 'web'), exposed('30001/sctp', 'web')], [web]),
      [
        'chain s-web',
        'chain x-30001',
        'rule s-web ip saddr 203.0.113.0/24 accept',
        ...guarded('30001'),
        'element exposures { tcp . 30001 : goto x-30001, udp . 30001 : goto x-30001, sctp . 30001 : goto x-30001 }',
      ],
    ],
    [
      'protocols that are guarded differently are told apart in the chain',
      accessOf([exposed('30001/tcp', 'web'), exposed('30001/udp', 'shut')], [web, selection('shut', nobody)]),
      [
        'chain s-web',
        'chain s-shut',
        'chain x-30001',
        'rule s-web ip saddr 203.0.113.0/24 accept',
        'rule x-30001 fib daddr type unicast return',
        'rule x-30001 meta l4proto tcp jump s-web',
        'rule x-30001 meta l4proto tcp counter goto refuse-drop',
        'rule x-30001 meta l4proto udp jump s-shut',
        'rule x-30001 meta l4proto udp counter goto refuse-drop',
        'element exposures { tcp . 30001 : goto x-30001, udp . 30001 : goto x-30001 }',
      ],
    ],
    [
      'a range of unused ports is one element of a map, by the port twice',
      accessOf([exposed('30000-32767/udp', 'web')], [web]),
      [
        'chain s-web',
        'chain x-30000-32767',
        'rule s-web ip saddr 203.0.113.0/24 accept',
        ...guarded('30000-32767'),
        'map ranges-udp { type inet_service . inet_service : verdict; flags interval; elements = { 30000-32767 . 0-65535 : goto x-30000-32767 }; }',
        'rule prerouting udp dport . udp dport vmap @ranges-udp',
      ],
    ],
    [
      'an open port inside a guarded range has a key that accepts',
      accessOf([exposed('30000-32767/tcp', 'web'), exposed('31000/tcp', null)], [web]),
      [
        'chain s-web',
        'chain x-30000-32767',
        'chain x-31000',
        'rule s-web ip saddr 203.0.113.0/24 accept',
        ...guarded('30000-32767'),
        'rule x-31000 fib daddr type unicast return',
        'rule x-31000 accept',
        'element exposures { tcp . 31000 : goto x-31000 }',
        'map ranges-tcp { type inet_service . inet_service : verdict; flags interval; elements = { 30000-32767 . 0-65535 : goto x-30000-32767 }; }',
        'rule prerouting tcp dport . tcp dport vmap @ranges-tcp',
      ],
    ],
    [
      'VIPs of both families: the key names the address, so the chain does not ask whether it is local',
      accessOf([exposed('192.0.2.200 80/tcp', 'web'), exposed('2001:db8::200 80/tcp', 'web')], [web]),
      [
        'chain s-web',
        'chain v-192.0.2.200-80',
        'chain v-2001_db8__200-80',
        'rule s-web ip saddr 203.0.113.0/24 accept',
        'rule v-192.0.2.200-80 jump s-web',
        'rule v-192.0.2.200-80 counter goto refuse-drop',
        'rule v-2001_db8__200-80 jump s-web',
        'rule v-2001_db8__200-80 counter goto refuse-drop',
        'element vips4 { 192.0.2.200 . tcp . 80 : goto v-192.0.2.200-80 }',
        'element vips6 { 2001:db8::200 . tcp . 80 : goto v-2001_db8__200-80 }',
      ],
    ],
    [
      'one or two networks are rules; so is everybody',
      accessOf(
        [exposed('30001/tcp', 'some'), exposed('30002/tcp', 'all')],
        [selection('some', addresses('192.0.2.1/32', '192.0.2.2/31')), selection('all', addresses('0.0.0.0/0'))],
      ),
      [
        'chain s-some',
        'chain s-all',
        'chain x-30001',
        'chain x-30002',
        'rule s-some ip saddr 192.0.2.1 accept',
        'rule s-some ip saddr 192.0.2.2/31 accept',
        'rule s-all meta nfproto ipv4 accept',
        ...guarded('30001').map((line) => line.replace('s-web', 's-some')),
        ...guarded('30002').map((line) => line.replace('s-web', 's-all')),
        'element exposures { tcp . 30001 : goto x-30001, tcp . 30002 : goto x-30002 }',
      ],
    ],
    [
      'a list is a set for each prefix length, looked up by the masked address; a rare length is made of a longer one',
      accessOf(
        [exposed('30001/tcp', 'web')],
        [
          selection(
            'web',
            addresses(
              '192.0.2.1/32',
              '192.0.2.3/32',
              '198.51.100.0/24',
              '198.51.102.0/24',
              '203.0.113.0/26',
              '203.0.113.128/25',
              '2001:db8:1::/48',
              '2001:db8:3::/48',
              '2001:db8:5::/48',
            ),
          ),
        ],
      ),
      [
        set(
          's-web-4a26',
          '198.51.100.0, 198.51.100.64, 198.51.100.128, 198.51.100.192, 198.51.102.0, 198.51.102.64, 198.51.102.128, 198.51.102.192, 203.0.113.0, 203.0.113.128, 203.0.113.192',
        ),
        set('s-web-4a32', '192.0.2.1, 192.0.2.3'),
        set('s-web-6a48', '2001:db8:1::, 2001:db8:3::, 2001:db8:5::'),
        'chain s-web',
        'chain x-30001',
        'rule s-web ip saddr & 255.255.255.192 @s-web-4a26 accept',
        'rule s-web ip saddr @s-web-4a32 accept',
        'rule s-web ip6 saddr & ffff:ffff:ffff:: @s-web-6a48 accept',
        ...guarded('30001'),
        'element exposures { tcp . 30001 : goto x-30001 }',
      ],
    ],
    [
      'a list of refused networks stays a list: everybody but those',
      accessOf(
        [exposed('30001/tcp', 'web')],
        [selection('web', addressComplement(addresses('192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '::/0')))],
      ),
      [
        set('s-web-4a24', '192.0.2.0, 198.51.100.0, 203.0.113.0'),
        'chain s-web',
        'chain x-30001',
        'rule s-web ip saddr & 255.255.255.0 @s-web-4a24 return',
        'rule s-web meta nfproto ipv4 accept',
        ...guarded('30001'),
        'element exposures { tcp . 30001 : goto x-30001 }',
      ],
    ],
    [
      'a large group is held once, whoever uses it',
      accessOf(
        [exposed('30001/tcp', 'web'), exposed('30002/tcp', 'api')],
        [selection('web', nobody, { groups: { office } }), selection('api', nobody, { groups: { office } })],
        { office },
      ),
      [
        'chain s-web',
        'chain s-api',
        'chain x-30001',
        'chain x-30002',
        'chain g-office',
        'rule s-web jump g-office',
        'rule s-api jump g-office',
        'rule g-office ip saddr 198.51.100.0/28 accept',
        'rule g-office ip6 saddr 2001:db8:1::/48 accept',
        ...guarded('30001'),
        ...guarded('30002').map((line) => line.replace('s-web', 's-api')),
        'element exposures { tcp . 30001 : goto x-30001, tcp . 30002 : goto x-30002 }',
      ],
    ],
    [
      'Reject for everybody who is refused',
      accessOf([exposed('30001/tcp', 'web')], [selection('web', addresses('203.0.113.0/24'), { reject: 'everybody' })]),
      [
        'chain s-web',
        'chain x-30001',
        'rule s-web ip saddr 203.0.113.0/24 accept',
        ...guarded('30001').map((line) => line.replace('refuse-drop', 'refuse-reject')),
        'element exposures { tcp . 30001 : goto x-30001 }',
      ],
    ],
    [
      'Reject for some, a drop for the others',
      accessOf(
        [exposed('30001/tcp', 'web')],
        [selection('web', addresses('203.0.113.0/24'), { reject: addresses('10.0.0.0/8') })],
      ),
      [
        'chain s-web',
        'chain t-web',
        'chain x-30001',
        'rule s-web ip saddr 203.0.113.0/24 accept',
        'rule t-web ip saddr 10.0.0.0/8 goto refuse-reject',
        'rule t-web goto refuse-drop',
        ...guarded('30001').map((line) => line.replace('refuse-drop', 't-web')),
        'element exposures { tcp . 30001 : goto x-30001 }',
      ],
    ],
    [
      'Audit notes whom it would refuse before they are let in',
      accessOf(
        [exposed('30001/tcp', 'web')],
        [selection('web', addresses('203.0.113.0/24'), { wouldRefuse: addresses('203.0.113.7/32') })],
      ),
      [
        'chain s-web',
        'chain a-web',
        'chain x-30001',
        'rule s-web ip saddr 203.0.113.0/24 accept',
        'rule a-web ip saddr 203.0.113.7 goto note-audit',
        'rule x-30001 fib daddr type unicast return',
        'rule x-30001 jump a-web',
        'rule x-30001 jump s-web',
        'rule x-30001 counter goto refuse-drop',
        'element exposures { tcp . 30001 : goto x-30001 }',
      ],
    ],
    [
      'replies of a place with a refused connection are judged by the same sets, in a chain that is there for them alone',
      accessOf([exposed('30001/tcp', 'web')], [web]),
      [
        'chain postrouting { type filter hook postrouting priority 110; policy accept; }',
        'rule postrouting ct direction original accept',
        'rule postrouting oif "lo" accept',
        'rule postrouting meta l4proto . th sport vmap @replies',
        'chain s-web',
        'chain d-web',
        'chain x-30001',
        'chain r-30001',
        'rule s-web ip saddr 203.0.113.0/24 accept',
        'rule d-web ip daddr 203.0.113.0/24 accept',
        ...guarded('30001'),
        'rule r-30001 ct state related accept',
        'rule r-30001 fib saddr type != local accept',
        'rule r-30001 jump d-web',
        'rule r-30001 counter name cut drop',
        'element exposures { tcp . 30001 : goto x-30001 }',
        'element replies { tcp . 30001 : goto r-30001 }',
      ],
      { replies: [{ address: null, protocol: 'tcp', port: 30_001 }] },
    ],
  ];
  for (const [words, access, text, options] of cases)
    test(words, () => assert.deepEqual(added(access, options).toSorted(), text.toSorted()));
});

test('the frame: hooks, the order of judgement, and a verdict that never stands behind an update of the ledger', () => {
  const lines = FRAME.split('\n');
  const rulesOf = (chain: string) =>
    lines
      .filter((line) => line.startsWith(`add rule inet portcullis ${chain} `))
      .map((line) => line.split(' ').slice(5).join(' '));
  assert.ok(
    lines.includes(
      'add chain inet portcullis prerouting { type filter hook prerouting priority -140; policy accept; }',
    ),
  );
  assert.doesNotMatch(FRAME, /postrouting/);
  assert.deepEqual(rulesOf('prerouting'), [
    'ct direction reply accept',
    'iif "lo" accept',
    'ip daddr . meta l4proto . th dport vmap @vips4',
    'ip6 daddr . meta l4proto . th dport vmap @vips6',
    'meta l4proto . th dport vmap @exposures',
  ]);
  assert.deepEqual(rulesOf('refuse-drop'), ['jump note', 'drop']);
  assert.deepEqual(rulesOf('refuse-reject'), [
    'jump note',
    'meta l4proto tcp limit rate 100/second burst 50 packets reject with tcp reset',
    'meta l4proto != tcp limit rate 100/second burst 50 packets reject with icmpx type port-unreachable',
    'drop',
  ]);
  for (const line of lines) if (line.includes('update @')) assert.doesNotMatch(line, /drop|accept|reject|goto|jump/);
});

test('the ledger has the size and the time that were asked for', () => {
  const text = printTable(compileTable(accessOf([]), null, { ledger: { size: 2, timeout: 60 } }));
  for (const name of ['ledger4', 'ledger6', 'audit4', 'audit6'])
    assert.match(text, new RegExp(`add set inet portcullis ${name} .*size 2; flags dynamic,timeout; timeout 60s;`));
});
