import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// npm run demo:elsewhere [-- NAME...]: what the README promises for other systems, tried in root file systems of theirs
// with their own Node and npm. Nothing of this machine's but the kernel is used in there; nothing stays mounted,
// because each runs in a mount namespace of its own.

interface System {
  readonly name: string;
  readonly suite: string;
  /** The archive that debootstrap reads; an environment variable of this name may give another. */
  readonly mirror: readonly [variable: string, otherwise: string];
  readonly components: string;
}

const DEBIAN = ['DEBIAN_MIRROR', 'http://deb.debian.org/debian'] as const;
const SYSTEMS: readonly System[] = [
  { name: 'debian-12', suite: 'bookworm', mirror: DEBIAN, components: 'main' },
  { name: 'debian-13', suite: 'trixie', mirror: DEBIAN, components: 'main' },
  {
    name: 'ubuntu-24.04',
    suite: 'noble',
    mirror: ['UBUNTU_MIRROR', 'http://archive.ubuntu.com/ubuntu'],
    components: 'main,universe',
  },
];

/** The README's two commands; of the second the pure parts and one file of each kind that needs the kernel. */
const COMMANDS: readonly (readonly string[])[] = [
  ['npm', 'run', 'demo'],
  ['npm', 'test', '--', 'src/net', 'test/cli/shell', 'test/kernel/own-table'],
];

const CHECKOUT = fileURLToPath(new URL('..', import.meta.url));

/** What this machine needs to reach its archives and registries holds in there as well. */
const CONFIGURATION = [
  '/etc/apt/apt.conf.d',
  '/etc/npmrc',
  '/root/.npmrc',
  '/etc/ssl/certs',
  '/etc/resolv.conf',
  '/etc/hosts',
];

const bring = (root: string, path: string): void => {
  if (!existsSync(path)) return;
  mkdirSync(join(root, dirname(path)), { recursive: true });
  cpSync(path, join(root, path), { recursive: true, dereference: true, force: true });
};

const copyCheckout = (to: string): void => {
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: CHECKOUT,
  });
  for (const file of files.toString().split('\0'))
    if (file !== '' && existsSync(join(CHECKOUT, file)))
      cpSync(join(CHECKOUT, file), join(to, file), { recursive: true });
};

/** Runs a program in the root file system: /proc, /sys and /dev are there for it alone. */
const within = (root: string, argv: readonly string[], folder = '/') => {
  // The words are a fixed text; what is run comes as its arguments. The root is a mount of its own: `ip netns exec`
  // makes it a slave.
  const enter =
    'mount --bind "$0" "$0" && for each in proc sys dev run; do mkdir -p "$0/$each"; done; mount --rbind /proc "$0/proc" && mount --rbind /sys "$0/sys" && mount --rbind /dev "$0/dev" && mount -t tmpfs run "$0/run" && exec chroot "$0" env -C "$@"';
  return spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', enter, root, folder, ...argv], {
    stdio: ['ignore', 2, 2],
    env: {
      ...process.env,
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      CI: 'true',
      HOME: '/root',
    },
  }).status;
};

type Outcome = readonly [what: string, outcome: 'works' | 'fails' | 'could not be tried'];

const tryOn = ({ name, suite, mirror: [variable, otherwise], components }: System): readonly Outcome[] => {
  const place = mkdtempSync(join(tmpdir(), `portcullis-${name}-`));
  const root = join(place, 'root');
  try {
    const made = spawnSync(
      'debootstrap',
      [
        '--variant=minbase',
        `--components=${components}`,
        '--include=ca-certificates',
        suite,
        root,
        process.env[variable] ?? otherwise,
      ],
      { stdio: ['ignore', 2, 2] },
    );
    if (made.status !== 0) return [[`the archive of ${suite}`, 'could not be tried']];
    for (const path of CONFIGURATION) bring(root, path);
    copyCheckout(join(root, 'portcullis'));
    writeFileSync(join(root, 'etc/apt/apt.conf.d/99-no-questions'), 'APT::Get::Assume-Yes "true";\n');
    // Its own Node and npm, as an administrator installs them there.
    const install =
      'apt-get update -qq && apt-get install -qq --no-install-recommends nodejs npm && node --version && npm --version';
    if (within(root, ['sh', '-c', install]) !== 0) return [['its own Node and npm', 'could not be tried']];
    return COMMANDS.map((words): Outcome => [
      words.join(' '),
      within(root, words, '/portcullis') === 0 ? 'works' : 'fails',
    ]);
  } finally {
    for (const each of readdirSync(place)) rmSync(join(place, each), { recursive: true, force: true });
    rmSync(place, { recursive: true, force: true });
  }
};

const words = process.argv.slice(2);
const unknown = words.find((word) => !SYSTEMS.some(({ name }) => name === word));
if (unknown !== undefined) {
  console.error(`${unknown} is none of ${SYSTEMS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const chosen = SYSTEMS.filter(({ name }) => words.length === 0 || words.includes(name));
const outcomes = chosen.flatMap((system) =>
  tryOn(system).map(([what, outcome]) => [system.name, what, outcome] as const),
);
for (const [name, what, outcome] of outcomes) console.log(`${name.padEnd(14)}${outcome.padEnd(20)}${what}`);
process.exitCode = outcomes.every(([, , outcome]) => outcome === 'works') ? 0 : 1;
