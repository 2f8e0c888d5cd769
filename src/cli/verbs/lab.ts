import { closeLab, openLab, runInLab } from '../../lab/manage.ts';
import { isPlace, PLACES } from '../../lab/place.ts';
import { error, type Diagnostic } from '../../diagnostic/diagnostic.ts';
import { EXIT, type Context } from '../output/context.ts';
import { progress, say, showProblems } from '../output/report.ts';
import type { Mode } from '../../lab/mode.ts';
import type { Kernel } from '../../lab/vm-releases.ts';

export interface LabFlags {
  readonly name: string;
  readonly color: boolean;
}

export interface LabUpFlags extends LabFlags {
  readonly mode: Mode;
  readonly vm: boolean;
  readonly kernel?: Kernel;
}

/** `portcullis lab up`: builds a throw-away node. */
export async function labUpVerb(this: Context, flags: LabUpFlags): Promise<void> {
  const { name, mode, vm, kernel } = flags;
  let done = (): void => undefined;
  const built = await openLab(name, {
    mode,
    vm,
    ...(kernel === undefined ? {} : { kernel }),
    onChoice: ({ because }) => {
      say(this, `lab '${name}': ${because}`);
      done = progress(this, 'building');
    },
  });
  done();
  if (!built.ok) return refuse(this, built.problems, flags);
  showProblems(this, built.warnings, flags);
  const option = name === 'lab' ? '' : ` --name ${name}`;
  this.process.stdout.write(
    [
      `A node with a real kube-proxy's rules (${mode} mode): node-1, 192.0.2.10 and 2001:db8:0:2::10.`,
      'Clients: outside-a 198.51.100.2, outside-b 198.51.100.9, outside-d 203.0.113.7, same-lan 192.0.2.50, node-2 192.0.2.11, pod-99 10.244.1.99.',
      'Node ports: 30001 and others (TCP), 30053 (UDP), 30006 (also IPv6), 31999 (health check).',
      `  portcullis lab exec${option} outside-b -- curl -s -m 1 http://192.0.2.10:30001`,
      `  portcullis lab exec${option} node-1 -- portcullis restrict 30001 --from 198.51.100.0/30`,
      `  portcullis lab down${option}`,
      '',
    ].join('\n'),
  );
}

/** `portcullis lab down`: removes a lab. */
export async function labDownVerb(this: Context, flags: LabFlags): Promise<void> {
  const removed = await closeLab(flags.name);
  if (!removed.ok) return refuse(this, removed.problems, flags);
  this.process.stdout.write(removed.value ? `lab '${flags.name}' is gone\n` : `there is no lab '${flags.name}'\n`);
}

/** `portcullis lab exec`: runs a program in a place of a lab, with its exit status. */
export async function labExecVerb(this: Context, flags: LabFlags, ...words: string[]): Promise<void> {
  const [place = '', program = '', ...rest] = words;
  if (!isPlace(place)) {
    const hint = `places: ${PLACES.join(', ')}`;
    return refuse(this, [error('no-place', `'${place}' is not a place of the lab`, undefined, hint)], flags);
  }
  const ended = await runInLab(flags.name, place, [program, ...rest]);
  if (!ended.ok) return refuse(this, ended.problems, flags);
  this.process.exitCode = ended.value;
}

const USAGE: readonly string[] = ['no-place', 'no-lab', 'lab-name'];

const refuse = (context: Context, problems: readonly Diagnostic[], { color }: LabFlags): void => {
  showProblems(context, problems, { color });
  context.process.exitCode = problems.every(({ code }) => USAGE.includes(code)) ? EXIT.usage : EXIT.kernel;
};
