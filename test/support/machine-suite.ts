import assert from 'node:assert/strict';
import { basename, dirname } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Result } from '../../src/diagnostic/diagnostic.ts';
import { BUILT_ENVIRONMENT, EMULATED_NODE } from '../../src/lab/built.ts';
import type { CommandExit } from '../../src/lab/command.ts';
import { kernelHasIpvs, kernelOpensSctp } from '../../src/lab/kernel-features.ts';
import { vmReady } from '../../src/lab/vm.ts';
import type { Job } from '../../src/lab/vm-job.ts';
import { openMachine, type OpenMachine } from '../../src/lab/vm-open.ts';
import type { Kernel } from '../../src/lab/vm-releases.ts';
import { MACHINE_SUITES, rowsAsked, type MachineRow, type MachineSuite } from '../machines/rows.ts';
import { bundleTests } from './bundled.ts';
import { published, publishForMachines } from './publish.ts';

const HERE = { IPVS: await kernelHasIpvs(), SCTP: await kernelOpensSctp() };

/** What `npm test -- WORD` was asked for. */
const WORDS = process.env['PORTCULLIS_TEST_WORDS']?.split('\n') ?? [];

/** Runs the rows of a suite, all of a kernel one after another in one machine. */
export const machineSuite = async (file: string): Promise<void> => {
  const suite = MACHINE_SUITES.find((one) => one.file === file);
  assert.ok(suite, file);
  for (const kernel of suite.kernels) {
    const ready = await vmReady(kernel);
    const why = ready.ok ? false : ready.problems.map(({ message }) => message).join('; ');
    describe(`Linux ${kernel}, in a virtual machine`, { skip: why }, () => onKernel(suite, kernel));
  }
};

const onKernel = (suite: MachineSuite, kernel: Kernel): void => {
  // What the running kernel has, it shows by itself.
  const rows = rowsAsked(suite, WORDS).filter(
    (row) => row.kernel === kernel && (row.lacks === null || !HERE[row.lacks]),
  );
  let machine: OpenMachine | null = null;
  let bundles: ReadonlyMap<string, string> = new Map();
  const close = async (): Promise<void> => {
    await machine?.close();
    machine = null;
  };
  /** Boots once, and again only where a test has brought the machine down. */
  const booted = async (): Promise<OpenMachine> => {
    if (machine !== null) return machine;
    const opened = await openMachine({ kernel, cpus: suite.cpus });
    if (!opened.ok) assert.fail(opened.problems.map(({ message }) => message).join('\n'));
    machine = opened.value;
    return machine;
  };
  before(async () => {
    // A machine does not see what changes in this machine's files while it runs.
    await publishForMachines();
    bundles = await bundleTests(`${basename(suite.file, '.test.ts')}-${kernel}`, [
      ...new Set(rows.map((row) => row.file)),
    ]);
  });
  after(close);

  test(`the machine has Linux ${kernel} with IPVS and SCTP, and runs one program after another`, async () => {
    const { run } = await booted();
    const script = `system('modprobe', 'ip_vs'); print -e '/proc/net/ip_vs' ? 'ipvs ' : '', socket(S, 2, 1, 132) ? 'sctp ' : '', <STDIN>; print STDERR 'said'; exit 5`;
    const first = await run({ argv: ['perl', '-e', script], stdin: 'in', timeoutMs: 120_000 });
    assert.deepEqual(first.ok ? first.value : first, { status: 5, stdout: 'ipvs sctp in', stderr: 'said' });
    const second = await run({ argv: ['uname', '-r'], timeoutMs: 120_000 });
    assert.ok(second.ok && second.value.stdout.startsWith(`${kernel}.`), JSON.stringify(second));
  });

  for (const row of rows)
    test(`${row.fact}, on Linux ${kernel}`, async (t) => {
      const { run } = await booted();
      const ended = await run(await jobOf(row, bundles.get(row.file) ?? ''));
      // What goes on, or has taken the machine down, must not be in the way of the next row.
      if (!ended.ok || ended.value.status === LATE) await close();
      expectPassed(t, ended);
    });
};

/** The status of a job that took too long. */
const LATE = 124;

/**
 * A row's tests in namespaces of their own, which end with them and with all that they have started. They stay on the
 * first processor: Node that goes from one emulated processor to another ends with a segmentation fault in one of four
 * long runs.
 */
const jobOf = async (row: MachineRow, bundle: string): Promise<Job & { readonly timeoutMs: number }> => ({
  argv: [
    'unshare',
    ...(row.inFirstNamespace === true ? [] : ['--net']),
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    '--',
    'taskset',
    '--cpu-list',
    '0',
    ...EMULATED_NODE,
    '--test-reporter=tap',
    `--test-name-pattern=${row.only ?? '.'}`,
    bundle,
  ],
  environment: {
    ...row.environment,
    ...BUILT_ENVIRONMENT,
    PORTCULLIS_IN_VM: 'true',
    PORTCULLIS_PUBLISHED: await published(),
    PORTCULLIS_BUNDLES: dirname(bundle),
  },
  timeoutMs: row.timeoutMs ?? 600_000,
});

/** Fails with the report where a test failed or none ran; passes on what the tests said by `t.diagnostic`. */
const expectPassed = (t: TestContext, ended: Result<CommandExit>): void => {
  if (!ended.ok) assert.fail(ended.problems.map(({ message }) => message).join('\n'));
  const { status, stdout, stderr } = ended.value;
  // The lines at the left edge are the report's own counts.
  for (const [, line = ''] of stdout.matchAll(/^ +# (?!Subtest)(.*)$/gm)) t.diagnostic(line);
  const passed = Number(/^# pass (\d+)$/m.exec(stdout)?.[1] ?? 0);
  assert.ok(status === 0 && passed > 0, `in the virtual machine, status ${status}:\n${stdout}\n${stderr}`);
};
