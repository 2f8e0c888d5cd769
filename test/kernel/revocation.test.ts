import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { runPhases } from '../../src/lab/command.ts';
import { kernelHasIpvs, kernelOpensSctp } from '../../src/lab/kernel-features.ts';
import { MODES, type Mode } from '../../src/lab/mode.ts';
import { namespaceOf, type Place } from '../../src/lab/place.ts';
import { probe } from '../../src/lab/probe.ts';
import { perl } from '../../src/lab/program.ts';
import { talk, type Talk } from '../../src/lab/talk.ts';
import { FAMILIES, WIDTH, type Family } from '../../src/net/family.ts';
import { PROTOCOLS, type Protocol } from '../../src/net/protocol.ts';
import { watchFlows, type FlowWatch } from '../support/flow-watch.ts';
import { good } from '../support/good.ts';
import { withGuardedLab, type GuardedLab } from '../support/guarded-lab.ts';
import { moreManifests, MORE_SERVICES, moreServiceCommands } from '../support/more-services.ts';
import { admin, type Manifest } from '../support/policies.ts';
import { addressOf, HOST_PORT, NODE } from './matrix-cells.ts';

// Connections that stand when their client is revoked: to a pod (by DNAT, or IPVS in ipvs mode) and to the node's own
// sockets. Both ways are cut, nothing is forgotten, and when the client is permitted again the same connections go on.

const REVOKED: Place = 'outside-a';
const KEPT: Place = 'outside-d';
/** All doors of this test lie in it. */
const RANGE = `${HOST_PORT}-30711`;
/**
 * Silence is waited for so long; a word of a living connection longer, for emulated machines and backed-off
 * retransmissions.
 */
const SILENCE_MS = 700;
const WORD_MS = 150_000;

/** An emulated machine shows what the running kernel cannot: SCTP, and pods behind IPVS. */
const IN_VM = process.env['PORTCULLIS_IN_VM'] === 'true';
/**
 * How often a server pushes, and so how often a silence is broken; what packets take of an emulated processor, commands
 * wait for.
 */
const PUSH_MS = IN_VM ? 500 : 200;

/** More processes than this at the same time take an emulated machine's time away from the connections. */
const AT_ONCE = 8;

const HAS_IPVS = await kernelHasIpvs();

describe('a revoked client', () => {
  for (const mode of MODES)
    if (mode !== 'ipvs' || HAS_IPVS)
      test(`is cut in established connections, mode ${mode}, on this kernel`, () => revocation(mode));
});

type Behaviour = 'idle' | 'busy' | 'pushing';

/** A connection that stays. */
interface Held {
  readonly name: string;
  readonly client: Place;
  readonly behaviour: Behaviour;
  readonly protocol: Protocol;
  readonly sourcePort: number;
  /** To an address of a load balancer, which `restrict` leaves alone. */
  readonly isVip: boolean;
  readonly talk: Talk;
  /** As its server's packets are counted at the client. */
  readonly atClient: string;
  /** As its client's packets are counted at the server; null where kube-proxy hides who sent them. */
  readonly atServer: { readonly place: Place; readonly key: string } | null;
}

const revocation = async (mode: Mode): Promise<void> => {
  const sctp = await kernelOpensSctp();
  await withGuardedLab(`revocation-${mode}`, mode, async (lab) => {
    const watches = await prepare(lab, sctp);
    const held: Held[] = [];
    try {
      const all = connections(mode, sctp);
      for (let first = 0; first < all.length; first += AT_ONCE)
        held.push(
          ...(await Promise.all(all.slice(first, first + AT_ONCE).map((it, index) => open(lab, it, first + index)))),
        );
      if (!IN_VM) await restrictAndAdd(lab, watches, held);
      const everywhere = (it: Held): boolean => it.client === REVOKED;
      await chatting(held, lab.applyByCommand(...moreManifests, ...policies([KEPT])));
      await isCut(lab, watches, held, everywhere);
      await lab.applyByCommand(...moreManifests, ...policies([KEPT, REVOKED]));
      await goesOn(lab, held, everywhere);
    } finally {
      await Promise.all(held.map((it) => it.talk.close()));
    }
  });
};

/**
 * `restrict` leaves the load balancer alone. In a machine the same connections are cut by `apply` alone, for each
 * command takes long there.
 */
const restrictAndAdd = async (lab: GuardedLab, watches: Watches, held: readonly Held[]): Promise<void> => {
  const notVip = (it: Held): boolean => it.client === REVOKED && !it.isVip;
  await chatting(held, command(lab, 'restrict', RANGE, '--from', addresses(KEPT).join(',')));
  await isCut(lab, watches, held, notVip);
  await command(lab, 'restrict', RANGE, '--from', addresses(REVOKED).join(','), '--add');
  await goesOn(lab, held, notVip);
  await command(lab, 'remove');
};

/** Where packets of connections are counted: at the clients, and at the servers that see who they are. */
type Watches = ReadonlyMap<Place, FlowWatch>;

const prepare = async ({ name, mode, onNode }: GuardedLab, sctp: boolean): Promise<Watches> => {
  const watches = new Map<Place, FlowWatch>();
  const sockets = PROTOCOLS.filter((protocol) => sctp || protocol !== 'sctp').flatMap((protocol) =>
    FAMILIES.map((family) => `${protocol},${NODE[family]},${HOST_PORT},host`),
  );
  good(
    await runPhases([
      ...moreServiceCommands(name, { mode, sctp }),
      [{ argv: perl('echo.pl', [namespaceOf(name, 'node-1'), ...sockets].join(' ')) }],
    ]),
  );
  // An emulated machine is slow, and an entry that came to its end is not what is tried here.
  await onNode(['sysctl', '--quiet', '--write', 'net.netfilter.nf_conntrack_udp_timeout=600']);
  for (const place of [REVOKED, KEPT, 'node-1', 'pod-64'] as const)
    watches.set(place, await watchFlows(name, place, 'received'));
  return watches;
};

const addresses = (place: Place): readonly string[] =>
  FAMILIES.map((family) => `${addressOf(place, family)}/${WIDTH[family]}`);

/** Every Service with all its exposures, and ports of the range that no Service uses. */
const policies = (allowed: readonly Place[]): readonly Manifest[] => {
  const rules = [`Accept ${allowed.flatMap(addresses).join(', ')}`, 'Deny everyone'];
  return [
    admin('services', 100, rules, { exposures: ['NodePort', 'LoadBalancer', 'ExternalIP'] }),
    admin('ports', 100, rules, { subject: { ports: [RANGE] } }),
  ];
};

const command = async ({ portcullis }: GuardedLab, ...argv: readonly string[]): Promise<void> => {
  const { status, stdout, stderr } = await portcullis(...argv);
  assert.equal(status, 0, `portcullis ${argv.join(' ')}: ${stdout}${stderr}`);
};

interface Connection {
  readonly door: string;
  readonly to: string;
  readonly family: Family;
  readonly protocol: Protocol;
  readonly port: number;
  readonly serverPort: number;
  /** Where the server sees its client's own address. */
  readonly server: Place | null;
  readonly client: Place;
  readonly behaviour: Behaviour;
}

/** Doors x behaviours of the revoked client; one of each kind of the other, who is not to be disturbed. */
const connections = (mode: Mode, sctp: boolean): readonly Connection[] => {
  const doors = [
    ...MORE_SERVICES.filter((it) => it.family === 4 || it.externalTrafficPolicy === 'Local').map(
      ({ family, protocol, externalTrafficPolicy, nodePort }) => ({
        door: `pod, ${externalTrafficPolicy}`,
        to: NODE[family],
        family,
        protocol,
        port: nodePort,
        serverPort: 9000,
        server: externalTrafficPolicy === 'Local' ? ('pod-64' as const) : null,
      }),
    ),
    ...PROTOCOLS.flatMap((protocol) =>
      FAMILIES.map((family) => ({
        door: 'host socket',
        to: NODE[family],
        family,
        protocol,
        port: HOST_PORT,
        serverPort: HOST_PORT,
        server: 'node-1' as const,
      })),
    ),
    { door: 'load balancer', ...VIP, family: 4, protocol: 'tcp', serverPort: 0, server: null } as const,
  ]
    .filter(({ protocol }) => sctp || protocol !== 'sctp')
    .filter(
      ({ door, protocol }) =>
        !IN_VM ||
        (mode === 'ipvs'
          ? door !== 'host socket' && door !== 'pod, Cluster'
          : protocol === 'sctp' && door !== 'pod, Cluster'),
    );
  return doors.flatMap((door) => [
    ...(door.family === 4 ? BEHAVIOURS : IPV6_BEHAVIOURS).map((behaviour) => ({ ...door, client: REVOKED, behaviour })),
    ...(door.family === 4 && (!IN_VM || door.door.startsWith('pod'))
      ? [{ ...door, client: KEPT, behaviour: 'pushing' as const }]
      : []),
  ]);
};

/** Service infra/lb-no-nodeports: its endpoints are on both nodes. */
const VIP = { to: '192.0.2.202', port: 80 } as const;

/** Silent, in the middle of question and answer, and talked to by the server without being asked. */
const BEHAVIOURS: readonly Behaviour[] = ['idle', 'busy', 'pushing'];
const IPV6_BEHAVIOURS: readonly Behaviour[] = ['busy', 'pushing'];

const open = async (lab: GuardedLab, connection: Connection, index: number): Promise<Held> => {
  const { door, to, family, protocol, port, serverPort, server, client, behaviour } = connection;
  const sourcePort = 40_000 + index;
  const own = addressOf(client, family);
  const line = talk(lab.name, { from: client, protocol, to, port, source: own, sourcePort });
  const name = `${client} ${behaviour} ${protocol} IPv${family} ${door}`;
  assert.equal(await line.hear(WORD_MS), 'open', name);
  assert.match((await line.say('first', WORD_MS)) ?? 'silence', / first$/, name);
  if (behaviour === 'pushing')
    assert.match((await line.say(`push ${PUSH_MS}`, WORD_MS)) ?? 'silence', new RegExp(` push ${PUSH_MS}$`), name);
  return {
    name,
    client,
    behaviour,
    protocol,
    sourcePort,
    talk: line,
    isVip: to === VIP.to,
    atClient: `${to} ${protocol} ${port} ${sourcePort}`,
    atServer: server === null ? null : { place: server, key: `${own} ${protocol} ${sourcePort} ${serverPort}` },
  };
};

/** Busy connections go on asking, and wait for each answer, while something happens. */
const chatting = async (held: readonly Held[], meanwhile: Promise<void>): Promise<void> => {
  const until = new AbortController();
  const chat = async ({ talk: line }: Held): Promise<void> => {
    while (!until.signal.aborted) {
      // Where no answer comes any more, a question now and then is enough.
      const answer = await line.say('chat', SILENCE_MS);
      if (answer !== null) await pause(PUSH_MS / 2);
    }
  };
  const chats = held.filter(({ behaviour }) => behaviour === 'busy').map(chat);
  try {
    await meanwhile;
  } finally {
    until.abort();
    await Promise.all(chats);
  }
};

/** The next line that is not an answer to what was asked before. */
const next = async (line: Talk): Promise<string | null> => {
  for (;;) {
    const heard = await line.hear(WORD_MS);
    if (heard === null || !heard.endsWith(' chat')) return heard;
  }
};

/** Says a word and gives the answer to it. */
const say = async (line: Talk, word: string): Promise<string | null> => {
  const first = await line.say(word, WORD_MS);
  return first?.endsWith(' chat') === true ? next(line) : first;
};

/** Who is cut: neither the client's packets nor the server's come through; the others notice nothing. */
const isCut = async (
  lab: GuardedLab,
  watches: Watches,
  held: readonly Held[],
  cut: (it: Held) => boolean,
): Promise<void> => {
  // What was on its way when the command ended may still arrive.
  await pause(SILENCE_MS);
  for (const it of held) it.talk.forget();
  const before = await counted(watches);
  const uncounted = held.filter(
    ({ client, atClient, atServer }) =>
      before(client, atClient) === 0 || (atServer !== null && before(atServer.place, atServer.key) === 0),
  );
  assert.deepEqual(uncounted, [], 'packets of every connection are counted');
  const said = await Promise.all(held.map((it) => (cut(it) ? silence(it) : isAlive(it))));
  const later = await counted(watches);
  const came = held
    .filter(cut)
    .flatMap((it) => [
      ...(later(it.client, it.atClient) > before(it.client, it.atClient) ? [`${it.name}: its server's packets`] : []),
      ...(it.atServer !== null && later(it.atServer.place, it.atServer.key) > before(it.atServer.place, it.atServer.key)
        ? [`${it.name}: its own packets`]
        : []),
    ]);
  const stopped = held.filter((it) => !cut(it) && later(it.client, it.atClient) === before(it.client, it.atClient));
  assert.deepEqual(said.flat().toSorted(), []);
  assert.deepEqual(came.toSorted(), []);
  assert.deepEqual(stopped, []);
  assert.deepEqual(await untracked(lab, held), []);
};

/** What a revoked connection hears, which must be nothing. */
const silence = async ({ name, behaviour, talk: line }: Held): Promise<readonly string[]> => {
  const heard = behaviour === 'pushing' ? await line.hear(SILENCE_MS) : await line.say('while cut', SILENCE_MS);
  return heard === null ? [] : [`${name}: ${heard}`];
};

const isAlive = async ({ name, behaviour, talk: line }: Held): Promise<readonly string[]> => {
  const heard = behaviour === 'pushing' ? await next(line) : await say(line, 'alive');
  return heard?.endsWith(behaviour === 'pushing' ? ' pushed' : ' alive') === true
    ? []
    : [`${name}: ${heard ?? 'silence'}`];
};

/** New connections come about at once, and the same ones as before carry words again, both ways. */
const goesOn = async ({ name }: GuardedLab, held: readonly Held[], wasCut: (it: Held) => boolean): Promise<void> => {
  const doors = [
    { protocol: 'tcp', port: HOST_PORT },
    ...MORE_SERVICES.filter(({ family, protocol }) => family === 4 && protocol !== 'sctp').map((service) => ({
      protocol: service.protocol,
      port: service.nodePort,
    })),
  ] as const;
  const reached = await probe(
    name,
    doors.map((door) => ({ ...door, from: REVOKED, to: NODE[4], timeoutMs: WORD_MS })),
  );
  assert.deepEqual(reached.ok && new Set(reached.value.map(({ outcome }) => outcome)), new Set(['connected']));
  const said = await Promise.all(held.map((it) => (wasCut(it) ? resumes(it) : isAlive(it))));
  assert.deepEqual(said.flat().toSorted(), []);
};

/** A stream brings what was said while it was cut; a datagram was lost, and the next one is answered. */
const resumes = async (it: Held): Promise<readonly string[]> => {
  const { name, behaviour, protocol, talk: line } = it;
  if (behaviour === 'pushing') return isAlive(it);
  const wanted = protocol === 'udp' ? ['again'] : ['while cut', 'again'];
  const first = protocol === 'udp' ? await say(line, 'again') : await next(line);
  const heard = [first, ...(protocol === 'udp' ? [] : [await say(line, 'again')])];
  return heard.flatMap((words, index) =>
    words?.endsWith(` ${wanted[index]}`) === true ? [] : [`${name}: ${words ?? 'silence'} instead of ${wanted[index]}`],
  );
};

/** Packets by place and flow, at one moment. */
const counted = async (watches: Watches): Promise<(place: Place, flow: string) => number> => {
  const got = new Map(
    await Promise.all([...watches].map(async ([place, watch]) => [place, await watch.seen()] as const)),
  );
  return (place, flow) => got.get(place)?.get(flow) ?? 0;
};

/** Connections that the node no longer tracks, though it must. */
const untracked = async ({ onNode }: GuardedLab, held: readonly Held[]): Promise<readonly string[]> => {
  const listed = FAMILIES.map((family) => onNode(['conntrack', '--dump', '--family', family === 4 ? 'ipv4' : 'ipv6']));
  const text = (await Promise.all(listed)).join('\n');
  return held.filter(({ sourcePort }) => !new RegExp(`sport=${sourcePort} `).test(text)).map(({ name }) => name);
};
