import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EMPTY_STATE, evaluateState, type StoredState } from '../../src/access/state.ts';
import { ledgerOf } from '../../src/audit/counts/ledger.ts';
import { prove } from '../../src/audit/proof/proof.ts';
import { compileTable } from '../../src/compile/table/compile-table.ts';
import { planChange } from '../../src/compile/plan/plan-change.ts';
import type { Source } from '../../src/diagnostic/diagnostic.ts';
import { printTransaction } from '../../src/compile/plan/print-transaction.ts';
import type { CommandExit } from '../../src/lab/command.ts';
import { labDown, labExec, labUp } from '../../src/lab/lab.ts';
import type { Mode } from '../../src/lab/mode.ts';
import { OBJECTS_FILE } from '../../src/lab/servers.ts';
import { formatAddress } from '../../src/net/address.ts';
import { parseNftJson } from '../../src/parse/nft/nft-json.ts';
import type { Table } from '../../src/ruleset/table.ts';
import { good } from './good.ts';
import type { Manifest } from './policies.ts';
import { PORTCULLIS } from './portcullis.ts';

/** A lab with a real kube-proxy's state whose node runs Portcullis as a user would. */
export interface GuardedLab {
  readonly name: string;
  readonly mode: Mode;
  /** Runs `portcullis` on node-1. */
  readonly portcullis: (...argv: readonly string[]) => Promise<CommandExit>;
  /**
   * Has the kernel of node-1 enforce policies, as `portcullis apply` does, and proves it. No process starts: emulated
   * machines take seconds for one.
   */
  readonly apply: (...manifests: readonly Manifest[]) => Promise<void>;
  /** The same by the command itself. */
  readonly applyByCommand: (...manifests: readonly Manifest[]) => Promise<void>;
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
  const portcullis: GuardedLab['portcullis'] = (...argv) =>
    labExec(name, 'node-1', [...surroundings, 'NO_COLOR=1', ...PORTCULLIS, ...argv]);
  const onNode: GuardedLab['onNode'] = async (argv, stdin) => {
    const { status, stdout, stderr } = await labExec(name, 'node-1', argv, stdin);
    assert.equal(status, 0, `${argv.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  };
  const ownTable = async (): Promise<Table | null> => {
    if (!(await onNode(['nft', 'list', 'tables'])).includes('inet portcullis')) return null;
    return good(parseNftJson(await onNode(['nft', '--json', 'list', 'table', 'inet', 'portcullis'])))[0] ?? null;
  };
  return {
    name,
    mode,
    portcullis,
    apply: async (...manifests) => {
      const { access } = good(evaluateState(stateOf(manifests)));
      const current = await ownTable();
      const { stage, switch: switched, sweep } = planChange(current, compileTable(access, current));
      for (const transaction of [...stage, ...switched, ...sweep])
        await onNode(['nft', '-f', '-'], printTransaction(transaction));
      assert.ok(prove(await ownTable(), access).holds, 'the kernel does what the policies say');
    },
    applyByCommand: async (...manifests) => {
      const files = sourcesOf(manifests).map((source) => ({ ...source, path: join(folder, source.name) }));
      for (const { path, text } of files) writeFileSync(path, text);
      const flags = files.flatMap(({ path }) => ['-f', path]);
      const { status, stdout, stderr } = await portcullis('apply', ...flags, '--node-name', 'node-1');
      assert.equal(status, 0, `portcullis apply: ${stdout}${stderr}`);
    },
    onNode,
    denied: async () => {
      const table = good(parseNftJson(await onNode(['nft', '--json', 'list', 'table', 'inet', 'portcullis'])))[0];
      assert.ok(table);
      return new Set(
        ledgerOf(table, 'refused').entries.map(({ source, destination, protocol, port }) =>
          [formatAddress(source), formatAddress(destination), protocol, port].join(' '),
        ),
      );
    },
  };
};

/** The lab's Services and Nodes, and manifests beside them, on node-1. */
const sourcesOf = (manifests: readonly Manifest[]): readonly Source[] => [
  { name: 'objects.json', text: readFileSync(OBJECTS_FILE, 'utf8') },
  { name: 'manifests.json', text: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }) },
];

const stateOf = (manifests: readonly Manifest[]): StoredState => ({
  ...EMPTY_STATE,
  sources: sourcesOf(manifests),
  options: { ...EMPTY_STATE.options, nodeName: 'node-1' },
});
