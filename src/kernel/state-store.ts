import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { Access } from '../access/model.ts';
import { EMPTY_STATE, type StoredState } from '../access/state.ts';
import { readStateJson, stateJson } from '../access/state-json.ts';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { addressPrefixes } from '../net/address-set.ts';
import { formatPrefix } from '../net/prefix.ts';
import { writeAtomically } from './atomic-file.ts';

/** The state directory: `PORTCULLIS_STATE_DIR`, else /var/lib/portcullis. */
export const stateDirectory = (env: Readonly<Record<string, string | undefined>> = process.env): string =>
  env['PORTCULLIS_STATE_DIR'] ?? '/var/lib/portcullis';

/** The first version of the file's form. A newer one is refused, never guessed. */
const VERSION = 1;

const fileSchema = z.object({ version: z.number(), state: z.unknown() });

const pathIn = (directory: string): string => join(directory, 'state.json');

/** The stored state; an empty one where nothing was ever stored. */
export const readState = (directory: string): Result<StoredState> => {
  const path = pathIn(directory);
  try {
    if (!existsSync(path)) return ok(EMPTY_STATE);
    const file = fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    if (file.version > VERSION)
      return fail(
        error(
          'state-newer',
          `${path} was written by a newer portcullis`,
          undefined,
          'Use that version, or start anew with: portcullis remove',
        ),
      );
    const state = readStateJson(file.state);
    if (state !== null) return ok(state);
  } catch (problem) {
    if (problem instanceof Error && 'code' in problem)
      return fail(error('state-unreadable', `${path} cannot be read: ${problem.message}`));
  }
  return fail(
    error(
      'state-damaged',
      `${path} is damaged`,
      undefined,
      'What is enforced stays so; write it anew with: portcullis apply -f FILES',
    ),
  );
};

/** What the access comes to, for people and programs that read the file. */
const accessSummary = ({ exposures, selections }: Access) => ({
  exposures: exposures.map(({ id, kind, service, selection }) => ({ id, kind, service, selection })),
  selections: Object.fromEntries(
    [...selections].map(([id, { policies, allowed, rejected, wouldRefuse }]) => [
      id,
      {
        policies,
        allowed: [...addressPrefixes(allowed)].map(formatPrefix),
        rejected: [...addressPrefixes(rejected)].map(formatPrefix),
        wouldRefuse: [...addressPrefixes(wouldRefuse)].map(formatPrefix),
      },
    ]),
  ),
});

/** Stores a state and its access, as a whole or not at all. */
export const writeState = (directory: string, state: StoredState, access: Access): Result<null> => {
  try {
    writeAtomically(
      pathIn(directory),
      `${JSON.stringify({ version: VERSION, state: stateJson(state), access: accessSummary(access) })}\n`,
    );
    return ok(null);
  } catch (problem) {
    const why = problem instanceof Error ? problem.message : String(problem);
    return fail(
      error(
        'state-unwritable',
        `the state cannot be stored: ${why}`,
        undefined,
        'The kernel holds the new policies; a reboot would bring the old ones back',
      ),
    );
  }
};

/** Forgets the stored state. The directory goes too when it is empty. */
export const removeState = (directory: string): void => rmSync(pathIn(directory), { force: true });
