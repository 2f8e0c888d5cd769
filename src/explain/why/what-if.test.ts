import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { after, ask } from '../../../test/support/ask.ts';
import { capturedNode, type CapturedMode } from '../../../test/support/captured-node.ts';
import { accessOf, addresses, exposed, selection } from '../../../test/support/small-access.ts';
import { compileTable } from '../../compile/table/compile-table.ts';
import { withCommand, withTable } from './what-if.ts';

const resultOf = (ruleset: Parameters<typeof ask>[0]): string => {
  const { trace } = ask(ruleset, '203.0.113.7', '192.0.2.10:30001');
  return [...new Set(trace.outcomes.map(({ result }) => result))].join(' or ');
};

const NFT = 'add table inet x; add chain inet x c { type filter hook';

describe('what a command would change, before anybody gives it', () => {
  const cases: readonly (readonly [mode: CapturedMode, command: string, result: string])[] = [
    ['iptables-nft', 'iptables -I INPUT -p tcp --dport 30001 -j DROP', 'delivered'],
    ['ipvs', 'iptables -I INPUT -p tcp --dport 30001 -j DROP', 'dropped'],
    ['iptables-nft', 'iptables -t mangle -I PREROUTING -p tcp --dport 30001 -j DROP', 'dropped'],
    ['iptables-nft', 'iptables -t nat -I PREROUTING -p tcp --dport 30001 -j REDIRECT --to-ports 65535', 'local'],
    ['iptables-nft', 'iptables -t nat -A PREROUTING -p tcp --dport 30001 -j REDIRECT --to-ports 65535', 'delivered'],
    ['iptables-legacy', 'iptables -t raw -A PREROUTING -s 203.0.113.0/24 -j DROP', 'dropped'],
    ['iptables-nft', 'iptables -P FORWARD DROP', 'delivered'],
    ['iptables-nft', 'iptables -t nat -F PREROUTING', 'local'],
    ['iptables-nft', 'iptables -t nat -D PREROUTING 1', 'local'],
    ['nftables', `nft '${NFT} prerouting priority -140; }; add rule inet x c tcp dport 30001 drop'`, 'dropped'],
    ['nftables', `nft '${NFT} input priority 0; }; add rule inet x c tcp dport 30001 drop'`, 'delivered'],
    ['nftables', "nft 'insert rule ip kube-proxy services tcp dport 30001 drop'", 'dropped'],
    ['nftables', "nft 'add rule ip kube-proxy services tcp dport 30001 drop'", 'delivered'],
    ['nftables', "nft 'add chain ip kube-proxy filter-forward { policy drop; }'", 'dropped'],
    ['nftables', "nft 'flush chain ip kube-proxy services'", 'local'],
    ['nftables', "nft 'flush table ip kube-proxy'", 'local'],
    ['nftables', "nft 'flush ruleset'", 'local'],
    ['nftables', "nft 'delete table ip kube-proxy'", 'local'],
    ['nftables', "nft 'insert rule ip kube-proxy services index 1 tcp dport 30001 drop'", 'dropped'],
    ['nftables', "nft 'delete element ip kube-proxy service-nodeports { tcp . 30001 }'", 'local'],
    [
      'nftables',
      "nft 'delete element ip kube-proxy service-nodeports { tcp . 30001 }; add element ip kube-proxy service-nodeports { tcp . 30001 : goto reject-chain }'",
      'rejected',
    ],
    [
      'nftables',
      "nft 'rename chain ip kube-proxy services other; add chain ip kube-proxy services; flush chain ip kube-proxy nat-prerouting'",
      'local',
    ],
  ];
  for (const [mode, command, result] of cases)
    test(`${mode}: ${command}: ${result}`, () => {
      assert.equal(resultOf(after(capturedNode(mode, 'small'), command)), result);
    });

  const bad: readonly (readonly [command: string, code: RegExp])[] = [
    ['iptables -I NOWHERE -j DROP', /./],
    ['iptables -I INPUT --dport', /./],
    ['iptables -D INPUT 99', /./],
    ["nft 'list ruleset'", /./],
    ["nft 'add rule inet'", /./],
    ["nft 'add rule inet x c accept'", /change-refused/],
    ["nft 'add element inet x s { 192.0.2.1 }'", /command-unknown/],
    ["nft 'delete table inet x'", /change-refused/],
    ["nft 'monitor'", /line-unknown/],
    ["nft 'add table inet x; add chain inet x c { policy drop; }'", /change-refused/],
    ["nft 'add table inet x; add chain inet x c { accept }'", /end-missing/],
    ["nft 'add table inet x; add chain inet x c; delete rule inet x c handle 7'", /change-refused/],
    ["nft 'add table inet x; create table inet x'", /change-refused/],
    ["nft 'reset counters'", /line-unknown/],
    ['rm -rf', /./],
  ];
  for (const [command, code] of bad)
    test(`${command} changes nothing and says why`, () => {
      const changed = withCommand(capturedNode('iptables-nft', 'small'), command);
      assert.ok(!changed.ok);
      assert.match(changed.problems[0]?.code ?? '', code);
      assert.equal(changed.problems[0]?.severity, 'error');
    });
});

describe('what policies would change', () => {
  const allowing = (...prefixes: readonly string[]) =>
    compileTable(accessOf([exposed('30001/tcp', 'web')], [selection('web', addresses(...prefixes))]));
  const cases: readonly (readonly [mode: CapturedMode, allowed: string, result: string])[] = [
    ['iptables-nft', '198.51.100.0/30', 'dropped'],
    ['iptables-legacy', '198.51.100.0/30', 'dropped'],
    ['nftables', '198.51.100.0/30', 'dropped'],
    ['ipvs', '198.51.100.0/30', 'dropped'],
    ['nftables', '203.0.113.0/24', 'delivered'],
    ['ipvs', '203.0.113.0/24', 'delivered'],
  ];
  for (const [mode, allowed, result] of cases)
    test(`${mode}, only ${allowed} is allowed: ${result}`, () =>
      assert.equal(resultOf(withTable(capturedNode(mode, 'small'), allowing(allowed))), result));

  test('they take the place of the table that is there', () => {
    const now = withTable(capturedNode('nftables', 'small'), allowing('198.51.100.0/30'));
    const then = withTable(now, allowing('203.0.113.0/24'));
    assert.equal(then.tables.filter(({ name }) => name === 'portcullis').length, 1);
    assert.equal(resultOf(then), 'delivered');
  });
});
