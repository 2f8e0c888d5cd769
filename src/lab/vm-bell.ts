import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';

/**
 * Writes a line to a machine that waits for jobs; `bell`: its socket. One caller at a time is served: the others find
 * the door busy, and come again.
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
    // The machine never says anything; without a reader the other end would not be seen to close.
    call.resume();
  });
