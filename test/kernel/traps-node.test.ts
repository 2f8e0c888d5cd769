import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { kernelHasIpvs } from '../../src/lab/kernel-features.ts';
import { labExec } from '../../src/lab/lab.ts';
import { MODES, type Mode } from '../../src/lab/mode.ts';
import { namespaceOf } from '../../src/lab/place.ts';
import { talk } from '../../src/lab/talk.ts';
import { FAMILIES, type Family } from '../../src/net/family.ts';
import { withGuardedLab, type GuardedLab } from '../support/guarded-lab.ts';
import { expectOutcomes, serveIn, type Expected } from '../support/lab-servers.ts';
import { mustRun, noKernel } from '../support/namespace.ts';
import { admin } from '../support/policies.ts';

// What a node and its pods do themselves, and ways to a node that are easily forgotten.

const HAS_IPVS = await kernelHasIpvs();

describe('a guarded node', { skip: noKernel }, () => {
  for (const mode of MODES)
    if (mode !== 'ipvs' || HAS_IPVS) test(`goes on working, mode ${mode}, on this kernel`, (t) => nodeTraps(t, mode));
});

const NODE: Readonly<Record<Family, string>> = { 4: '192.0.2.10', 6: '2001:db8:0:2::10' };
const FAR: Readonly<Record<Family, string>> = { 4: '203.0.113.7', 6: '2001:db8:0:203::7' };
const FAR_PORT = 9999;
/** A port of the node's own, as of a hostNetwork pod. */
const HOST_PORT = 31_500;
const FORWARDED = 30_500;

const everywhere = (ports: readonly string[], ...rules: readonly string[]) =>
  admin('traps', 1, [...rules, 'Deny everyone'], { subject: { ports } });

const nodeTraps = async (t: TestContext, mode: Mode): Promise<void> =>
  withGuardedLab(`traps-node-${mode}`, mode, async (lab) => {
    await prepare(lab);
    const traps: readonly (readonly [name: string, trap: (lab: GuardedLab) => Promise<void>])[] = [
      ['connections of its pods and its own may leave from guarded ports', ownConnections],
      ['what it sends to itself is not judged', toItself],
      ['its pods are clients like all others', pods],
      ['a range passes over port 22, where a server really listens', sshInRange],
      ['what another node forwards to its pods is not judged again', forwardedToPods],
      ['what another node forwards to its own sockets is judged as coming from that node', forwardedToHost],
      ['a VIP that no policy selects stays open where its port is guarded at the node itself', openVip],
      ...((await hasVlans(lab)) ? [['clients in a VLAN are judged', vlan] as const] : []),
      ['packets that ask for 127.0.0.1 from outside are judged', routeLocalnet],
    ];
    for (const [name, trap] of traps) await t.test(name, () => trap(lab));
  });

/** Servers; masquerading as a CNI plugin does it; on node-2 the rules of a NodePort whose endpoints are on node-1. */
const prepare = async (lab: GuardedLab): Promise<void> => {
  const both = (addresses: Readonly<Record<Family, string>>, port: number, name: string): readonly string[] =>
    FAMILIES.flatMap((family) => ['tcp', 'udp'].map((protocol) => `${protocol},${addresses[family]},${port},${name}`));
  await serveIn(lab.name, 'outside-d', ...both(FAR, FAR_PORT, 'far'));
  await serveIn(lab.name, 'node-1', ...both(NODE, HOST_PORT, 'host'), `tcp,${NODE[4]},1000,low`);
  await lab.onNode(
    ['nft', '-f', '-'],
    `table inet cni { chain out { type nat hook postrouting priority srcnat;
      ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 oifname "eth0" masquerade
      ip6 saddr fd00:10:244::/56 ip6 daddr != fd00:10:244::/56 oifname "eth0" masquerade; }; }\n`,
  );
  await mustRun(
    ['ip', 'netns', 'exec', namespaceOf(lab.name, 'node-2'), 'nft', '-f', '-'],
    `table ip forwards {
      chain in { type nat hook prerouting priority dstnat; tcp dport ${FORWARDED} dnat to 10.244.1.64:8080; tcp dport ${HOST_PORT} dnat to ${NODE[4]}:${HOST_PORT}; }
      chain out { type nat hook postrouting priority srcnat; ct status dnat masquerade; }
    }\n`,
  );
};

const ownConnections = async (lab: GuardedLab): Promise<void> => {
  // With or without a guard IPVS takes what comes to a node port of the node itself, answers as well
  // (ip_vs_proto_tcp.c, tcp_conn_schedule).
  const senders = lab.mode === 'ipvs' ? (['pod-64'] as const) : (['pod-64', 'node-1'] as const);
  const outgoing = [30_001, 30_002].flatMap((sourcePort) =>
    FAMILIES.flatMap((family) =>
      (['tcp', 'udp'] as const).flatMap((protocol) =>
        senders.map((from) => ({
          from,
          protocol,
          to: FAR[family],
          port: FAR_PORT,
          sourcePort,
        })),
      ),
    ),
  );
  // A pod and the node take the same port: only the first keeps it. So each has its own.
  const old = outgoing.filter(({ from, sourcePort }) => (from === 'pod-64') === (sourcePort === 30_001));
  const talks = old.map((it) => talk(lab.name, it));
  try {
    for (const each of talks) assert.equal(await each.hear(120_000), 'open');
    for (const each of talks) assert.match((await each.say('before', 120_000)) ?? '', /^far /);
    await lab.apply(everywhere(['30001-30002']));
    for (const [index, each] of talks.entries())
      assert.match((await each.say('after', 120_000)) ?? '', /^far /, JSON.stringify(old[index]));
    const tracked = await lab.onNode(['conntrack', '-L']);
    for (const protocol of ['tcp', 'udp'])
      assert.match(
        tracked,
        new RegExp(
          `^${protocol} .*src=10\\.244\\.1\\.64 dst=203.*sport=30001.* dst=192\\.0\\.2\\.10 sport=9999 dport=30001 `,
          'm',
        ),
        'the pod has the guarded port outside, too',
      );
  } finally {
    for (const each of talks) await each.close();
  }
  // New ones, while the guard is there: the other way round.
  await lab.onNode(['conntrack', '-F']);
  await expectOutcomes(
    lab.name,
    'new connections from guarded ports',
    outgoing
      .filter((it) => !old.includes(it))
      .map((it): Expected => ({ ...it, name: `from port ${it.sourcePort}`, outcome: 'connected' })),
  );
};

const toItself = async (lab: GuardedLab): Promise<void> => {
  const own: readonly Expected[] = [
    { from: 'node-1', protocol: 'tcp', to: NODE[4], port: 30_001, outcome: 'connected' },
    { from: 'node-1', protocol: 'tcp', to: NODE[4], port: HOST_PORT, outcome: 'connected' },
    { from: 'node-1', protocol: 'udp', to: NODE[6], port: HOST_PORT, outcome: 'connected' },
    { from: 'node-1', protocol: 'tcp', to: NODE[6], port: 30_006, outcome: 'connected' },
    // Only in the iptables modes are node ports open on 127.0.0.1.
    ...(lab.mode.startsWith('iptables')
      ? [{ from: 'node-1', protocol: 'tcp', to: '127.0.0.1', port: 30_001, outcome: 'connected' } as const]
      : []),
  ];
  await lab.apply();
  await expectOutcomes(lab.name, 'unguarded', own);
  await lab.apply(everywhere(['30000-32767']));
  await expectOutcomes(lab.name, 'guarded', own);
};

const pods = async (lab: GuardedLab): Promise<void> => {
  const asked = (outcome: Expected['outcome']): readonly Expected[] =>
    // pod-64 is an endpoint of shop/frontend, so that some of its connections lead back to itself.
    (['pod-64', 'pod-99'] as const).flatMap((from) =>
      Array.from({ length: 8 }, (): Expected => ({ from, protocol: 'tcp', to: NODE[4], port: 30_001, outcome })),
    );
  await lab.apply(everywhere(['30001']));
  await expectOutcomes(lab.name, 'refused', asked('timeout'));
  await lab.apply(everywhere(['30001'], 'Accept Pods'));
  await expectOutcomes(lab.name, 'allowed', asked('connected'));
};

const sshInRange = async (lab: GuardedLab): Promise<void> => {
  await lab.apply(everywhere(['1-1024']));
  await expectOutcomes(lab.name, 'a range over port 22', [
    { from: 'outside-b', protocol: 'tcp', to: NODE[4], port: 22, outcome: 'connected' },
    { from: 'outside-b', protocol: 'tcp', to: NODE[4], port: 1000, outcome: 'timeout' },
  ]);
};

const openVip = async (lab: GuardedLab): Promise<void> => {
  // In ipvs mode the load balancer's addresses are the node's own, on kube-ipvs0.
  const asked: readonly Expected[] = [
    { from: 'outside-b', protocol: 'tcp', to: '192.0.2.200', port: 443, outcome: 'connected' },
    { from: 'outside-b', protocol: 'tcp', to: '192.0.2.202', port: 80, outcome: 'connected' },
  ];
  await lab.apply(everywhere(['80', '443']));
  await expectOutcomes(lab.name, 'exact ports', asked);
  await lab.apply(everywhere(['1-1024']));
  await expectOutcomes(lab.name, 'a range', asked);
};

const forwardedToPods = async (lab: GuardedLab): Promise<void> => {
  // 8080 is the pods' own port, which is nobody's node port.
  await lab.apply(everywhere(['8080', '30500']));
  await expectOutcomes(lab.name, 'through node-2 to a pod of node-1', [
    { from: 'outside-a', protocol: 'tcp', to: '192.0.2.11', port: FORWARDED, outcome: 'connected' },
    { from: 'pod-99', protocol: 'tcp', to: '10.244.1.64', port: 8080, outcome: 'connected' },
  ]);
};

const forwardedToHost = async (lab: GuardedLab): Promise<void> => {
  const asked = (through: Expected['outcome']): readonly Expected[] => [
    { from: 'outside-a', protocol: 'tcp', to: NODE[4], port: HOST_PORT, outcome: 'connected' },
    { from: 'outside-b', protocol: 'tcp', to: NODE[4], port: HOST_PORT, outcome: 'timeout' },
    { from: 'outside-a', protocol: 'tcp', to: '192.0.2.11', port: HOST_PORT, outcome: through },
  ];
  await lab.apply(everywhere([`${HOST_PORT}`], 'Accept 198.51.100.2/32'));
  await expectOutcomes(lab.name, 'the node in between is not allowed', asked('timeout'));
  await lab.apply(everywhere([`${HOST_PORT}`], 'Accept 198.51.100.2/32, Nodes'));
  await expectOutcomes(lab.name, 'the node in between is allowed', asked('connected'));
};

const hasVlans = async ({ name }: GuardedLab): Promise<boolean> => {
  const words = ['link', 'add', 'link', 'eth0', 'name', 'v', 'type', 'vlan', 'id', '6'];
  return (await labExec(name, 'outside-c', ['ip', ...words])).status === 0;
};

const vlan = async (lab: GuardedLab): Promise<void> => {
  for (const [place, address] of [
    ['node-1', '192.0.3.10/24'],
    ['same-lan', '192.0.3.50/24'],
  ] as const)
    await mustRun(
      ['ip', '-n', namespaceOf(lab.name, place), '-batch', '-'],
      `link add link eth0 name eth0.5 type vlan id 5\naddress add ${address} dev eth0.5\nlink set eth0.5 up\n`,
    );
  const asked = (outcome: Expected['outcome']): readonly Expected[] => [
    { from: 'same-lan', protocol: 'tcp', to: '192.0.3.10', port: HOST_PORT + 1, source: '192.0.3.50', outcome },
    { from: 'same-lan', protocol: 'udp', to: '192.0.3.10', port: HOST_PORT + 1, source: '192.0.3.50', outcome },
  ];
  await serveIn(lab.name, 'node-1', ...['tcp', 'udp'].map((it) => `${it},192.0.3.10,${HOST_PORT + 1},vlan`));
  await lab.apply(everywhere([`${HOST_PORT + 1}`]));
  await expectOutcomes(lab.name, 'refused', asked('timeout'));
  await lab.apply(everywhere([`${HOST_PORT + 1}`], 'Accept 192.0.3.50/32'));
  await expectOutcomes(lab.name, 'allowed', asked('connected'));
};

/** CVE-2020-8558: with route_localnet, a neighbour reaches what listens on 127.0.0.1. */
const routeLocalnet = async (lab: GuardedLab): Promise<void> => {
  await lab.onNode(['sysctl', '-qw', 'net.ipv4.conf.all.route_localnet=1']);
  await lab.onNode(
    ['nft', '-f', '-'],
    `table inet localnet { counter came { }
      chain c { type filter hook prerouting priority -139; iifname "eth0" ip daddr 127.0.0.1 udp dport ${HOST_PORT} counter name came; }; }\n`,
  );
  const neighbour = (...argv: readonly [string, ...string[]]) => labExec(lab.name, 'same-lan', argv);
  await neighbour('sysctl', '-qw', 'net.ipv4.conf.all.route_localnet=1');
  await neighbour('ip', 'route', 'delete', 'local', '127.0.0.0/8', 'dev', 'lo', 'table', 'local');
  await neighbour('ip', 'route', 'delete', 'local', '127.0.0.1', 'dev', 'lo', 'table', 'local');
  await neighbour('ip', 'route', 'add', '127.0.0.1', 'via', NODE[4], 'src', '192.0.2.50');
  const came = async (): Promise<number> => {
    await expectOutcomes(lab.name, 'nobody answers there', [
      { from: 'same-lan', protocol: 'udp', to: '127.0.0.1', port: HOST_PORT, source: '192.0.2.50', outcome: 'timeout' },
    ]);
    return Number(/packets (\d+)/.exec(await lab.onNode(['nft', 'reset', 'counter', 'inet', 'localnet', 'came']))?.[1]);
  };
  await lab.apply();
  assert.equal(await came(), 1, 'without a guard it comes in');
  await lab.apply(everywhere([`${HOST_PORT}`]));
  assert.equal(await came(), 0);
  await lab.apply(everywhere([`${HOST_PORT}`], 'Accept 192.0.2.50/32'));
  assert.equal(await came(), 1);
};
