import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { spawnSync } from 'node:child_process';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { cpioArchive, type ArchiveEntry } from './cpio.ts';
import { programFile } from './needs.ts';

/**
 * The modules that the kernel needs to reach the host's files, in this order. Those that are built in are not among its
 * modules.
 */
const MODULES = [
  'virtio_ring',
  'virtio',
  'virtio_pci_legacy_dev',
  'virtio_pci_modern_dev',
  'virtio_pci',
  'fuse',
  'virtiofs',
  'overlay',
];

/**
 * Writes the virtual machine's first root: busybox, the modules above, and a script that puts a writable layer in
 * memory over the host's files and starts there. It is small (1.3 MB), because an emulated processor unpacks it.
 */
export const writeInitrd = async (file: string, modules: string): Promise<Result<null>> => {
  const busybox = programFile('busybox');
  if (busybox === undefined)
    return fail(error('missing-program', 'not installed: busybox', undefined, 'apt-get install busybox-static'));
  const found = new Map(moduleFiles(modules).map((path) => [basename(path).replace(/\.ko(\.xz)?$/, ''), path]));
  const needed = MODULES.filter((name) => found.has(name));
  const entries: ArchiveEntry[] = [
    ...['bin', 'm', 'proc', 'sys', 'dev', 'low', 'up', 'host'].map((path) => ({ path, content: null })),
    { path: 'bin/busybox', content: readFileSync(busybox), executable: true },
    ...needed.map((name) => ({ path: `m/${name}.ko`, content: moduleText(busybox, found.get(name) ?? '') })),
    { path: 'init', content: Buffer.from(initScript(needed)), executable: true },
  ];
  writeFileSync(file, gzipSync(cpioArchive(entries), { level: 1 }));
  return ok(null);
};

const moduleFiles = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ko(\.xz)?$/.test(name))
    .map((name) => join(folder, name));

const moduleText = (busybox: string, path: string): Buffer =>
  path.endsWith('.xz')
    ? spawnSync(busybox, ['xz', '-dc', path], { maxBuffer: 64 * 1024 * 1024 }).stdout
    : readFileSync(path);

const initScript = (modules: readonly string[]): string => `#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc p /proc; $B mount -t sysfs s /sys; $B mount -t devtmpfs d /dev
for m in ${modules.join(' ')}; do $B insmod /m/$m.ko; done
$B mount -t virtiofs root /low && $B mount -t tmpfs t /up && $B mkdir /up/u /up/w
$B mount -t overlay -o lowerdir=/low,upperdir=/up/u,workdir=/up/w o /host || $B poweroff -f
for m in dev proc sys; do $B mkdir -p /host/$m; $B mount --move /$m /host/$m; done
$B mkdir -p /host/out; $B mount -t virtiofs out /host/out || $B poweroff -f
exec $B switch_root /host /usr/bin/perl /out/agent.pl
`;
