import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { runCommand, runOrFail } from './command.ts';

/** The mirror of Debian's archive that this machine already uses. On another distribution it is Debian's own. */
export const sourceOf = (): string => {
  const files = ['/etc/apt/sources.list', ...inFolder('/etc/apt/sources.list.d')].filter((file) => existsSync(file));
  const uris = files.flatMap(
    (file) => readFileSync(file, 'utf8').match(/^[^#\n]*\bhttps?:\/\/\S+\/debian\/?(?=\s|$)/gm) ?? [],
  );
  return uris[0]?.match(/https?:\/\/\S+/)?.[0].replace(/\/$/, '') ?? 'http://deb.debian.org/debian';
};

const inFolder = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];

/**
 * Downloads the newest cloud kernel of a release into a folder, with an apt that keeps its state there. Gives the file.
 */
export const newestPackage = async (folder: string, suite: string): Promise<Result<string>> => {
  const keyring = ['.gpg', '.pgp']
    .map((ending) => `/usr/share/keyrings/debian-archive-keyring${ending}`)
    .find((file) => existsSync(file));
  if (keyring === undefined)
    return fail(
      error(
        'missing-program',
        "the keys of Debian's archive are not here",
        undefined,
        'apt-get install --no-install-recommends debian-archive-keyring',
      ),
    );
  mkdirSync(join(folder, 'lists/partial'), { recursive: true });
  writeFileSync(join(folder, 'sources.list'), `deb [arch=amd64 signed-by=${keyring}] ${sourceOf()} ${suite} main\n`);
  const settings = [
    'APT::Sandbox::User=root',
    'APT::Architecture=amd64',
    `Dir::State::lists=${join(folder, 'lists')}`,
    `Dir::Etc::sourcelist=${join(folder, 'sources.list')}`,
    'Dir::Etc::sourceparts=-',
    'Dir::State::status=/dev/null',
    // All of it stays out of the machine's own state.
    'Dir::Cache::pkgcache=',
    'Dir::Cache::srcpkgcache=',
  ].flatMap((setting) => ['--option', setting]);
  const updated = await runOrFail({ argv: ['apt-get', '-qq', ...settings, 'update'] });
  if (!updated.ok) return updated;
  const { stdout } = await runCommand({ argv: ['apt-cache', ...settings, 'depends', 'linux-image-cloud-amd64'] });
  const name = /Depends: (linux-image-[0-9]\S+)/.exec(stdout)?.[1];
  if (name === undefined) return fail(error('no-kernel', `Debian ${suite} has no linux-image-cloud-amd64`));
  const got = await runOrFail({ argv: ['env', `--chdir=${folder}`, 'apt-get', '-qq', ...settings, 'download', name] });
  if (!got.ok) return got;
  const file = readdirSync(folder).find((it) => it.startsWith('linux-image-') && it.endsWith('.deb'));
  return file === undefined ? fail(error('no-kernel', `${name} was not downloaded`)) : ok(join(folder, file));
};
