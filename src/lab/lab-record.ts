import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMode, type Mode } from './mode.ts';

/**
 * A lab that was built, kept in a file so that other commands find it. The file is gone after a reboot, like the lab.
 */
export interface LabRecord {
  readonly name: string;
  readonly mode: Mode;
  /** In namespaces of this machine's kernel, or in a virtual machine. */
  readonly where: 'host' | 'vm';
}

/** The folder with what is needed to find a running lab again. */
export const RUN_FOLDER = '/run/portcullis-lab';

const fileOf = (name: string): string => join(RUN_FOLDER, `${name}.json`);

/** Records a lab. */
export const writeRecord = (record: LabRecord): void => {
  mkdirSync(RUN_FOLDER, { recursive: true, mode: 0o700 });
  writeFileSync(`${fileOf(record.name)}.new`, `${JSON.stringify(record)}\n`);
  renameSync(`${fileOf(record.name)}.new`, fileOf(record.name));
};

/** The lab of that name, if there is one. */
export const readRecord = (name: string): LabRecord | undefined => {
  try {
    const { mode, where } = JSON.parse(readFileSync(fileOf(name), 'utf8')) as Record<string, unknown>;
    if (typeof mode !== 'string' || !isMode(mode)) return undefined;
    return { name, mode, where: where === 'vm' ? 'vm' : 'host' };
  } catch {
    return undefined;
  }
};

/** Where Portcullis keeps its state when it runs on the node of a lab. */
export const stateOf = (name: string): string => join(RUN_FOLDER, `${name}.state`);

/** Removes the record of a lab. */
export const removeRecord = (name: string): void => {
  for (const path of [fileOf(name), stateOf(name)]) rmSync(path, { recursive: true, force: true });
};
