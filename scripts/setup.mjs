// Makes a fresh clone on a fresh machine ready, then starts what it was asked to: node scripts/setup.mjs
// demo|test|check|bench [file.ts args…] Plain JavaScript for Node 18 and later: it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findOwnNode, isNewEnough, OLDEST } from '../bin/own-node.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [purpose = 'check', entry, ...rest] = process.argv.slice(2);
const isRoot = process.geteuid?.() === 0;

const stop = (...lines) => {
  for (const line of lines) process.stderr.write(`${line}\n`);
  process.exit(2);
};

const isExecutable = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const FOLDERS = [
  ...(process.env.PATH ?? '').split(':'),
  '/usr/sbin',
  '/sbin',
  '/usr/bin',
  '/bin',
  '/usr/libexec',
  '/usr/lib/qemu',
];

const isThere = (what) =>
  what.startsWith('/') ? existsSync(what) : FOLDERS.some((folder) => isExecutable(join(folder, what)));

/** Packages of which nothing that they bring is there. */
const missingPackages = () => {
  // A demo in ipvs mode may need a virtual machine, as the tests do.
  const list = purpose === 'demo' && rest.some((word) => word.includes('ipvs')) ? 'test' : purpose;
  const wanted = JSON.parse(readFileSync(join(root, 'scripts/packages.json'), 'utf8'))[list] ?? [];
  return wanted.filter(({ any }) => !any.some(isThere)).map((entry) => entry.package);
};

/** The names of packages differ between releases: the first that the archive has is taken. */
const resolveNames = (packages) =>
  packages.map((names) => {
    const [first, ...others] = names.split('|');
    return others.length === 0
      ? first
      : ([first, ...others].find(
          (name) => spawnSync('apt-cache', ['show', '--no-all-versions', name], { stdio: 'ignore' }).status === 0,
        ) ?? first);
  });

const run = (argv, env = {}) => {
  const [program, ...args] = argv;
  return spawnSync(program, args, { stdio: ['inherit', 2, 2], cwd: root, env: { ...process.env, ...env } }).status ?? 1;
};

const installPackages = () => {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const plain = missing.map((names) => names.split('|')[0]);
  const command = `apt-get install -y --no-install-recommends ${plain.join(' ')}`;
  if (!isExecutable('/usr/bin/apt-get'))
    stop(
      `missing system packages: ${plain.join(', ')}`,
      `Install them with your system's package manager (their Debian names are given).`,
    );
  if (!isRoot) stop(`missing system packages: ${plain.join(', ')}`, `Run: sudo ${command}`);
  process.stderr.write(`setup: installing system packages: ${plain.join(' ')}\n`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  run(['apt-get', 'update', '-qq'], env);
  const names = resolveNames(missing);
  if (run(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...names], env) !== 0)
    stop('setup: the packages could not be installed', `Try: apt-get install ${names.join(' ')}`);
  const still = missingPackages();
  if (still.length > 0) stop(`setup: still missing after the installation: ${still.join(', ')}`);
};

/** The lock file as it was when node_modules was made. */
const installModules = () => {
  const lock = join(root, 'package-lock.json');
  const made = join(root, 'node_modules/.package-lock.json');
  if (existsSync(made) && statSync(made).mtimeMs >= statSync(lock).mtimeMs) return;
  process.stderr.write('setup: npm ci\n');
  if (run(['npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error']) !== 0) stop('setup: npm ci failed');
};

const ownNode = () => {
  const own = findOwnNode(root);
  if (own !== null) return own;
  if (isNewEnough()) return process.execPath;
  return stop(
    `Node ${OLDEST} is needed; this is ${process.version} on ${process.arch}, for which none is brought along.`,
    `Install Node ${OLDEST} or newer.`,
  );
};

/** npm 9.2 (Debian 12 and 13) leaves out the link by which what npm runs finds this Node first. */
const linkOwnNode = () => {
  const link = join(root, 'node_modules/.bin/node');
  const own = findOwnNode(root);
  if (own === null || existsSync(link)) return;
  rmSync(link, { force: true });
  symlinkSync(relative(dirname(link), own), link);
};

if ((purpose === 'demo' || purpose === 'test' || purpose === 'bench' || purpose === 'elsewhere') && !isRoot) {
  const missing = missingPackages().map((names) => names.split('|')[0]);
  stop(
    `npm ${purpose === 'test' ? 'test' : `run ${purpose}`} needs root: it makes network namespaces and loads rules into them.`,
    ...(missing.length === 0 ? [] : [`It would also install: ${missing.join(', ')}`]),
    `Run: sudo npm ${purpose === 'test' ? 'test' : `run ${purpose}`}`,
  );
}
installModules();
linkOwnNode();
installPackages();
if (entry !== undefined) {
  const node = ownNode();
  const path = `${join(root, 'node_modules/.bin')}:${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  // A signal from the terminal goes to the child as well: wait for it to clean up.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
  const { status } = spawnSync(node, [join(root, entry), ...rest], {
    stdio: 'inherit',
    env: { ...process.env, PATH: path },
  });
  process.exitCode = status ?? 130;
}
