import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';

/**
 * Writes a line to a machine that waits for jobs. `bell`: its socket. It serves one caller at a time. The others find
 * it busy and try again.
 */
export const ring = async (bell: string, line: string): Promise<Result<null>> => {
  for (;;) {
    const problem = await callOnce(bell, line);
    if (problem === null) return ok(null);
    if (problem.code !== 'EAGAIN')
      return fail(error('vm-gone', `the virtual machine does not listen: ${problem.message}`));
    await pause(5);
  }
};

const callOnce = (bell: string, line: string): Promise<NodeJS.ErrnoException | null> =>
  new Promise((resolve) => {
    const call = connect(bell, () => call.end(line));
    call.on('error', resolve);
    call.on('close', () => resolve(null));
    // The machine never writes. Without a reader the end of the other side would not be noticed.
    call.resume();
  });
