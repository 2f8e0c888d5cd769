import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { error, fail, ok, warning, type Diagnostic, type Result } from '../diagnostic/diagnostic.ts';
import { runCommand, runOrFail } from './command.ts';
import { newestPackage, sourceOf } from './debian-archive.ts';
import { writeInitrd } from './vm-initrd.ts';
import { RELEASES, type Kernel, type Release } from './vm-releases.ts';

/** An unpacked kernel that is ready to boot; paths. */
export interface KernelFiles {
  readonly image: string;
  readonly initrd: string;
  /** The folder that holds the modules of this kernel's version. */
  readonly modules: string;
}

/** Kernels are kept in `PORTCULLIS_VM_CACHE`, else in `.cache/vm` of the checkout. */
export const cacheFolder = (): string =>
  process.env['PORTCULLIS_VM_CACHE'] ?? fileURLToPath(new URL('../../.cache/vm', import.meta.url));

/** A kernel's files. The first time it is fetched from Debian's archive (25 MB) and unpacked (110 MB). */
export const kernelFiles = async (kernel: Kernel): Promise<Result<KernelFiles>> => {
  // Another pin has another folder, so a newer Portcullis does not use an old kernel.
  const folder = join(cacheFolder(), `${kernel}-${RELEASES[kernel].sha256.slice(0, 8)}`);
  if (existsSync(folder)) return ok(filesIn(folder));
  mkdirSync(cacheFolder(), { recursive: true });
  // Two processes may need it at the same time. Each builds in a folder of its own, and one of them puts it in place.
  const draft = mkdtempSync(join(cacheFolder(), `${kernel}.new-`));
  try {
    const fetched = await unpackInto(draft, RELEASES[kernel]);
    if (!fetched.ok) return fetched;
    moveUnlessThere(draft, folder);
    return ok(filesIn(folder), fetched.warnings);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
};

const moveUnlessThere = (draft: string, folder: string): void => {
  try {
    renameSync(draft, folder);
  } catch (problem) {
    // Another process was first, and its folder is as good.
    if (!existsSync(folder)) throw problem;
  }
};

const unpackInto = async (draft: string, release: Release): Promise<Result<null>> => {
  const archive = await fetchPackage(join(draft, 'download'), release);
  if (!archive.ok) return archive;
  const unpacked = await runOrFail({ argv: ['dpkg-deb', '--extract', archive.value, draft] });
  if (!unpacked.ok) return unpacked;
  rmSync(join(draft, 'download'), { recursive: true });
  const { version, modules } = versionIn(draft);
  const base = modules.slice(0, modules.indexOf('/lib/modules/'));
  const indexed = await runOrFail({ argv: ['depmod', '--basedir', base, version] });
  if (!indexed.ok) return indexed;
  const initrd = await writeInitrd(join(draft, 'initrd.gz'), modules);
  return initrd.ok ? ok(null, archive.warnings) : initrd;
};

/**
 * The package's file: the pinned one, checked against its sum. Where that is gone, it is the newest one, checked by the
 * archive's signatures.
 */
const fetchPackage = async (folder: string, release: Release): Promise<Result<string>> => {
  mkdirSync(folder);
  const target = join(folder, 'kernel.deb');
  const uri = `${sourceOf()}/${release.file}`;
  const pinned = await runCommand({
    argv: ['/usr/lib/apt/apt-helper', 'download-file', uri, target, `SHA256:${release.sha256}`],
  });
  if (pinned.status === 0) return ok(target);
  const newest = await newestPackage(folder, release.suite);
  return newest.ok ? ok(newest.value, [newer(release)]) : fail(error('no-kernel', WHY_NONE), ...newest.problems);
};

const WHY_NONE = 'no kernel for the virtual machine could be fetched from Debian';

const newer = ({ file, suite }: Release): Diagnostic =>
  warning('kernel-not-pinned', `${file.split('/').at(-1)} is not in Debian's archive: took the newest of ${suite}`);

const versionIn = (folder: string): { version: string; modules: string } => {
  const version =
    readdirSync(join(folder, 'boot'))
      .find((name) => name.startsWith('vmlinuz-'))
      ?.slice(8) ?? '';
  const roots = [join(folder, 'usr/lib/modules'), join(folder, 'lib/modules')];
  return { version, modules: join(roots.find((root) => existsSync(root)) ?? roots[0]!, version) };
};

const filesIn = (folder: string): KernelFiles => {
  const { version, modules } = versionIn(folder);
  return { image: join(folder, 'boot', `vmlinuz-${version}`), initrd: join(folder, 'initrd.gz'), modules };
};
