import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it, for its owner alone; throws what the file system says. (Node's own recursive way
 * never ends below /proc.)
 */
export const makeFolder = (path: string): void => {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (problem) {
    if (!existsSync(path)) throw problem;
  }
};

/**
 * Writes a file that is there in full, old or new, whatever happens (rename(2) replaces atomically). Readable by its
 * owner alone. Throws what the file system says.
 */
export const writeAtomically = (path: string, text: string): void => {
  const directory = dirname(path);
  makeFolder(directory);
  const temporary = `${path}.${process.pid}.new`;
  const file = openSync(temporary, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  const folder = openSync(directory, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
};
