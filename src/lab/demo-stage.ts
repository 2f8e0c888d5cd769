import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtProgram } from './built.ts';
import type { CommandExit } from './command.ts';
import { labDown, labExec, labUp } from './lab.ts';
import type { Mode } from './mode.ts';
import { probe, type Probe } from './probe.ts';
import { talk, type Talk } from './talk.ts';

/** What the demo's steps act on: the lab's node, its clients, and Portcullis as a user would run it there. */
export interface Stage {
  readonly mode: Mode;
  /** Runs a program on the node. */
  readonly onNode: (argv: readonly [string, ...string[]], stdin?: string) => Promise<CommandExit>;
  /** Runs `portcullis` on the node. */
  readonly portcullis: (...argv: readonly string[]) => Promise<CommandExit>;
  /**
   * Whether the server answers each probe; all run at the same time. A client tries several times, because chance picks
   * the pod.
   */
  readonly reaches: (...probes: readonly Probe[]) => Promise<readonly boolean[]>;
  /** Opens a connection that stays. */
  readonly talk: (probe: Probe) => Talk;
  /** Puts a file into the demo's own folder; gives its path. */
  readonly file: (name: string, text: string) => string;
}

const LAB = 'demo';
const TRIES = 4;

/** Builds the demo's lab, gives it to `use`, and removes it, also where `use` fails. With `leaves` it stays. */
export const withStage = async (
  mode: Mode,
  use: (stage: Stage) => Promise<void>,
  { leaves }: { readonly leaves: boolean },
): Promise<void> => {
  const up = await labUp(LAB, { mode });
  if (!up.ok)
    throw new Error(up.problems.map(({ message, hint }) => [message, hint].filter(Boolean).join('\n  ')).join('\n'));
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-demo-'));
  try {
    await use(stageIn(mode, folder));
  } finally {
    if (!leaves) {
      rmSync(folder, { recursive: true, force: true });
      await labDown(LAB);
    }
  }
};

/** Removes what a demo may have left. */
export const clearStage = () => labDown(LAB);

const PORTCULLIS = fileURLToPath(new URL('../../bin/portcullis.js', import.meta.url));

const stageIn = (mode: Mode, folder: string): Stage => {
  const settings = [`PORTCULLIS_STATE_DIR=${join(folder, 'state')}`, 'NO_COLOR=1'];
  // The demo runs as a built program only in a virtual machine. Portcullis then does so too.
  const program = import.meta.url.endsWith('.ts') ? [process.execPath, PORTCULLIS] : builtProgram('cli/main');
  const onNode: Stage['onNode'] = (argv, stdin) => labExec(LAB, 'node-1', argv, stdin);
  return {
    mode,
    onNode,
    // The lab is not the machine of this terminal, whose SSH session does not concern the node.
    portcullis: (...argv) => onNode(['env', '--unset=SSH_CONNECTION', ...settings, ...program, ...argv]),
    reaches: async (...probes) => {
      const reached = await probe(
        LAB,
        probes.flatMap((one) => Array.from({ length: TRIES }, () => one)),
      );
      if (!reached.ok) throw new Error(reached.problems[0]?.message);
      return probes.map(({ from, port }, index) => {
        const tries = reached.value.slice(index * TRIES, (index + 1) * TRIES);
        const answered = tries.filter(({ endpoint }) => endpoint !== null).length;
        if (answered > 0 && answered < TRIES)
          throw new Error(`of ${TRIES} connections from ${from} to port ${port}, only ${answered} were answered`);
        return answered > 0;
      });
    },
    talk: (one) => talk(LAB, one),
    file: (name, text) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    },
  };
};
