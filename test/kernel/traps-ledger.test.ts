import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EMPTY_STATE, evaluateState } from '../../src/access/state.ts';
import { compileTable } from '../../src/compile/table/compile-table.ts';
import { printTable } from '../../src/compile/plan/print-transaction.ts';
import { labExec } from '../../src/lab/lab.ts';
import { FAMILIES, type Family } from '../../src/net/family.ts';
import { watchFlows } from '../support/flow-watch.ts';
import { withGuardedLab, type GuardedLab } from '../support/guarded-lab.ts';
import { expectOutcomes, type Expected } from '../support/lab-servers.ts';
import { noKernel } from '../support/namespace.ts';
import { admin } from '../support/policies.ts';

const FLOOD = fileURLToPath(new URL('../support/spoof.pl', import.meta.url));
const PORT = 30_006;
const NODE: Readonly<Record<Family, string>> = { 4: '192.0.2.10', 6: '2001:db8:0:2::10' };
/** Nobody owns these; whoever floods takes them as the sources of its packets. */
const FORGED: Readonly<Record<Family, string>> = { 4: '100.64.0.0', 6: '2001:db8:f::' };
const SOURCES = 5000;

describe('a flood from forged sources', { skip: noKernel }, () => {
  for (const otherwise of ['Drop', 'Reject'] as const)
    test(`with a full ledger nobody gets in, and denied says that it was full; the others get a ${otherwise}`, async () => {
      await withGuardedLab(`traps-ledger-${otherwise.toLowerCase()}`, 'nftables', async (lab) => {
        const watch = await watchFlows(lab.name, 'node-1', 'behind the guard');
        await lab.onNode(['nft', '-f', '-'], tableWithSmallLedger(otherwise));
        const tracked = await lab.onNode(['conntrack', '-C']);
        for (const family of FAMILIES)
          for (const protocol of ['udp', 'tcp']) {
            const words = [protocol, FORGED[family], `${SOURCES}`, NODE[family], `${PORT}`];
            const { status, stderr } = await labExec(lab.name, 'outside-b', ['perl', FLOOD, ...words]);
            assert.equal(status, 0, stderr);
          }
        await expectOutcomes(lab.name, 'behind the flood', [
          client('outside-a', 'connected'),
          client('outside-b', otherwise === 'Drop' ? 'timeout' : 'refused'),
        ]);
        const passed = [...(await watch.seen()).keys()].filter((key) => !key.startsWith('198.51.100.2 '));
        assert.deepEqual(
          passed.filter((key) => key.endsWith(` ${PORT}`)),
          [],
        );
        assert.ok(
          Number(await lab.onNode(['conntrack', '-C'])) < Number(tracked) + 100,
          'what is refused takes no room in the table of connections',
        );
        await deniedSaysFull(lab);
      });
    });
});

const client = (from: Expected['from'], outcome: Expected['outcome']): Expected => ({
  from,
  protocol: 'tcp',
  to: NODE[4],
  port: PORT,
  outcome,
});

const tableWithSmallLedger = (otherwise: 'Drop' | 'Reject'): string => {
  const policy = admin('traps', 1, ['Accept 198.51.100.2/32', 'Deny everyone'], {
    subject: { ports: [`${PORT}`] },
    otherwise,
  });
  const evaluated = evaluateState({ ...EMPTY_STATE, sources: [{ name: 'policy', text: JSON.stringify(policy) }] });
  assert.ok(evaluated.ok);
  return printTable(compileTable(evaluated.value.access, null, { ledger: { size: 2, timeout: 3600 } }));
};

const deniedSaysFull = async (lab: GuardedLab): Promise<void> => {
  const { status, stdout } = await lab.portcullis('denied');
  assert.equal(status, 0);
  const [, unnoted] =
    /^the ledger was full \(2 entries per family\): (\d+) refused packets are not in it$/m.exec(stdout) ?? [];
  assert.ok(unnoted, stdout);
  const told = JSON.parse((await lab.portcullis('denied', '-o', 'json')).stdout) as {
    readonly full: boolean;
    readonly unnoted: number;
    readonly entries: readonly { readonly packets: number }[];
  };
  assert.equal(told.full, true);
  assert.equal(told.entries.length, 4);
  const noted = told.entries.reduce((sum, { packets }) => sum + packets, 0);
  const refused = /counter refused \{\s*packets (\d+)/.exec(await lab.onNode(['nft', 'list', 'counters']))?.[1];
  assert.equal(noted + told.unnoted, Number(refused), 'every refused packet is accounted for');
  assert.ok(Number(refused) >= 4 * SOURCES);
};
