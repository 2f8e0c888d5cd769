import { fileURLToPath } from 'node:url';
import { runInVm } from '../../src/lab/vm.ts';
import type { Kernel } from '../../src/lab/vm-releases.ts';

/** What to run of a test file in the virtual machine. */
export interface InVm {
  /** `import.meta.url` of the test file. */
  readonly file: string;
  readonly kernel?: Kernel;
  /** Only the tests whose full name matches this pattern (as `node --test-name-pattern` takes it). */
  readonly only?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Runs a test file in the virtual machine; fails with its report where a test failed or none ran. */
export const testInVm = async ({ file, kernel, only, environment, timeoutMs = 300_000 }: InVm): Promise<void> => {
  const ended = await runInVm({
    argv: [
      process.execPath,
      '--test-reporter=tap',
      ...(only === undefined ? [] : [`--test-name-pattern=${only}`]),
      fileURLToPath(file),
    ],
    ...(environment === undefined ? {} : { environment }),
    ...(kernel === undefined ? {} : { kernel }),
    timeoutMs,
  });
  if (!ended.ok) throw new Error(ended.problems.map(({ message, hint = '' }) => `${message}  ${hint}`).join('\n'));
  const { status, stdout, stderr } = ended.value;
  const passed = Number(/^# pass (\d+)$/m.exec(stdout)?.[1] ?? 0);
  if (status !== 0 || passed === 0) throw new Error(`in the virtual machine, status ${status}:\n${stdout}\n${stderr}`);
};
