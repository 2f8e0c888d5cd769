import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { error, fail, ok, type Result, type Source } from '../../diagnostic/diagnostic.ts';

/** The dumps of a node with tens of thousands of Services come to some 50 MB; more in one file is none. */
const MOST_BYTES = 512 * 1024 * 1024;

const why = (problem: unknown): string => {
  const code = problem instanceof Error && 'code' in problem ? problem.code : '';
  if (code === 'ENOENT') return 'no such file or directory';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'ERR_BUFFER_TOO_LARGE') return `it holds more than ${MOST_BYTES / 1024 / 1024} MiB`;
  return problem instanceof Error ? problem.message : String(problem);
};

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** Reads one dump; gzipped ones are unpacked. Windows' 16-bit text is told by its mark. */
const readDump = (path: string, name: string): Result<Source> => {
  try {
    if (statSync(path).size > MOST_BYTES) return fail(error('dump-too-large', `${name} is larger than any dump`));
    const raw = readFileSync(path);
    const bytes = isGzip(raw) ? gunzipSync(raw, { maxOutputLength: MOST_BYTES }) : raw;
    const text = bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.toString('utf16le') : bytes.toString('utf8');
    return ok({ name: name.replace(/\.gz$/, ''), text });
  } catch (problem) {
    return fail(error('dump-unreadable', `${name} cannot be read: ${why(problem)}`));
  }
};

const gather = (results: readonly Result<Source>[]): Result<readonly Source[]> => {
  const problems = results.flatMap((result) => (result.ok ? [] : result.problems));
  return problems.length > 0 ? fail(...problems) : ok(results.flatMap((result) => (result.ok ? [result.value] : [])));
};

/** The texts behind paths: files as they are, of folders all files directly in them. `-` is not read here. */
export const readDumpFiles = (cwd: string, names: readonly string[]): Result<readonly Source[]> =>
  gather(
    names.flatMap((name): readonly Result<Source>[] => {
      const path = resolve(cwd, name);
      try {
        if (!statSync(path).isDirectory()) return [readDump(path, name)];
        return readdirSync(path, { withFileTypes: true })
          .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
          .map((entry) => entry.name)
          .toSorted()
          .map((entry) => readDump(join(path, entry), join(name, entry)));
      } catch (problem) {
        return [fail(error('dump-unreadable', `${name} cannot be read: ${why(problem)}`))];
      }
    }),
  );
