import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Ended } from '../../src/lab/command.ts';
import { labDown, labExec, labUp } from '../../src/lab/lab.ts';
import { COMPILED } from '../../src/lab/demo-stage.ts';
import type { Mode } from '../../src/lab/mode.ts';
import { OBJECTS_FILE } from '../../src/lab/servers.ts';
import type { Manifest } from './policies.ts';

const BIN = fileURLToPath(new URL('../../bin/portcullis.js', import.meta.url));

/** A lab with a real kube-proxy's state whose node runs Portcullis as a user would. */
export interface GuardedLab {
  readonly name: string;
  readonly mode: Mode;
  /** Runs `portcullis` on node-1. */
  readonly portcullis: (...argv: readonly string[]) => Promise<Ended>;
  /** Applies policies, beside the lab's Services and Nodes; must succeed, proof included. */
  readonly apply: (...manifests: readonly Manifest[]) => Promise<void>;
  /** Runs a program on node-1 that must succeed; gives what it printed. */
  readonly onNode: (argv: readonly [string, ...string[]], stdin?: string) => Promise<string>;
  /** Who was refused where, as `SOURCE DESTINATION PROTOCOL PORT`. */
  readonly denied: () => Promise<ReadonlySet<string>>;
}

/** Builds a lab on the running kernel, hands it to `use`, and removes it, also where `use` fails. */
export const withGuardedLab = async (
  name: string,
  mode: Mode,
  use: (lab: GuardedLab) => Promise<void>,
): Promise<void> => {
  const up = await labUp(name, { mode });
  assert.ok(up.ok, JSON.stringify(up));
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-lab-'));
  try {
    await use(guardedLab(name, mode, folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await labDown(name);
  }
};

const guardedLab = (name: string, mode: Mode, folder: string): GuardedLab => {
  // The tests' own SSH session, if there is one, does not lead to the lab's node.
  const surroundings = ['env', '--unset=SSH_CONNECTION', `PORTCULLIS_STATE_DIR=${join(folder, 'state')}`] as const;
  const cache = [`NODE_COMPILE_CACHE=${COMPILED}`, 'NO_COLOR=1'];
  const portcullis: GuardedLab['portcullis'] = (...argv) =>
    labExec(name, 'node-1', [...surroundings, ...cache, process.execPath, BIN, ...argv]);
  const must = async (ended: Promise<Ended>, what: string): Promise<string> => {
    const { status, stdout, stderr } = await ended;
    assert.equal(status, 0, `${what}: ${stdout}${stderr}`);
    return stdout;
  };
  return {
    name,
    mode,
    portcullis,
    apply: async (...manifests) => {
      const file = join(folder, 'policies.json');
      writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }));
      const argv = ['apply', '-f', fileURLToPath(OBJECTS_FILE), '-f', file, '--node-name', 'node-1'];
      await must(portcullis(...argv), 'portcullis apply');
    },
    onNode: (argv, stdin) => must(labExec(name, 'node-1', argv, stdin), argv.join(' ')),
    denied: async () => {
      const { entries } = JSON.parse(await must(portcullis('denied', '-o', 'json'), 'portcullis denied')) as {
        readonly entries: readonly DeniedEntry[];
      };
      return new Set(
        entries.map(({ source, destination, protocol, port }) => `${source} ${destination} ${protocol} ${port}`),
      );
    },
  };
};

interface DeniedEntry {
  readonly source: string;
  readonly destination: string;
  readonly protocol: string;
  readonly port: number;
}
