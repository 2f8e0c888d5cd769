import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { error, fail, ok, type Diagnostic, type Result, type Source } from '../../diagnostic/diagnostic.ts';
import type { Context } from '../output/context.ts';

const MANIFEST = /\.(ya?ml|json)$/i;

/** More than this in one file is no policy; it must not fill the memory. */
const MOST_BYTES = 64 * 1024 * 1024;

const why = (problem: unknown): string => {
  const code = problem instanceof Error && 'code' in problem ? problem.code : '';
  if (code === 'ENOENT') return 'no such file or directory';
  if (code === 'EACCES') return 'permission denied';
  return problem instanceof Error ? problem.message : String(problem);
};

const manifestsIn = (directory: string, at: string): readonly string[] =>
  readdirSync(at, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const name = join(directory, entry.name);
      if (entry.name.startsWith('.')) return [];
      if (entry.isDirectory()) return manifestsIn(name, join(at, entry.name));
      return MANIFEST.test(entry.name) ? [name] : [];
    });

const readOne = (name: string, cwd: string): Source | Diagnostic => {
  const path = resolve(cwd, name);
  const { size } = statSync(path);
  return size > MOST_BYTES
    ? error('file-too-large', `${name} has ${size} bytes`, undefined, 'Split it; 64 MiB is the limit')
    : { name, text: readFileSync(path, 'utf8') };
};

/** The texts behind `-f`: files, all manifests of directories (with those below), `-` for standard input. */
export const readFiles = async (context: Context, names: readonly string[]): Promise<Result<readonly Source[]>> => {
  const sources: Source[] = [];
  const problems: Diagnostic[] = [];
  const take = (found: Source | Diagnostic): void => {
    if ('text' in found) sources.push(found);
    else problems.push(found);
  };
  for (const name of new Set(names)) {
    try {
      if (name === '-') {
        if (context.terminal.in)
          problems.push(
            error(
              'stdin-terminal',
              '-f - reads manifests from standard input, and that is your keyboard',
              undefined,
              'Write: portcullis … -f - < policies.yaml',
            ),
          );
        else take({ name: '<stdin>', text: await context.readStdin() });
      } else if (statSync(resolve(context.cwd, name)).isDirectory()) {
        const found = manifestsIn(name, resolve(context.cwd, name));
        if (found.length === 0)
          problems.push(
            error('no-manifests', `${name} holds no manifests`, undefined, 'Their names end in .yaml, .yml or .json'),
          );
        for (const path of found) take(readOne(path, context.cwd));
      } else take(readOne(name, context.cwd));
    } catch (problem) {
      problems.push(error('file-unreadable', `${name} cannot be read: ${why(problem)}`));
    }
  }
  return problems.length > 0 ? fail(...problems) : ok(sources);
};
