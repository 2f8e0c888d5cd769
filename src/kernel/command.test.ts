import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runCommand } from './command.ts';

const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

describe('a program that is run', () => {
  test('gets its input when that is there, and may have started before', async () => {
    const input = Promise.withResolvers<string>();
    const result = runCommand(['cat'], { stdin: input.promise });
    input.resolve('late');
    assert.deepEqual(await result, { kind: 'done', status: 0, stdout: 'late', stderr: '' });
  });

  test('may end before it has its input, which then keeps nobody waiting', async () => {
    const input = Promise.withResolvers<string>();
    const result = await runCommand(['false'], { stdin: input.promise });
    assert.equal(result.kind === 'done' && result.status, 1);
    const before = timers();
    input.resolve('too late');
    await input.promise;
    assert.equal(timers(), before);
  });

  test('is ended when its time is up, counted from its input on', async () => {
    assert.deepEqual(await runCommand(['sleep', '60'], { timeoutMs: 50 }), { kind: 'timeout', name: 'sleep', ms: 50 });
  });

  test('may be missing', async () => {
    assert.deepEqual(await runCommand(['no-such-program']), { kind: 'missing', name: 'no-such-program' });
  });
});
