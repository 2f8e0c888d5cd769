import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Result } from '../../diagnostic/diagnostic.ts';
import { formatAddress, type Address } from '../../net/address.ts';
import { formatPrefix } from '../../net/prefix.ts';
import type { IpSetPart } from '../../ruleset/ipset.ts';
import { parseConntrack } from './conntrack.ts';
import type { IpFacts } from './ip-facts.ts';
import { parseIpJson } from './ip-json.ts';
import { parseIpText } from './ip-text.ts';
import { parseIpsets } from './ipset.ts';
import { parseIpvsadm } from './ipvsadm.ts';
import { parseNftHooks } from './nft-hooks.ts';
import { parseSs } from './ss.ts';
import { parseSysctls } from './sysctl.ts';

const source = (text: string) => ({ name: 'dump', text });
const good = <T>(result: Result<T>): T => {
  assert.ok(result.ok);
  assert.deepEqual(result.warnings, []);
  return result.value;
};
const codes = (result: Result<unknown>): readonly string[] =>
  (result.ok ? result.warnings : result.problems).map(({ code }) => code);
const at = (address: Address | null): string => (address === null ? '*' : formatAddress(address));

const partText = (part: IpSetPart): string => {
  switch (part.kind) {
    case 'addresses': {
      const [first, last] = [part.first, part.last].map((value) => formatAddress({ family: part.family, value }));
      return first === last ? (first ?? '') : `${first}-${last}`;
    }
    case 'ports':
      return `${part.protocol ?? 'any'}:${part.first === part.last ? part.first : `${part.first}-${part.last}`}`;
    case 'mark':
      return `mark ${part.mark}`;
    case 'mac':
      return `mac ${part.address.toString(16)}`;
    case 'interface':
      return `${part.physical ? 'port' : 'link'} ${part.name}`;
    case 'set':
      return `set ${part.name}`;
    case 'unknown':
      return `? ${part.text}`;
  }
};

describe('ipsets', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    // create                                  add                                      parts
    ['hash:ip,port family inet', '192.0.2.10,sctp:30132', '192.0.2.10 132:30132'],
    [
      'hash:ip,port,net family inet',
      '192.0.2.200,tcp:443,198.51.100.0/28',
      '192.0.2.200 6:443 198.51.100.0-198.51.100.15',
    ],
    ['hash:ip,port,ip family inet6', 'fd00::1,udp:53,fd00::2', 'fd00::1 17:53 fd00::2'],
    ['bitmap:port range 0-65535', '30000-30010', 'any:30000-30010'],
    ['hash:net family inet', '10.0.0.0/8', '10.0.0.0-10.255.255.255'],
    ['hash:net,iface family inet', '10.0.0.0/8,physdev:veth1', '10.0.0.0-10.255.255.255 port veth1'],
    ['hash:net,net family inet', '10.0.0.0/8,192.0.2.1', '10.0.0.0-10.255.255.255 192.0.2.1'],
    ['hash:ip,mark family inet', '10.0.0.1,0x10', '10.0.0.1 mark 16'],
    ['hash:mac', '02:00:00:00:00:0A', 'mac 2000000000a'],
    ['bitmap:ip range 10.0.0.0/24', '10.0.0.1-10.0.0.9', '10.0.0.1-10.0.0.9'],
    ['list:set size 8', 'inner', 'set inner'],
    ['hash:ip,port family inet', '192.0.2.1,icmp:8/0', '192.0.2.1 1:2048'],
  ];
  for (const [create, add, parts] of cases)
    test(`${create}: ${add}`, () => {
      const set = good(parseIpsets(source(`create S ${create}\nadd S ${add}\n`))).get('S');
      assert.equal(set?.entries[0]?.parts.map(partText).join(' '), parts);
    });

  test('an exception, and what is left of an entry that expires', () => {
    const set = good(
      parseIpsets(source('create S hash:net family inet timeout 60\nadd S 10.1.0.0/16 timeout 7 nomatch\n')),
    ).get('S');
    assert.deepEqual([set?.timeouts, set?.entries[0]?.nomatch, set?.entries[0]?.timeout], [true, true, 7]);
  });

  test('ipset list says the same as ipset save', () => {
    const listed =
      'Name: S\nType: hash:ip,port\nRevision: 5\nHeader: family inet6 hashsize 1024 maxelem 65536\nSize in memory: 600\nReferences: 2\nNumber of entries: 1\nMembers:\nfd00::1,tcp:80 \n\nName: P\nType: bitmap:port\nHeader: range 0-65535\nMembers:\n30781\n';
    const sets = good(parseIpsets(source(listed)));
    assert.deepEqual(
      [...sets.values()].map(({ name, type, family, entries }) => [
        name,
        type,
        family,
        ...entries.map(({ parts }) => parts.map(partText).join(' ')),
      ]),
      [
        ['S', 'hash:ip,port', 6, 'fd00::1 6:80'],
        ['P', 'bitmap:port', null, 'any:30781'],
      ],
    );
  });

  test('an entry without sense is kept as unknown, with a warning', () => {
    const result = parseIpsets(source('create S hash:ip,port family inet\nadd S 10.0.0.1,what:80\n'));
    assert.deepEqual(codes(result), ['entry-unknown']);
    assert.ok(result.ok && result.value.get('S')?.entries[0]?.parts.some(({ kind }) => kind === 'unknown'));
  });
});

describe('IPVS services', () => {
  const SAVED = `-A -t 192.0.2.10:30002 -s rr -p 10800
-a -t 192.0.2.10:30002 -r 10.244.1.64:8080 -m -w 1
-A -u [2001:db8::10]:53 -s wrr
-a -u [2001:db8::10]:53 -r [fd00::1]:5353 -i -w 0
-A --sctp-service 192.0.2.10:30132 -s rr
-A -f 7 -s lc -o
-a -f 7 -r 10.244.1.64:0 -g -w 2
-A -f 7 -6 -s rr
-a -f 7 -6 -r [fd00::1]:0 -m -w 1
`;
  test('ipvsadm -S', () => {
    assert.deepEqual(
      good(parseIpvsadm(source(SAVED))).map((one) => [
        one.at === null
          ? `mark ${one.mark} of IPv${one.family}`
          : `${one.at.protocol} ${at(one.at.address)} ${one.at.port}`,
        one.scheduler,
        one.persistent,
        one.flags.join(','),
        ...one.servers.map(({ address, port, forward, weight }) => `${at(address)} ${port} ${forward} ${weight}`),
      ]),
      [
        ['tcp 192.0.2.10 30002', 'rr', 10_800, '', '10.244.1.64 8080 masq 1'],
        ['udp 2001:db8::10 53', 'wrr', null, '', 'fd00::1 5353 tunnel 0'],
        ['sctp 192.0.2.10 30132', 'rr', null, ''],
        ['mark 7 of IPv4', 'lc', null, 'ops', '10.244.1.64 0 route 2'],
        ['mark 7 of IPv6', 'rr', null, '', 'fd00::1 0 masq 1'],
      ],
    );
  });

  test('ipvsadm -Ln', () => {
    const listed = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  192.0.2.10:30002 rr persistent 10800
  -> 10.244.1.64:8080             Masq    3      5          0
FWM  7 lc
  -> 10.244.1.64:0                Route   1      0          0
FWM  7 IPv6 rr
`;
    assert.deepEqual(
      good(parseIpvsadm(source(listed))).map(({ family, scheduler, persistent, mark, servers }) => [
        family,
        scheduler,
        persistent,
        mark,
        ...servers.map(({ forward, weight, active }) => `${forward} ${weight} ${active}`),
      ]),
      [
        [4, 'rr', 10_800, null, 'masq 3 5'],
        [4, 'lc', null, 7, 'route 1 0'],
        [6, 'rr', null, 7],
      ],
    );
  });

  test('a real server without its service is a warning', () =>
    assert.deepEqual(codes(parseIpvsadm(source('-a -t 192.0.2.1:1 -r 10.0.0.1:1 -m\n'))), ['ipvs-unknown']));
});

describe('ip: text and JSON say the same', () => {
  const JSON_ADDR = `[{"ifindex":2,"ifname":"eth0","flags":["BROADCAST","UP"],"group":"default","link_type":"ether","address":"02:00:00:00:00:01","linkinfo":{"info_kind":"veth"},"addr_info":[{"family":"inet","local":"192.0.2.10","prefixlen":24,"broadcast":"192.0.2.255","scope":"global"},{"family":"inet","local":"192.0.2.11","prefixlen":24,"scope":"global","secondary":true},{"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link"}]}]`;
  const TEXT_ADDR = `2: eth0@if6: <BROADCAST,UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff
    veth
    inet 192.0.2.10/24 brd 192.0.2.255 scope global eth0
       valid_lft forever preferred_lft forever
    inet 192.0.2.11/24 scope global secondary eth0
    inet6 fe80::1/64 scope link
`;
  test('a link with an XDP program', () => {
    // iproute2 6.1, `ip link set dev eth0 xdpgeneric …`; what is not needed here is left out.
    const json =
      '[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK"]},{"ifindex":2,"ifname":"eth0","flags":[],"xdp":{"mode":2,"prog":{"id":42,"tag":"3b185187f1855c4c","jited":1},"attached":[{"mode":2}]}}]';
    const text =
      '1: lo: <LOOPBACK> mtu 65536 qdisc noop\n2: eth0: <UP> mtu 1500 xdpgeneric/id:42 qdisc noqueue\n3: xdp0: <UP> mtu 1500 qdisc noop\n';
    const attached = (facts: IpFacts) => facts.links?.filter(({ xdp }) => xdp).map(({ name }) => name);
    assert.deepEqual(attached(good(parseIpJson(source(json)))), ['eth0']);
    assert.deepEqual(attached(good(parseIpText(source(text)))), ['eth0']);
  });

  test('links and addresses', () => {
    const [json, text] = [good(parseIpJson(source(JSON_ADDR))), good(parseIpText(source(TEXT_ADDR)))];
    assert.deepEqual(text, json);
    assert.deepEqual(
      json.addresses?.map(({ link, address, length, secondary }) => `${link} ${at(address)}/${length} ${secondary}`),
      ['eth0 192.0.2.10/24 false', 'eth0 192.0.2.11/24 true', 'eth0 fe80::1/64 false'],
    );
  });

  test('routes of all tables and types', () => {
    const text = `default via 192.0.2.1 dev eth0 proto dhcp metric 100
10.244.2.0/24 via 192.0.2.11 dev eth0
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10
local 192.0.2.10 dev eth0 table local proto kernel scope host src 192.0.2.10
unreachable 198.51.100.0/24
2001:db8::/64 dev eth0 proto kernel
default proto static
	nexthop via 192.0.2.1 dev eth0 weight 1
	nexthop via 192.0.2.2 dev eth1 weight 3
10.0.0.1 via inet6 fe80::1 dev eth0 onlink
`;
    assert.deepEqual(
      good(parseIpText(source(text))).routes?.map((route) =>
        `${route.table} ${route.type} ${formatPrefix(route.to)} ${at(route.via)} ${route.device} ${at(route.source)} ${route.metric}${route.hops.map(({ via, weight }) => ` ${at(via)}x${weight}`).join('')} ${route.flags.join()}`.trim(),
      ),
      [
        'main unicast 0.0.0.0/0 192.0.2.1 eth0 * 100',
        'main unicast 10.244.2.0/24 192.0.2.11 eth0 * 0',
        'main unicast 192.0.2.0/24 * eth0 192.0.2.10 0',
        'local local 192.0.2.10/32 * eth0 192.0.2.10 0',
        'main unreachable 198.51.100.0/24 * null * 0',
        'main unicast 2001:db8::/64 * eth0 * 1024',
        'main unicast 0.0.0.0/0 * null * 0 192.0.2.1x1 192.0.2.2x3',
        'main unicast 10.0.0.1/32 fe80::1 eth0 * 0 onlink',
      ],
    );
  });

  test('routes from JSON: the family of default follows from its gateway, or from the file', () => {
    const json =
      '[{"dst":"default","gateway":"fe80::1","dev":"eth0","metric":1024,"flags":[],"pref":"medium"},{"dst":"default","dev":"eth0","flags":[]}]';
    const routes = (family?: 6) => good(parseIpJson(source(json), family === undefined ? {} : { family })).routes;
    assert.deepEqual(
      routes()?.map((route) => route.family),
      [6, 4],
    );
    assert.deepEqual(
      routes(6)?.map((route) => route.family),
      [6, 6],
    );
  });

  test('policy routing', () => {
    const text = `0:      from all lookup local
100:    from all fwmark 0x200/0x200 goto 32766
101:    not from 10.0.0.0/8 to 192.0.2.1 iif eth0 lookup 7 suppress_prefixlength 0
102:    from all ipproto tcp dport 80-90 unreachable
103:    from all uidrange 0-99 lookup main
`;
    assert.deepEqual(
      good(parseIpText(source(text))).rules?.map((rule) => [
        rule.priority,
        rule.negate,
        rule.from === null ? 'all' : formatPrefix(rule.from),
        rule.mark === null ? null : `${rule.mark.value}/${rule.mark.mask}`,
        JSON.stringify(rule.action),
        rule.unknown.join(' '),
      ]),
      [
        [0, false, 'all', null, '{"kind":"lookup","table":"local","suppressPrefixLength":null}', ''],
        [100, false, 'all', '512/512', '{"kind":"goto","priority":32766}', ''],
        [101, true, '10.0.0.0/8', null, '{"kind":"lookup","table":"7","suppressPrefixLength":0}', ''],
        [102, false, 'all', null, '{"kind":"unreachable"}', ''],
        [103, false, 'all', null, '{"kind":"lookup","table":"main","suppressPrefixLength":null}', 'uidrange 0-99'],
      ],
    );
    const json =
      '[{"priority":0,"src":"all","table":"local"},{"priority":100,"src":"all","fwmark":"0x200","fwmask":"0x200","goto":32766},{"priority":101,"not":null,"src":"10.0.0.0","srclen":8,"dst":"192.0.2.1","iif":"eth0","table":"7","suppress_prefixlen":0}]';
    const core = (rules: ReturnType<typeof parseIpText>) =>
      good(rules).rules?.map(({ priority, negate, from, to, mark, action }) => ({
        priority,
        negate,
        from,
        to,
        mark,
        action,
      }));
    assert.deepEqual(core(parseIpJson(source(json))), core(parseIpText(source(text)))?.slice(0, 3));
  });

  test('prompts above tell the table', () => {
    const text = '$ ip rule\n0: from all lookup local\n\n$ ip route show table 101\ndefault via 192.0.2.1 dev eth0\n';
    const facts = good(parseIpText(source(text)));
    assert.deepEqual([facts.rules?.length, facts.routes?.[0]?.table, facts.links], [1, '101', null]);
  });
});

describe('the rest of a host', () => {
  test('sockets', () => {
    const text = `Netid State  Recv-Q Send-Q Local Address:Port  Peer Address:Port Process
udp   UNCONN 0      0      127.0.0.53%lo:53    0.0.0.0:*    users:(("systemd-resolve",pid=1,fd=12))
tcp   LISTEN 0      4096   0.0.0.0:31999       0.0.0.0:*    users:(("kube-proxy",fd=10),("kube-proxy",fd=11))
tcp   LISTEN 0      4096   *:10256             *:*
tcp   LISTEN 0      4096   [::1]:631           [::]:*
`;
    assert.deepEqual(
      good(parseSs(source(text))).map(
        (one) =>
          `${one.protocol} ${at(one.address)} ${one.families.join()} ${one.port} ${one.device} ${one.programs.join()}`,
      ),
      [
        'udp 127.0.0.53 4 53 lo systemd-resolve',
        'tcp * 4 31999 null kube-proxy',
        'tcp * 4,6 10256 null ',
        'tcp ::1 6 631 null ',
      ],
    );
  });

  test('connections', () => {
    const text = `ipv4     2 tcp      6 431999 ESTABLISHED src=203.0.113.7 dst=192.0.2.10 sport=40000 dport=30001 src=10.244.1.64 dst=10.244.1.1 sport=8080 dport=40000 [ASSURED] mark=16 zone=3 use=1
udp      17 29 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=53 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=53 dport=1 mark=0 use=1
conntrack v1.4.7 (conntrack-tools): 2 flow entries have been shown.
`;
    assert.deepEqual(
      good(parseConntrack(source(text))).map((one) => [
        one.protocol,
        one.state,
        one.seconds,
        `${at(one.original.source)}:${one.original.sourcePort}`,
        `${at(one.reply.source)}:${one.reply.sourcePort}`,
        one.flags.join(),
        one.mark,
        one.zone,
      ]),
      [
        [6, 'ESTABLISHED', 431_999, '203.0.113.7:40000', '10.244.1.64:8080', 'ASSURED', 16, 3],
        [17, null, 29, '10.0.0.1:1', '10.0.0.2:53', 'UNREPLIED', 0, 0],
      ],
    );
  });

  test('the order at the hooks', () => {
    const text = `family ip {
	hook prerouting {
		-0000000400 ipv4_conntrack_defrag [nf_defrag_ipv4]
		-0000000140 chain inet portcullis prerouting [nf_tables]
		 0000000100 nf_nat_ipv4_pre [nf_nat]
		 0000000000 chain ip filter INPUT [nf_tables]
	}
}
family netdev {
	hook ingress device eth0 {
		-0000000500 chain netdev t c [nf_tables]
	}
}
`;
    assert.deepEqual(
      good(parseNftHooks(source(text))).map(
        (one) =>
          `${one.family} ${one.hook} ${one.device} ${one.priority} ${one.chain === null ? one.function : `${one.chain.family} ${one.chain.table} ${one.chain.name}`}`,
      ),
      [
        'ip prerouting null -400 ipv4_conntrack_defrag',
        'ip prerouting null -140 inet portcullis prerouting',
        'ip prerouting null 100 nf_nat_ipv4_pre',
        'ip prerouting null 0 ip filter INPUT',
        'netdev ingress eth0 -500 netdev t c',
      ],
    );
  });

  test('sysctls', () => {
    const values = good(
      parseSysctls(
        source('net.ipv4.ip_forward = 1\nnet/ipv4/conf/eth0.10/rp_filter=2\nnet.ipv4.conf.eth0/11.rp_filter = 0\n'),
      ),
    );
    assert.deepEqual(
      [...values],
      [
        ['net.ipv4.ip_forward', '1'],
        ['net.ipv4.conf.eth0/10.rp_filter', '2'],
        ['net.ipv4.conf.eth0/11.rp_filter', '0'],
      ],
    );
  });

  test('lines without sense are warnings', () => {
    assert.deepEqual(codes(parseSs(source('tcp LISTEN 0 1 nowhere 0.0.0.0:*\n'))), ['socket-unknown']);
    assert.deepEqual(codes(parseConntrack(source('tcp 6 1 src=x\n'))), ['flow-unknown']);
    assert.deepEqual(codes(parseNftHooks(source('family ip {\n what\n}\n'))), ['hook-unknown']);
    assert.deepEqual(codes(parseSysctls(source('what\n'))), ['not-a-sysctl']);
    assert.deepEqual(codes(parseIpText(source('what is this\n'))), ['not-an-ip-line']);
    assert.deepEqual(codes(parseIpJson(source('{"a":1}'))), ['not-an-ip-dump']);
  });
});
