import { dirname } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BUILT_ENVIRONMENT, buildPrograms, EMULATED_NODE } from '../../src/lab/built.ts';
import { ok } from '../../src/diagnostic/diagnostic.ts';
import { runInVm, vmReady } from '../../src/lab/vm.ts';
import type { Kernel } from '../../src/lab/vm-releases.ts';
import { bundledTest } from '../support/bundled.ts';

/** What to run of a test file in the virtual machine. */
export interface InVm {
  /** `import.meta.url` of the test file. */
  readonly file: string;
  readonly kernel?: Kernel;
  /** Only the tests whose full name matches this pattern (as `node --test-name-pattern` takes it). */
  readonly only?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Emulated processors; one where nothing is said: two machines run at the same time. */
  readonly cpus?: number;
  /**
   * Keeps the tests, and what they start, on the first processor: Node that goes from one emulated processor to another ends with a
   * segmentation fault in one of four long runs.
   */
  readonly pinned?: boolean;
  /** Gets what the tests in there say by `t.diagnostic`. */
  readonly tell?: (line: string) => void;
}

/** Runs a test file in the virtual machine; fails with its report where a test failed or none ran. */
export const testInVm = async ({
  file,
  kernel,
  only,
  environment,
  timeoutMs = 600_000,
  cpus = 1,
  pinned = false,
  tell,
}: InVm): Promise<void> => {
  // `npm test` has built them already.
  const built = process.env['PORTCULLIS_BUILT'] === 'true' ? ok(null) : await buildPrograms();
  if (!built.ok) throw new Error(built.problems.map(({ message }) => message).join('\n'));
  const bundled = await bundledTest(fileURLToPath(file));
  const tests = [
    ...EMULATED_NODE,
    '--test-reporter=tap',
    ...(only === undefined ? [] : [`--test-name-pattern=${only}`]),
    bundled,
  ] as const;
  const ended = await runInVm({
    argv: pinned ? ['taskset', '--cpu-list', '0', ...tests] : tests,
    environment: {
      ...environment,
      ...BUILT_ENVIRONMENT,
      PORTCULLIS_IN_VM: 'true',
      PORTCULLIS_BUNDLES: dirname(bundled),
    },
    ...(kernel === undefined ? {} : { kernel }),
    timeoutMs,
    cpus,
  });
  if (!ended.ok) throw new Error(ended.problems.map(({ message, hint = '' }) => `${message}  ${hint}`).join('\n'));
  const { status, stdout, stderr } = ended.value;
  // The lines at the left edge are the report's own counts.
  for (const [, line = ''] of stdout.matchAll(/^ +# (?!Subtest)(.*)$/gm)) tell?.(line);
  const passed = Number(/^# pass (\d+)$/m.exec(stdout)?.[1] ?? 0);
  if (status !== 0 || passed === 0) throw new Error(`in the virtual machine, status ${status}:\n${stdout}\n${stderr}`);
};

/** The same as a test of its own, skipped where no machine with that kernel can be had. */
export const testOnKernel = async (
  t: TestContext,
  kernel: Kernel,
  what: Omit<InVm, 'kernel' | 'tell'>,
): Promise<void> => {
  const ready = await vmReady(kernel);
  if (!ready.ok) return t.skip(ready.problems.map(({ message }) => message).join('; '));
  await testInVm({ ...what, kernel, tell: (line) => t.diagnostic(line) });
};
