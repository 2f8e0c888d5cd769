import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { StoredState } from '../access/state.ts';
import { readStateJson, stateJson } from '../access/state-json.ts';
import { writeAtomically } from './atomic-file.ts';

/** A change that is taken back unless it is confirmed in time. */
export interface Pending {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  /** What comes back. */
  readonly previous: StoredState;
}

const schema = z.object({ id: z.string(), deadline: z.number(), previous: z.unknown() });

const pathIn = (directory: string): string => join(directory, 'pending.json');

/** The change that waits for its confirmation; null: none does. */
export const readPending = (directory: string): Pending | null => {
  try {
    const { id, deadline, previous } = schema.parse(JSON.parse(readFileSync(pathIn(directory), 'utf8')));
    const state = readStateJson(previous);
    return state === null ? null : { id, deadline, previous: state };
  } catch {
    return null;
  }
};

/** Notes it down, as a whole. */
export const writePending = (directory: string, pending: Pending): void =>
  writeAtomically(pathIn(directory), JSON.stringify({ ...pending, previous: stateJson(pending.previous) }));

/** It is confirmed, or has been taken back. */
export const clearPending = (directory: string): void => rmSync(pathIn(directory), { force: true });
