import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { after } from '../../../test/support/ask.ts';
import { capturedNode, CAPTURED_MODES, withClassicRule } from '../../../test/support/captured-node.ts';
import { nodeWith, savedTables } from '../../../test/support/node-with.ts';
import { refText } from '../../lower/rule-ref.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import { auditRuleset } from '../reach/audit.ts';
import { findAll } from './find-all.ts';
import { FINDING_IDS, type FindingId } from './finding.ts';

const findingsOf = (ruleset: Ruleset, servicePorts: ReadonlySet<string> | null = null) => {
  const audited = auditRuleset(ruleset, { entries: null, ports: null, all: true });
  return findAll({ ruleset, audited, servicePorts, options: {} });
};

const iptables = capturedNode('iptables-nft', 'small');
const legacy = capturedNode('iptables-legacy', 'small');
const nftables = capturedNode('nftables', 'small');
const ipvs = capturedNode('ipvs', 'small');
const primaryOnly = capturedNode('iptables-nft', 'small-nodePortAddresses-primary');
const noLocalhost = capturedNode('iptables-nft', 'small-localhostNodePorts-false');

/** A node whose one node port 30001 leads to a pod, in iptables mode; further rules stand in front. */
const small = (
  more: { readonly nat?: readonly string[]; readonly filter?: readonly string[] } = {},
  dumps: Readonly<Record<string, string | null>> = {},
): Ruleset =>
  nodeWith({
    'iptables-save.txt': savedTables({
      nat: [
        ...(more.nat ?? []),
        '-A PREROUTING -j KUBE-SERVICES',
        '-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS',
        '-A KUBE-NODEPORTS -p tcp -m comment --comment shop/web -m tcp --dport 30001 -j KUBE-SVL-AAAAAAAAAAAAAAAA',
        '-A KUBE-SVL-AAAAAAAAAAAAAAAA -m comment --comment "shop/web -> 10.244.1.64:8080" -j KUBE-SEP-BBBBBBBBBBBBBBBB',
        '-A KUBE-SEP-BBBBBBBBBBBBBBBB -p tcp -m comment --comment shop/web -m tcp -j DNAT --to-destination 10.244.1.64:8080',
      ],
      filter: more.filter ?? [],
    }),
    ...dumps,
  });

const NFT = "nft 'add table inet x; add chain inet x c { type filter hook";
const DROP = '-p tcp --dport 30001 -j DROP';

/** A node whose sshd listens on port 22, with one tracked connection as conntrack -L writes it. */
const tracked = (protocol: 'tcp', from: string, sport: number, to: string, dport: number, ipvsServices = ''): Ruleset =>
  nodeWith({
    'ss-listening.txt': `Netid State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n${protocol}   LISTEN 0      128    0.0.0.0:22   0.0.0.0:*   users:(("sshd",pid=1,fd=3))\n`,
    'conntrack.txt': `ipv4     2 ${protocol}      6 431999 ESTABLISHED src=${from} dst=${to} sport=${sport} dport=${dport} src=${to} dst=${from} sport=${dport} dport=${sport} [ASSURED] mark=0 use=1\n`,
    ...(ipvsServices === '' ? {} : { 'ipvsadm-save.txt': ipvsServices }),
  });

interface Case {
  readonly id: FindingId;
  readonly words: string;
  readonly ruleset: Ruleset;
  /** The rule that is named; null: none; undefined: the finding must not be made. */
  readonly rule?: string | null;
  readonly services?: ReadonlySet<string>;
}

const cases: readonly Case[] = [
  {
    id: 'reversed-connection',
    words: 'the server of a node’s own port is the first',
    ruleset: tracked('tcp', '192.0.2.10', 22, '198.51.100.9', 43_210),
    rule: null,
  },
  {
    id: 'reversed-connection',
    words: 'a pod behind IPVS is the first',
    ruleset: tracked(
      'tcp',
      '10.244.1.64',
      8080,
      '198.51.100.9',
      43_210,
      '-A -t 192.0.2.10:30001 -s rr\n-a -t 192.0.2.10:30001 -r 10.244.1.64:8080 -m -w 1\n',
    ),
    rule: null,
  },
  {
    id: 'reversed-connection',
    words: 'a client of the node’s own port is the first',
    ruleset: tracked('tcp', '198.51.100.9', 43_210, '192.0.2.10', 22),
  },
  {
    id: 'reversed-connection',
    words: 'the node itself asks another one',
    ruleset: tracked('tcp', '192.0.2.10', 43_210, '198.51.100.9', 22),
  },
  {
    id: 'rule-never-sees-node-ports',
    words: 'INPUT names a node port, iptables mode',
    ruleset: after(iptables, `iptables -I INPUT ${DROP}`),
    rule: 'filter INPUT 1',
  },
  {
    id: 'rule-never-sees-node-ports',
    words: 'INPUT names a node port, nftables mode',
    ruleset: withClassicRule('nftables', 'INPUT-DROP', 'nft'),
    rule: 'filter INPUT 1',
  },
  {
    id: 'rule-never-sees-node-ports',
    words: 'an nft chain at the input hook',
    ruleset: after(nftables, `${NFT} input priority 0; }; add rule inet x c tcp dport 30001 drop'`),
    rule: 'inet x c 1',
  },
  {
    id: 'rule-never-sees-node-ports',
    words: 'a chain to which INPUT jumps',
    ruleset: small({ filter: ['-A INPUT -j MY-CHAIN', `-A MY-CHAIN ${DROP}`] }),
    rule: 'filter MY-CHAIN 1',
  },
  {
    id: 'rule-never-sees-node-ports',
    words: 'ipvs mode: INPUT does see it',
    ruleset: after(ipvs, `iptables -I INPUT ${DROP}`),
  },
  {
    id: 'rule-never-sees-node-ports',
    words: 'a rule about the SSH port',
    ruleset: after(iptables, 'iptables -I INPUT -p tcp --dport 22 -j DROP'),
  },
  {
    id: 'rule-never-sees-node-ports',
    words: 'a rule in mangle PREROUTING',
    ruleset: after(iptables, `iptables -t mangle -I PREROUTING ${DROP}`),
  },
  {
    id: 'rule-never-sees-node-ports',
    words: 'the other protocol',
    ruleset: after(iptables, 'iptables -I INPUT -p udp --dport 30001 -j DROP'),
  },

  {
    id: 'rule-behind-kube-proxy',
    words: 'a REDIRECT behind the jump',
    ruleset: after(iptables, 'iptables -t nat -A PREROUTING -p tcp --dport 30001 -j REDIRECT --to-ports 65535'),
    rule: 'nat PREROUTING 2',
  },
  {
    id: 'rule-behind-kube-proxy',
    words: 'a REDIRECT before the jump',
    ruleset: after(iptables, 'iptables -t nat -I PREROUTING -p tcp --dport 30001 -j REDIRECT --to-ports 65535'),
  },
  {
    id: 'rule-behind-kube-proxy',
    words: 'ipvs mode: nat does not decide',
    ruleset: after(ipvs, 'iptables -t nat -A PREROUTING -p tcp --dport 30001 -j REDIRECT --to-ports 65535'),
  },

  {
    id: 'rule-shadowed',
    words: 'the same twice',
    ruleset: small({ filter: [`-A INPUT ${DROP}`, `-A INPUT -s 198.51.100.0/24 ${DROP}`] }),
    rule: 'filter INPUT 2',
  },
  {
    id: 'rule-shadowed',
    words: 'the narrow one first',
    ruleset: small({ filter: [`-A INPUT -s 198.51.100.0/24 ${DROP}`, `-A INPUT ${DROP}`] }),
  },
  {
    id: 'rule-shadowed',
    words: 'behind a limit, which lets some pass',
    ruleset: small({
      filter: ['-A INPUT -p tcp --dport 22 -m limit --limit 1/s -j ACCEPT', '-A INPUT -p tcp --dport 22 -j ACCEPT'],
    }),
  },
  {
    id: 'rule-shadowed',
    words: 'behind a rule for another interface',
    ruleset: small({
      filter: ['-A INPUT -i eth0 -p tcp --dport 22 -j DROP', '-A INPUT -i eth1 -p tcp --dport 22 -j DROP'],
    }),
  },
  {
    id: 'rule-shadowed',
    words: 'behind a negated source',
    ruleset: small({
      filter: [
        '-A INPUT ! -s 198.51.100.0/30 -p tcp --dport 22 -j DROP',
        '-A INPUT -s 198.51.100.0/30 -p tcp --dport 22 -j DROP',
      ],
    }),
  },

  {
    id: 'rules-contradict',
    words: 'accept behind a drop of more',
    ruleset: small({
      filter: ['-A INPUT -p tcp --dport 22 -j DROP', '-A INPUT -s 198.51.100.9/32 -p tcp --dport 22 -j ACCEPT'],
    }),
    rule: 'filter INPUT 2',
  },
  {
    id: 'rules-contradict',
    words: 'accept before the drop',
    ruleset: small({
      filter: ['-A INPUT -s 198.51.100.9/32 -p tcp --dport 22 -j ACCEPT', '-A INPUT -p tcp --dport 22 -j DROP'],
    }),
  },

  {
    id: 'redirect-to-listener',
    words: 'REDIRECT to the SSH port',
    ruleset: small({ nat: ['-A PREROUTING -p tcp --dport 30001 -j REDIRECT --to-ports 22'] }),
    rule: 'nat PREROUTING 1',
  },
  {
    id: 'redirect-to-listener',
    words: 'REDIRECT to a dead port',
    ruleset: small({ nat: ['-A PREROUTING -p tcp --dport 30001 -j REDIRECT --to-ports 65535'] }),
  },
  {
    id: 'redirect-to-listener',
    words: 'UDP to a port on which only TCP listens',
    ruleset: small({ nat: ['-A PREROUTING -p udp --dport 30001 -j REDIRECT --to-ports 22'] }),
  },

  {
    id: 'both-iptables',
    words: 'rules of both flavours',
    ruleset: small(
      {},
      {
        'legacy.txt': savedTables(
          { filter: ['-A INPUT -p tcp --dport 23 -j DROP'] },
          '# Generated by iptables-save v1.8.9',
        ),
      },
    ),
    rule: null,
  },
  {
    id: 'both-iptables',
    words: 'the other flavour is empty',
    ruleset: small({}, { 'legacy.txt': savedTables({ filter: [] }, '# Generated by iptables-save v1.8.9') }),
  },

  { id: 'open-to-internet', words: 'a node port without restriction', ruleset: small(), rule: null },
  {
    id: 'open-to-internet',
    words: 'a drop for some',
    ruleset: small(
      {},
      {
        'nft.txt':
          'table inet x {\n\tchain c {\n\t\ttype filter hook prerouting priority -140;\n\t\tip saddr 203.0.113.0/24 tcp dport 30001 drop\n\t\ttcp dport 22 drop\n\t}\n}\n',
        'ss-listening.txt': null,
      },
    ),
  },

  {
    id: 'ipv6-open',
    words: 'restricted for IPv4 alone',
    ruleset: after(
      nftables,
      `${NFT} prerouting priority -140; }; add rule inet x c ip saddr != 198.51.100.0/24 tcp dport 30006 drop'`,
    ),
    rule: null,
  },
  {
    id: 'ipv6-open',
    words: 'restricted for both',
    ruleset: after(
      nftables,
      `${NFT} prerouting priority -140; }; add rule inet x c ip saddr != 198.51.100.0/24 tcp dport 30006 drop; add rule inet x c ip6 saddr != 2001:db8::/32 tcp dport 30006 drop'`,
    ),
  },
  { id: 'ipv6-open', words: 'restricted for neither', ruleset: nftables },
  {
    id: 'ipv6-open',
    words: 'no IPv6 exposure',
    ruleset: after(
      nftables,
      `${NFT} prerouting priority -140; }; add rule inet x c ip saddr != 198.51.100.0/24 tcp dport 30001 drop'`,
    ),
  },

  {
    id: 'node-port-without-service',
    words: 'a port that no Service has',
    ruleset: small(),
    services: new Set(['30002/tcp']),
    rule: null,
  },
  { id: 'node-port-without-service', words: 'the Service has it', ruleset: small(), services: new Set(['30001/tcp']) },
  { id: 'node-port-without-service', words: 'no Services are known', ruleset: small() },

  {
    id: 'leftover-mode',
    words: 'chains of iptables mode beside nftables mode',
    ruleset: small(
      {},
      {
        'nft.txt':
          'table ip kube-proxy {\n\tchain nat-prerouting {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t}\n}\n',
      },
    ),
    rule: null,
  },
  {
    id: 'leftover-mode',
    words: 'chains of ipvs mode beside iptables mode',
    ruleset: after(iptables, 'iptables -t nat -N KUBE-NODE-PORT', 'iptables -t nat -A KUBE-NODE-PORT -p tcp -j ACCEPT'),
    rule: null,
  },
  {
    id: 'leftover-mode',
    words: 'chains of iptables mode beside ipvs mode',
    ruleset: after(
      ipvs,
      'iptables -t nat -N KUBE-SVC-AAAAAAAAAAAAAAAA',
      'iptables -t nat -A KUBE-SVC-AAAAAAAAAAAAAAAA -j ACCEPT',
    ),
    rule: null,
  },
  ...[iptables, legacy, nftables, ipvs].map((ruleset, index): Case => ({
    id: 'leftover-mode',
    words: `${CAPTURED_MODES.toSorted()[index]} as kube-proxy makes it`,
    ruleset,
  })),

  { id: 'client-address-hidden', words: 'everything is masqueraded', ruleset: iptables, rule: null },
  { id: 'client-address-hidden', words: 'a local endpoint without masquerade', ruleset: small() },

  {
    id: 'source-ranges-miss-node-port',
    words: 'a load balancer with source ranges and a node port, iptables mode',
    ruleset: iptables,
    rule: 'filter KUBE-PROXY-FIREWALL 1',
  },
  {
    id: 'source-ranges-miss-node-port',
    words: 'the same in nftables mode',
    ruleset: nftables,
    rule: 'kube-proxy firewall-IYED6CT7-infra/lb-restricted/tcp/https 1',
  },
  {
    id: 'source-ranges-miss-node-port',
    words: 'the node port is restricted alike',
    ruleset: after(
      nftables,
      `${NFT} prerouting priority -140; }; add rule inet x c ip saddr != 198.51.100.0/28 tcp dport 30443 drop'`,
    ),
  },

  { id: 'reachable-through-other-address', words: 'all addresses answer', ruleset: small(), rule: null },
  {
    id: 'reachable-through-other-address',
    words: 'kube-proxy is told to use the primary address',
    ruleset: primaryOnly,
  },
  {
    id: 'reachable-through-other-address',
    words: 'nftables mode uses the primary address unless told',
    ruleset: nftables,
  },

  { id: 'route-localnet', words: 'kube-proxy turned it on', ruleset: iptables, rule: null },
  { id: 'route-localnet', words: 'kube-proxy was told not to', ruleset: noLocalhost },

  {
    id: 'datapath-bypass',
    words: 'a flowtable',
    ruleset: nodeWith({
      'nft.txt':
        'table inet f {\n\tflowtable fast {\n\t\thook ingress priority filter\n\t\tdevices = { eth0 }\n\t}\n}\n',
    }),
    rule: null,
  },
  {
    id: 'datapath-bypass',
    words: 'a chain at the ingress hook',
    ruleset: nodeWith({
      'nft.txt':
        'table netdev n {\n\tchain in {\n\t\ttype filter hook ingress device "eth0" priority 0; policy accept;\n\t\tip saddr 203.0.113.7 drop\n\t}\n}\n',
    }),
    rule: 'netdev n in 1',
  },
  {
    id: 'datapath-bypass',
    words: 'an empty chain there',
    ruleset: nodeWith({
      'nft.txt':
        'table netdev n {\n\tchain in {\n\t\ttype filter hook ingress device "eth0" priority 0; policy accept;\n\t}\n}\n',
    }),
  },

  {
    id: 'same-priority',
    words: "a nat REDIRECT beside kube-proxy's nftables chain",
    ruleset: withClassicRule('nftables', 'REDIRECT', 'nft'),
    rule: 'nat PREROUTING 1',
  },
  {
    id: 'same-priority',
    words: 'a nat chain at another priority',
    ruleset: after(
      nftables,
      "nft 'add table ip x; add chain ip x c { type nat hook prerouting priority -110; }; add rule ip x c tcp dport 30001 redirect to :65535'",
    ),
  },
  {
    id: 'same-priority',
    words: 'iptables mode: both stand in one chain',
    ruleset: withClassicRule('iptables-nft', 'REDIRECT', 'nft'),
  },
  {
    id: 'same-priority',
    words: 'an empty nat chain',
    ruleset: after(nftables, "nft 'add table ip x; add chain ip x c { type nat hook prerouting priority -100; }'"),
  },
];

describe('what an audit finds, and what not', () => {
  for (const { id, words, ruleset, rule, services } of cases)
    test(`${id}${rule === undefined ? ', not' : ''}: ${words}`, () => {
      const made = findingsOf(ruleset, services ?? null).filter((finding) => finding.id === id);
      const rules = made.map(({ ref }) => (ref === null ? null : refText(ref)));
      if (rule === undefined) assert.deepEqual(rules, []);
      else assert.ok(rules.includes(rule), `made for ${JSON.stringify(rules)}`);
    });

  test('every finding is tried both ways', () => {
    for (const id of FINDING_IDS) {
      const own = cases.filter((one) => one.id === id);
      assert.ok(own.some(({ rule }) => rule !== undefined) && own.some(({ rule }) => rule === undefined), id);
    }
  });
});

describe('docs/findings.md', () => {
  const text = readFileSync(new URL('../../../docs/findings.md', import.meta.url), 'utf8');
  const sections = new Map(
    text
      .split(/^## /m)
      .slice(1)
      .map((section) => [section.split('\n')[0] ?? '', section]),
  );
  for (const id of FINDING_IDS)
    test(`${id} says what, why, the cure, and shows an example`, () => {
      const section = sections.get(id) ?? '';
      for (const part of ['**What.**', '**Why it matters.**', '**Cure.**', '```'])
        assert.ok(section.includes(part), part);
    });
  test('it describes no finding that there is not', () =>
    assert.deepEqual([...sections.keys()].toSorted(), [...FINDING_IDS].toSorted()));
});

describe('what is told with a finding', () => {
  for (const mode of CAPTURED_MODES)
    test(`${mode}: a reason and a cure, exposures that exist, the most severe first`, () => {
      const ruleset = capturedNode(mode, 'small');
      const findings = findingsOf(ruleset);
      const ids = new Set(
        auditRuleset(ruleset, { entries: null, ports: null, all: true }).map(({ exposure }) => exposure.id),
      );
      for (const { reason, cure, exposures } of findings) {
        assert.ok(reason.length > 20 && cure.length > 10);
        for (const id of exposures) assert.ok(ids.has(id), id);
      }
      const ranks = findings.map(({ severity }) => ['high', 'medium', 'low'].indexOf(severity));
      assert.deepEqual(ranks, ranks.toSorted());
    });
});
