/** One listing in both forms in which nft gives it. */
export interface NftListing {
  readonly text: string;
  readonly json: string;
  readonly rules: number;
}

type Json = Readonly<Record<string, unknown>>;

/** A rule in words and as `nft -j` has it. */
type Rule = readonly [text: string, expr: readonly Json[], comment?: string];

const jump = (target: string): Json => ({ jump: { target } });
const goto = (target: string): Json => ({ goto: { target } });
const meta = (key: string): Json => ({ meta: { key } });
const field = (protocol: string, name: string): Json => ({ payload: { protocol, field: name } });
const match = (left: Json, right: unknown, op = '=='): Json => ({ match: { op, left, right } });
const numgen = (mod: number): Json => ({ numgen: { mode: 'random', mod, offset: 0 } });

const MARK: Json = { mangle: { key: meta('mark'), value: { '|': [meta('mark'), 16_384] } } };
const MARKED = 'meta mark set meta mark | 0x00004000';

interface FamilyWords {
  readonly ip: 'ip' | 'ip6';
  readonly type: string;
  readonly cluster: (service: number) => string;
  readonly outside: (service: number) => string;
  readonly pod: (number: number) => string;
  readonly pods: readonly [string, number];
  readonly node: string;
}

const V4: FamilyWords = {
  ip: 'ip',
  type: 'ipv4_addr',
  cluster: (service) => `10.${96 + (service >> 16)}.${(service >> 8) & 255}.${service & 255}`,
  outside: (service) => `198.18.${(service >> 8) & 255}.${service & 255}`,
  pod: (number) => `10.244.${(number >> 8) & 255}.${number & 255}`,
  pods: ['10.244.0.0', 16],
  node: '192.0.2.10',
};

const V6: FamilyWords = {
  ip: 'ip6',
  type: 'ipv6_addr',
  cluster: (service) => `fd00:10:96::${(service + 1).toString(16)}`,
  outside: (service) => `2001:db8:18::${(service + 1).toString(16)}`,
  pod: (number) => `fd00:10:244:${(1 + ((number >> 8) & 255)).toString(16)}::${((number & 255) + 1).toString(16)}`,
  pods: ['fd00:10:244::', 56],
  node: '2001:db8::10',
};

/** The table of one family, piece by piece. */
const tableOf = (words: FamilyWords, services: number, firstNodePort: number) => {
  const { ip } = words;
  const owner = { family: ip, table: 'kube-proxy' };
  const lines: string[] = [`table ${ip} kube-proxy {`];
  const json: Json[] = [{ table: { family: ip, name: 'kube-proxy', handle: 1 } }];
  const later: Json[] = [];
  let rules = 0;
  const [saddr, daddr] = [field(ip, 'saddr'), field(ip, 'daddr')];
  const set = (name: string, elements: readonly string[]): void => {
    lines.push(
      `\tset ${name} {`,
      `\t\ttype ${words.type}`,
      `\t\telements = { ${elements.join(',\n\t\t\t     ')} }`,
      '\t}',
    );
    json.push({ set: { ...owner, name, type: words.type, handle: 2, elem: elements } });
  };
  const map = (name: string, types: readonly string[], elements: readonly (readonly [unknown[], string])[]): void => {
    lines.push(`\tmap ${name} {`, `\t\ttype ${types.join(' . ')} : verdict`);
    if (elements.length > 0)
      lines.push(
        `\t\telements = { ${elements.map(([key, chain]) => `${key.join(' . ')} : goto ${chain}`).join(',\n\t\t\t     ')} }`,
      );
    lines.push('\t}');
    const elem = elements.map(([key, chain]) => [{ concat: key }, goto(chain)]);
    json.push({
      map: { ...owner, name, type: types, handle: 2, map: 'verdict', ...(elem.length > 0 ? { elem } : {}) },
    });
  };
  const chain = (
    name: string,
    list: readonly Rule[],
    base?: readonly [type: string, hook: string, prio: number],
  ): void => {
    lines.push(`\tchain ${name} {`);
    if (base !== undefined) lines.push(`\t\ttype ${base[0]} hook ${base[1]} priority ${base[2]}; policy accept;`);
    const [type, hook, prio] = base ?? [];
    json.push({
      chain: { ...owner, name, handle: 3, ...(base === undefined ? {} : { type, hook, prio, policy: 'accept' }) },
    });
    for (const [text, expr, comment] of list) {
      rules++;
      lines.push(`\t\t${text}${comment === undefined ? '' : ` comment "${comment}"`}`);
      later.push({ rule: { ...owner, chain: name, handle: 4, expr, ...(comment === undefined ? {} : { comment }) } });
    }
    lines.push('\t}', '');
  };
  const nodePorts: [unknown[], string][] = [];
  const addresses: [unknown[], string][] = [];
  const restricted: [unknown[], string][] = [];
  const chains: (() => void)[] = [];
  for (let service = 0; service < services; service++) {
    const label = `${service
      .toString(36)
      .toUpperCase()
      .padStart(8, 'A')
      .replaceAll(/[0189]/g, 'Z')}-bench/service-${service}/tcp/http`;
    const own = `service-${label}`;
    const endpoints = Array.from({ length: 1 + ((service * 7) % 9) }, (_, index) =>
      words.pod(service * 3 + index * 577),
    );
    addresses.push([[words.cluster(service), 'tcp', 80], own]);
    const tcp = match(meta('l4proto'), 'tcp');
    const spread = (list: readonly string[]): Rule => [
      `meta l4proto tcp dnat ${ip} to numgen random mod ${list.length} map { ${list.map((pod, index) => `${index} : ${pod} . 8080`).join(', ')} }`,
      [
        tcp,
        {
          dnat: {
            family: ip,
            addr: {
              map: {
                key: numgen(list.length),
                data: { set: list.map((pod, index) => [index, { concat: [pod, 8080] }]) },
              },
            },
          },
        },
      ],
    ];
    if (service % 40 === 5) {
      // Session affinity: a set and a chain for each endpoint.
      const name = (pod: string): string => `${label}__${pod.replaceAll(':', '.')}/8080`;
      for (const pod of endpoints) {
        const affinity = `affinity-${name(pod)}`;
        lines.push(
          `\tset ${affinity} {`,
          `\t\ttype ${words.type}`,
          '\t\tsize 65535',
          '\t\tflags dynamic,timeout',
          '\t\ttimeout 3h',
          '\t}',
        );
        json.push({
          set: {
            ...owner,
            name: affinity,
            type: words.type,
            handle: 2,
            size: 65_535,
            flags: ['timeout'],
            timeout: 10_800,
          },
        });
        chains.push(() =>
          chain(`endpoint-${name(pod)}`, [
            [`update @${affinity} { ${ip} saddr }`, [{ set: { op: 'update', elem: saddr, set: `@${affinity}` } }]],
            [
              `meta l4proto tcp dnat to ${ip === 'ip6' ? `[${pod}]` : pod}:8080`,
              [tcp, { dnat: { addr: pod, port: 8080 } }],
            ],
          ]),
        );
      }
      chains.push(() =>
        chain(own, [
          ...endpoints.map((pod): Rule => [
            `${ip} saddr @affinity-${name(pod)} goto endpoint-${name(pod)}`,
            [match(saddr, `@affinity-${name(pod)}`), goto(`endpoint-${name(pod)}`)],
          ]),
          [
            `numgen random mod ${endpoints.length} vmap { ${endpoints.map((pod, index) => `${index} : goto endpoint-${name(pod)}`).join(', ')} }`,
            [
              {
                vmap: {
                  key: numgen(endpoints.length),
                  data: { set: endpoints.map((pod, index) => [index, goto(`endpoint-${name(pod)}`)]) },
                },
              },
            ],
          ],
        ]),
      );
    } else chains.push(() => chain(own, [spread(endpoints)]));
    if (service % 4 !== 0) continue;
    const external = `external-${label}`;
    nodePorts.push([['tcp', firstNodePort + (service >> 2)], external]);
    if (service % 48 === 0) {
      const local = `local-${label}`;
      const [network, length] = words.pods;
      const fromNode = match({ fib: { result: 'type', flags: ['saddr'] } }, 'local');
      chains.push(() => {
        chain(local, [spread(endpoints.slice(0, 1))]);
        chain(external, [
          [
            `${ip} saddr ${network}/${length} goto ${own}`,
            [match(saddr, { prefix: { addr: network, len: length } }), goto(own)],
            'short-circuit pod traffic',
          ],
          [`fib saddr type local ${MARKED}`, [fromNode, MARK], 'masquerade local traffic'],
          [`fib saddr type local goto ${own}`, [fromNode, goto(own)], 'short-circuit local traffic'],
          [`goto ${local}`, [goto(local)]],
        ]);
      });
    } else
      chains.push(() =>
        chain(external, [
          [MARKED, [MARK], 'masquerade'],
          [`goto ${own}`, [goto(own)]],
        ]),
      );
    if (service % 40 === 20) {
      const firewall = `firewall-${label}`;
      addresses.push([[words.outside(service), 'tcp', 80], external]);
      restricted.push([[words.outside(service), 'tcp', 80], firewall]);
      const [network, length] = words.pods;
      chains.push(() =>
        chain(firewall, [
          [
            `${ip} saddr != ${network}/${length} drop`,
            [match(saddr, { prefix: { addr: network, len: length } }, '!='), { drop: null }],
          ],
        ]),
      );
    }
  }
  const clusterIps = Array.from({ length: services }, (_, service) => words.cluster(service));
  const toNode = match(daddr, '@nodeport-ips');
  const byAddress = { concat: [daddr, meta('l4proto'), field('th', 'dport')] };
  const byPort = { concat: [meta('l4proto'), field('th', 'dport')] };
  const look = (name: string): Rule => [
    `${ip} daddr . meta l4proto . th dport vmap @${name}`,
    [{ vmap: { key: byAddress, data: `@${name}` } }],
  ];
  const lookPort = (name: string): Rule => [
    `${ip} daddr @nodeport-ips meta l4proto . th dport vmap @${name}`,
    [toNode, { vmap: { key: byPort, data: `@${name}` } }],
  ];
  const onNew = (target: string): Rule => [
    `ct state new jump ${target}`,
    [match({ ct: { key: 'state' } }, 'new', 'in'), jump(target)],
  ];
  set('cluster-ips', clusterIps);
  set('nodeport-ips', [words.node]);
  const key = [words.type, 'inet_proto', 'inet_service'];
  map('no-endpoint-services', key, []);
  map('no-endpoint-nodeports', key.slice(1), []);
  map('firewall-ips', key, restricted);
  map('service-ips', key, addresses);
  map('service-nodeports', key.slice(1), nodePorts);
  chain('filter-prerouting-pre-dnat', [onNew('firewall-check')], ['filter', 'prerouting', -110]);
  chain('filter-input', [onNew('nodeport-endpoints-check'), onNew('service-endpoints-check')], ['filter', 'input', 0]);
  chain('filter-forward', [onNew('service-endpoints-check')], ['filter', 'forward', 0]);
  chain('nat-prerouting', [['jump services', [jump('services')]]], ['nat', 'prerouting', -100]);
  chain('nat-output', [['jump services', [jump('services')]]], ['nat', 'output', -100]);
  chain('nat-postrouting', [['jump masquerading', [jump('masquerading')]]], ['nat', 'postrouting', 100]);
  chain('nodeport-endpoints-check', [lookPort('no-endpoint-nodeports')]);
  chain('service-endpoints-check', [look('no-endpoint-services')]);
  chain('firewall-check', [look('firewall-ips')]);
  chain('services', [look('service-ips'), lookPort('service-nodeports')]);
  chain('masquerading', [
    [
      'meta mark & 0x00004000 != 0x00000000 meta mark set meta mark ^ 0x00004000 masquerade fully-random',
      [
        match({ '&': [meta('mark'), 16_384] }, 0, '!='),
        { mangle: { key: meta('mark'), value: { '^': [meta('mark'), 16_384] } } },
        { masquerade: { flags: 'fully-random' } },
      ],
    ],
  ]);
  for (const make of chains) make();
  lines.push('}');
  return { text: lines.join('\n'), json: [...json, ...later], rules };
};

/**
 * What nft lists where kube-proxy in nftables mode serves so many Services, a third of them as IPv6 too: the same
 * chains, maps and sets in the same order (pkg/proxy/nftables/proxier.go, syncProxyRules). A quarter of them has a node
 * port, from 30,000 on, some with local traffic only, session affinity or source ranges; 1 to 9 endpoints each.
 */
export const kubeProxyNft = (services: number): NftListing => {
  const [four, six] = [tableOf(V4, services, 30_000), tableOf(V6, Math.floor(services / 3), 30_000)];
  const head = { metainfo: { version: '1.0.6', release_name: 'Lester Gooch #5', json_schema_version: 1 } };
  return {
    text: `${four.text}\n${six.text}\n`,
    json: JSON.stringify({ nftables: [head, ...four.json, ...six.json] }),
    rules: four.rules + six.rules,
  };
};
