import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { after } from './support/ask.ts';
import { capturedNode, CAPTURED_MODES, withClassicRule, type CapturedMode } from './support/captured-node.ts';
import { accessOf, addresses, exposed, selection } from './support/small-access.ts';
import { compileTable } from '../src/compile/table/compile-table.ts';
import { withTable } from '../src/explain/why/what-if.ts';
import { describeSources } from '../src/explain/words/sources.ts';
import type { Access } from '../src/access/model.ts';
import type { Ruleset } from '../src/ruleset/ruleset.ts';
import { verifyNode } from '../src/audit/proof/verify-node.ts';

const OFFICE = addresses('198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32');

const accessTo = (...exposures: readonly string[]): Access =>
  accessOf(
    exposures.map((text) => exposed(text, 'web')),
    [selection('web', OFFICE)],
  );

const web = accessTo('30001/tcp');

/** A captured node that is guarded by an access, and then somebody gives commands. */
const guarded = (mode: CapturedMode, access: Access, ...commands: readonly string[]): Ruleset =>
  after(withTable(capturedNode(mode, 'small'), compileTable(access, null)), ...commands);

const told = (ruleset: Ruleset, access: Access): readonly string[] =>
  verifyNode(ruleset, access).differences.flatMap(({ exposure, gained, lost, because }) => [
    ...(describeSources(gained) === 'nobody'
      ? []
      : [`${exposure} + ${describeSources(gained)}: ${because.join(', ')}`]),
    ...(describeSources(lost) === 'nobody' ? [] : [`${exposure} - ${describeSources(lost)}: ${because.join(', ')}`]),
  ]);

describe('a node as kube-proxy and Portcullis make it has no differences', () => {
  for (const mode of CAPTURED_MODES) {
    test(`${mode}: a node port with endpoints`, () => assert.deepEqual(told(guarded(mode, web), web), []));
    const odd = accessTo(
      '30004/tcp',
      '30005/tcp',
      '30006/tcp',
      '30007/tcp',
      '30053/udp',
      '30132/sctp',
      '31999/tcp',
      '30900/tcp',
    );
    test(`${mode}: ports without endpoints, without local endpoints, of one family, that nobody serves`, () =>
      assert.deepEqual(told(guarded(mode, odd), odd), []));
    const range = accessTo('30000-32767/tcp', '30002/tcp', '192.0.2.202 80/tcp');
    test(`${mode}: a range, an exact port in it, and an address of a load balancer`, () =>
      assert.deepEqual(told(guarded(mode, range), range), []));
  }
});

const NFT = "nft 'add table inet x; add chain inet x c { type filter hook";

describe('what else on the node opens or closes a guarded port', () => {
  const cases: readonly (readonly [
    words: string,
    ruleset: Ruleset,
    differences: readonly string[],
    access?: Access,
  ])[] = [
    [
      'a rule that drops an allowed source',
      guarded('iptables-nft', web, 'iptables -t raw -A PREROUTING -s 203.0.113.0/25 -j DROP'),
      ['30001/tcp - 203.0.113.0/25: raw PREROUTING 1'],
    ],
    [
      'a rule that drops a refused source',
      guarded('iptables-nft', web, 'iptables -t raw -A PREROUTING -s 192.0.2.99/32 -j DROP'),
      [],
    ],
    [
      'a rule that drops at an early hook in nftables mode',
      guarded(
        'nftables',
        web,
        `${NFT} prerouting priority -200; }; add rule inet x c ip saddr 198.51.100.7 tcp dport 30001 drop'`,
      ),
      ['30001/tcp - 198.51.100.7: inet x c 1'],
    ],
    [
      'a drop in forward, of the rewritten port',
      guarded(
        'nftables',
        web,
        `${NFT} forward priority 0; }; add rule inet x c ip saddr 198.51.100.7 tcp dport 8080 drop'`,
      ),
      ['30001/tcp - 198.51.100.7: inet x c 1'],
    ],
    [
      'a drop of one of the endpoints',
      guarded(
        'nftables',
        web,
        `${NFT} forward priority 0; }; add rule inet x c ip saddr 198.51.100.7 ip daddr 10.244.2.21 drop'`,
      ),
      ['30001/tcp - 198.51.100.7: inet x c 1'],
    ],
    [
      'a drop that comes to it now and then',
      guarded('iptables-nft', web, 'iptables -t raw -A PREROUTING -s 203.0.113.0/25 -m limit --limit 1/s -j DROP'),
      ['30001/tcp - 203.0.113.0/25: raw PREROUTING 1'],
    ],
    [
      'the same before a program of the node, which a node port can be as well',
      guarded(
        'nftables',
        accessTo('22/tcp'),
        `${NFT} input priority 0; }; add rule inet x c ip saddr 198.51.100.7 tcp dport 22 limit rate 1/second drop'`,
      ),
      ['22/tcp - 198.51.100.7: inet x c 1'],
      accessTo('22/tcp'),
    ],
    [
      'an INPUT rule in iptables mode, which decides nothing',
      withTable(withClassicRule('iptables-nft', 'INPUT-DROP', 'nft'), compileTable(web, null)),
      [],
    ],
    [
      'an INPUT rule in ipvs mode, which does',
      withTable(withClassicRule('ipvs', 'INPUT-DROP', 'legacy'), compileTable(web, null)),
      ['30001/tcp - 198.51.100.4/30, 198.51.100.8/29, 198.51.100.16/28, 198.51.100.32/27 and 3 more: filter INPUT 1'],
    ],
    [
      'a REDIRECT that takes allowed sources away',
      withTable(withClassicRule('iptables-nft', 'REDIRECT', 'nft'), compileTable(web, null)),
      ['30001/tcp - 198.51.100.4/30, 198.51.100.8/29, 198.51.100.16/28, 198.51.100.32/27 and 3 more: nat PREROUTING 1'],
    ],
    [
      'a REDIRECT of another port to the guarded one',
      guarded('iptables-nft', web, 'iptables -t nat -I PREROUTING -p tcp --dport 8443 -j REDIRECT --to-ports 30001'),
      [],
    ],
    [
      'a nat chain of an early priority: nat comes behind the own table all the same',
      guarded(
        'nftables',
        web,
        "nft 'add table ip x; add chain ip x c { type nat hook prerouting priority -200; }; add rule ip x c tcp dport 30001 dnat to 10.244.1.64:8080'",
      ),
      [],
    ],
    [
      'the own table is missing',
      capturedNode('nftables', 'small'),
      ['30001/tcp + all IPv4 but 198.51.100.0/24, 203.0.113.0/24: there is no table inet portcullis'],
    ],
    [
      'an accept in front of everything in the own table',
      guarded('ipvs', web, "nft 'insert rule inet portcullis prerouting ip saddr 192.0.2.0/24 accept'"),
      ['30001/tcp + 192.0.2.0/24: nothing in table inet portcullis refuses it'],
    ],
    [
      'an address too many in a set of the own table',
      withTable(
        guarded('iptables-nft', web),
        compileTable(
          accessOf(
            [exposed('30001/tcp', 'web')],
            [selection('web', addresses('198.51.100.0/24', '203.0.113.0/24', '192.0.2.77/32', '2001:db8::/32'))],
          ),
          null,
        ),
      ),
      ['30001/tcp + 192.0.2.77: nothing in table inet portcullis refuses it'],
    ],
  ];
  for (const [words, ruleset, differences, access = web] of cases)
    test(words, () => assert.deepEqual(told(ruleset, access), differences));
});
