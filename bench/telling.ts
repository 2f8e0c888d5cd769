import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments, stringify } from 'yaml';
import { line, median } from './measure.ts';

// What a command tells must not cost more than what it is about: times, memory and text of large inputs over what the
// yaml library alone takes to read the same file, or over one explanation of the same dumps.

const place = mkdtempSync(join(tmpdir(), 'portcullis-telling-'));
const PROGRAM = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const SAYS_MEMORY =
  "data:text/javascript,process.on('exit',()=>process.stderr.write('\\nRSS '+process.resourceUsage().maxRSS))";
const ROUNDS = 3;

interface Run {
  readonly ms: number;
  readonly megabytes: number;
  readonly text: number;
}

const run = (...words: readonly string[]): Run => {
  const start = performance.now();
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', SAYS_MEMORY, PROGRAM, ...words], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    env: { ...process.env, PORTCULLIS_STATE_DIR: join(place, 'state') },
  });
  if (status === null || status > 1) throw new Error(`${words.join(' ')}: ${stderr.slice(0, 500)}`);
  const kilobytes = Number(/RSS (\d+)/.exec(stderr)?.[1]);
  return { ms: performance.now() - start, megabytes: kilobytes / 1024, text: stdout.length + stderr.length };
};

const cidr = (number: number): string => `${11 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}.0/24`;
const service = (index: number, namespace: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: `service-${index}`,
    namespace,
    labels: { app: `app-${index % 1000}`, tier: `tier-${index % 400}` },
  },
  spec: { type: 'NodePort', ports: [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30_000 + index }] },
});
const policy = (index: number, namespace: string, spec: object) => ({
  apiVersion: 'portcullis.dev/v1alpha1',
  kind: 'NodePortPolicy',
  metadata: { name: `policy-${index}`, namespace },
  spec,
});
const list = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, index) => make(index));

const INPUTS: readonly (readonly [name: string, documents: readonly object[], times: number, megabytes: number])[] = [
  [
    '2,690 Services, 1,000 policies, 20 groups of 500',
    [
      ...list(2690, (index) => service(index, `space-${index % 100}`)),
      ...list(20, (group) => ({
        apiVersion: 'portcullis.dev/v1alpha1',
        kind: 'AddressGroup',
        metadata: { name: `group-${group}` },
        spec: { cidrs: list(500, (index) => cidr(group * 1000 + index * 2)) },
      })),
      ...list(1000, (index) =>
        policy(index, `space-${index % 100}`, {
          serviceSelector: { matchLabels: { app: `app-${index}` } },
          allow: [{ addressGroup: `group-${index % 20}` }, { cidr: `203.0.${index % 256}.0/24` }],
        }),
      ),
    ],
    5,
    600,
  ],
  [
    '1,000 policies on each of 2,690 Services: one selection',
    [
      ...list(2690, (index) => service(index, 'shop')),
      ...list(1000, (index) => policy(index, 'shop', { allow: [{ cidr: cidr(index * 2) }] })),
    ],
    6,
    400,
  ],
  [
    '1,000 policies in 400 selections',
    [
      ...list(2690, (index) => service(index, 'shop')),
      ...list(1000, (index) =>
        policy(index, 'shop', {
          serviceSelector: { matchLabels: { tier: `tier-${index % 400}` } },
          allow: [{ cidr: cidr(index * 2) }],
        }),
      ),
    ],
    10,
    600,
  ],
];

const built = spawnSync(process.execPath, [fileURLToPath(new URL('../scripts/build.ts', import.meta.url))]);
if (built.status !== 0) throw new Error('the build failed');

for (const [name, documents, times, megabytes] of INPUTS) {
  const file = join(place, 'input.yaml');
  writeFileSync(file, documents.map((document) => stringify(document)).join('---\n'));
  const parsed = list(ROUNDS, () => {
    const text = readFileSync(file, 'utf8');
    const start = performance.now();
    for (const document of parseAllDocuments(text)) document.toJS();
    return performance.now() - start;
  });
  const runs = list(ROUNDS, () => run('apply', '-f', file, '--dry-run'));
  const ratio = median(runs.map(({ ms }) => ms)) / median(parsed);
  const most = Math.max(...runs.map((one) => one.megabytes));
  line(name, `${ratio.toFixed(1)} times reading the file`, `<= ${times}`, ratio <= times);
  line('  memory', `${most.toFixed(0)} MB`, `<= ${megabytes} MB`, most <= megabytes);
  line('  text', `${((runs[0]?.text ?? 0) / 1000).toFixed(0)} kB`);
}

/** Five listening ports behind block lists and a country. */
const node = join(place, 'node');
mkdirSync(node);
let seed = 1;
const random = (): number => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed;
};
const text = (value: number): string => `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
const entries = (set: number, count: number, length: () => number): string => {
  const seen = new Set<string>();
  while (seen.size < count) {
    const bits = length();
    seen.add(`${text((random() & (bits === 32 ? -1 : ~((1 << (32 - bits)) - 1))) >>> 0)}/${bits}`);
  }
  return `create list${set} hash:net family inet maxelem 1000000\n${[...seen].map((one) => `add list${set} ${one}\n`).join('')}`;
};
const dumps: Readonly<Record<string, string>> = {
  'ipset.txt': [
    entries(0, 120_000, () => 32),
    entries(1, 100_000, () => 24),
    entries(2, 60_000, () => 24),
    entries(3, 35_000, () => 16 + (random() % 9)),
  ].join(''),
  'iptables.txt': `*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\n${[0, 1, 2].map((set) => `-A INPUT -m set --match-set list${set} src -j DROP`).join('\n')}\n-A INPUT -p tcp -m set --match-set list3 src -m multiport --dports 22,80,443,8080,9090 -j ACCEPT\nCOMMIT\n`,
  'address.txt':
    '1: lo: <LOOPBACK,UP> mtu 65536\n    inet 127.0.0.1/8 scope host lo\n2: eth0: <BROADCAST,UP> mtu 1500\n    inet 192.0.2.10/24 scope global eth0\n',
  'route.txt': 'default via 192.0.2.1 dev eth0\n192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.10\n',
  'sockets.txt': `Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n${[22, 80, 443, 8080, 9090].map((port) => `tcp   LISTEN 0      128    0.0.0.0:${port}       0.0.0.0:*`).join('\n')}\n`,
};
for (const [file, content] of Object.entries(dumps)) writeFileSync(join(node, file), content);
const given = Object.entries({ iptables: 'iptables', ipset: 'ipset', ss: 'sockets' })
  .flatMap(([flag, file]) => [`--${flag}`, join(node, `${file}.txt`)])
  .concat('--ip', join(node, 'address.txt'), '--ip', join(node, 'route.txt'));
const explained = list(ROUNDS, () =>
  run('explain', '--from', '203.0.113.7', '--to', '192.0.2.10:443', '--no-texts', ...given),
);
const audited = list(ROUNDS, () => run('audit', '--all', ...given));
const ratio = median(audited.map(({ ms }) => ms)) / median(explained.map(({ ms }) => ms));
const most = Math.max(...audited.map((one) => one.megabytes));
line('audit of 5 ports behind 315,000 entries', `${ratio.toFixed(1)} times one explanation`, '<= 3', ratio <= 3);
line('  memory', `${most.toFixed(0)} MB`, '<= 700 MB', most <= 700);
const asData = list(ROUNDS, () => run('audit', '--all', '-o', 'json', ...given));
const dataRatio = median(asData.map(({ ms }) => ms)) / median(audited.map(({ ms }) => ms));
const dataMost = Math.max(...asData.map((one) => one.megabytes));
line('the same as JSON', `${dataRatio.toFixed(1)} times the audit in words`, '<= 2', dataRatio <= 2);
line('  memory', `${dataMost.toFixed(0)} MB`, '<= 700 MB', dataMost <= 700);
line('  text', `${((asData[0]?.text ?? 0) / 1_000_000).toFixed(1)} MB`);
rmSync(place, { recursive: true, force: true });
