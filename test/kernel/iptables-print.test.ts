import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { parseIptables } from '../../src/parse/iptables/iptables-save.ts';
import { printIptables } from '../../src/print/iptables.ts';
import type { IptablesTable } from '../../src/ruleset/table.ts';
import { makeNamespace, noKernel, removeNamespace, type Namespace } from '../support/namespace.ts';

const NAMESPACE = 'pclab-iptables-print';

/** What Calico, Istio, Docker, ufw, Shorewall, fail2ban and administrators write, one of each. */
const WRITTEN = `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p udp --dport 53 -j CT --notrack
-A PREROUTING -p tcp --dport 21 -j CT --helper ftp
-A PREROUTING -m rpfilter --loose --invert -j DROP
-A OUTPUT -p udp --sport 53 -j NOTRACK
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i cali+ -j MARK --set-mark 0x1/0xf0
-A PREROUTING ! -s 192.0.2.0/24 -j MARK --or-mark 0x4000
-A PREROUTING -m connmark --mark 0x210/0x210 -j CONNMARK --restore-mark --nfmask 0x40 --ctmask 0x40
-A PREROUTING -p tcp -m socket --transparent -j MARK --set-xmark 0x200/0x200
-A PREROUTING -p tcp --dport 15001 -j TPROXY --on-port 15001 --on-ip 127.0.0.1 --tproxy-mark 0x1/0x1
-A FORWARD -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu
-A FORWARD -j CONNMARK --save-mark
-A POSTROUTING -p udp --dport 68 -j CHECKSUM --checksum-fill
-A POSTROUTING -m dscp --dscp 0x12 -j TTL --ttl-dec 1
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A PREROUTING ! -s 198.51.100.0/30 -p tcp --dport 30001 -j REDIRECT --to-ports 65535
-A PREROUTING -d 192.0.2.0/24 -j NETMAP --to 10.9.0.0/24
-A DOCKER -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2-172.17.0.4:80-90
-A DOCKER -p udp -m statistic --mode random --probability 0.3333333333 -j DNAT --to-destination 10.0.0.1:53 --random --persistent
-A DOCKER -p udp -m statistic --mode nth --every 3 --packet 1 -j DNAT --to-destination 10.0.0.2
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE --random-fully
-A POSTROUTING -p tcp -j SNAT --to-source 192.0.2.1-192.0.2.4:1024-2048
COMMIT
*filter
:INPUT DROP [10:20]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:f2b-sshd - [0:0]
-A INPUT -p tcp -m multiport --dports 22,80,8000:8100 -j f2b-sshd
-A INPUT -p tcp -m multiport --ports 1,2 -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT
-A INPUT -m conntrack ! --ctstate INVALID --ctproto tcp --ctorigdst 192.0.2.0/24 --ctorigdstport 30001 --ctdir ORIGINAL -j ACCEPT
-A INPUT -m conntrack --ctstatus SEEN_REPLY,ASSURED --ctexpire 10:20 -j ACCEPT
-A INPUT -m state --state NEW -m recent --set --name ssh --rsource
-A INPUT -m recent --update --seconds 60 --hitcount 4 --rttl --name ssh --mask 255.255.255.0 --rsource -j DROP
-A INPUT -m recent --rcheck --seconds 60 --reap --name ssh --rdest -j DROP
-A INPUT -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] " --log-level 7 --log-uid
-A INPUT -m hashlimit --hashlimit-above 5/sec --hashlimit-burst 3 --hashlimit-mode srcip,dstport --hashlimit-name flood -j DROP
-A INPUT -p tcp -m connlimit --connlimit-above 100 --connlimit-mask 32 --connlimit-saddr -j REJECT --reject-with tcp-reset
-A INPUT -m mac --mac-source 02:00:00:00:00:01 -j ACCEPT
-A INPUT -m iprange ! --src-range 10.0.0.1-10.0.0.9 --dst-range 10.1.0.0-10.1.0.1 -j ACCEPT
-A INPUT -m pkttype --pkt-type broadcast -j DROP
-A INPUT -m ttl --ttl-lt 5 -m length --length 100:200 -j DROP
-A INPUT -p icmp -m icmp --icmp-type echo-request -j ACCEPT
-A INPUT -p icmp -m icmp ! --icmp-type 3/4 -j DROP
-A INPUT -s 10.0.0.0/255.0.255.0 -f -j DROP
-A INPUT -p sctp --dport 3868 -m comment --comment "it's a \\"quote\\" \\\\ here" -j ACCEPT
-A INPUT -m mark ! --mark 0x1/0xff -g f2b-sshd
-A INPUT -j NFLOG --nflog-group 5 --nflog-prefix "to the log"
-A INPUT -j NFQUEUE --queue-balance 0:3 --queue-bypass
-A FORWARD -m physdev --physdev-in veth+ --physdev-is-bridged -j ACCEPT
-A FORWARD -m time --timestart 08:00:00 --timestop 18:00:00 --weekdays Mon,Fri --datestop 2038-01-19T03:14:07 -j ACCEPT
-A OUTPUT -m owner --uid-owner 1000-1999 ! --gid-owner 0 -j ACCEPT
-A OUTPUT -m owner --socket-exists -j TEE --gateway 192.0.2.9
-A f2b-sshd -s 203.0.113.7 -j REJECT --reject-with icmp-admin-prohibited
-A f2b-sshd
-A f2b-sshd -j RETURN
COMMIT
`;

const captured = (mode: string, file: string): string =>
  readFileSync(new URL(`../../src/lab/data/kube-proxy/${mode}/${file}`, import.meta.url), 'utf8');

interface Case {
  readonly name: string;
  readonly text: string;
  readonly family: 4 | 6;
}

const cases: readonly Case[] = [
  { name: 'one rule of every kind', text: WRITTEN, family: 4 },
  { name: "kube-proxy's iptables mode", text: captured('iptables-legacy', 'iptables-save.txt'), family: 4 },
  { name: "kube-proxy's iptables mode, IPv6", text: captured('iptables-legacy', 'ip6tables-save.txt'), family: 6 },
  // Without -m ipvs, which a kernel without IPVS does not take.
  {
    name: "kube-proxy's ipvs mode",
    text: captured('ipvs', 'iptables-save.txt').replace(/^.* -m ipvs .*\n/gm, ''),
    family: 4,
  },
];

const read = (text: string, family: 4 | 6): readonly IptablesTable[] => {
  const dump = parseIptables({ name: 'dump', text }, { family });
  assert.ok(dump.ok);
  assert.equal(
    dump.value.understood,
    dump.value.rules,
    JSON.stringify(dump.warnings.slice(0, 3).map((one) => one.span)),
  );
  return dump.value.tables;
};

/** Objects that must be there before a kernel takes kube-proxy's rules. */
const ACCOUNTS = ['ct_state_invalid_dropped_pkts', 'localhost_nps_accepted_pkts'];

describe('what is printed of iptables rules', { skip: noKernel }, () => {
  let namespace: Namespace;
  before(async () => {
    namespace = await makeNamespace(NAMESPACE);
    await namespace.run(['ipset', 'restore'], captured('ipvs', 'ipset-save.txt'));
    for (const account of ACCOUNTS) await namespace.run(['nfacct', 'add', account]).catch(() => '');
  });
  after(() => removeNamespace(NAMESPACE));

  for (const flavour of ['legacy', 'nft'] as const)
    for (const { name, text, family } of cases)
      test(`iptables-${flavour}-restore takes it, and iptables-save gives back the same rules: ${name}`, async () => {
        const program = `${family === 4 ? 'iptables' : 'ip6tables'}-${flavour}`;
        const tables = read(text, family);
        const printed = printIptables(tables);
        await namespace.run([`${program}-restore`, '--test'], printed);
        await namespace.run([`${program}-restore`], printed);
        const saved = read(await namespace.run([`${program}-save`]), family);
        for (const table of tables) {
          const back = saved.find((one) => one.name === table.name);
          assert.deepEqual(plain(back), plain(table), table.name);
        }
      });
});

/** Rules by chain, without what a kernel counts, where the lines stand, and what it fills in or sorts by itself. */
const plain = (table: IptablesTable | undefined) =>
  printIptables(table === undefined ? [] : [table])
    .split('\n')
    .map((line) => line.replace(/\[\d+:\d+\] ?/, ''))
    .filter((line) => !line.startsWith(':'))
    .map((line) =>
      line
        .replace(/ --reject-with icmp6?-port-unreachable/, '')
        .replace(/--mask (?:255\.255\.255\.255|f{4}(?::f{4}){7}) /, '')
        .replace(/ --hashlimit-htable-\S+ \d+/g, '')
        .replace(/ --(?:kerneltz|utc)/, ''),
    );
