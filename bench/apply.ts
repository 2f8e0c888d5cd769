import { spawnSync } from 'node:child_process';
import { compileTable } from '../src/compile/table/compile-table.ts';
import { planChange } from '../src/compile/plan/plan-change.ts';
import { printTransaction } from '../src/compile/plan/print-transaction.ts';
import { applyChange } from '../src/kernel/apply-change.ts';
import { openEnforcer } from '../src/change/enforcer.ts';
import { accessOfPorts, TEN_THOUSAND } from './accesses.ts';
import { inOwnNamespace } from './namespace.ts';
import { interleaved, line, middleAndLeast, printRatio, ratioOfRounds, timed } from './measure.ts';

const PORTS = 2768;
const ROUNDS = 7;

/** nft as anybody would run it, without what the product does to make it faster. */
const nft = (text: string): void => {
  const { status } = spawnSync('nft', ['-f', '-'], { input: text });
  if (status !== 0) throw new Error('nft refused the text');
};
const remove = () => nft('delete table inet portcullis\n');

/** What an apply of many ports and prefixes takes, over what nft itself takes for the same text. */
export const run = async (): Promise<void> => {
  const access = accessOfPorts(PORTS, TEN_THOUSAND);
  const { stage, switch: switched } = planChange(null, compileTable(access));
  const text = [...stage, ...switched].map(printTransaction).join('');
  const alone = async () => {
    const ms = await timed(() => nft(text));
    remove();
    return ms;
  };
  const apply = async () => {
    const ms = await timed(async () => {
      const applied = await applyChange(planChange(null, compileTable(accessOfPorts(PORTS, TEN_THOUSAND))));
      if (!applied.ok) throw new Error('the apply failed');
    });
    remove();
    return ms;
  };
  const proven = async () => {
    const enforcer = openEnforcer();
    const ms = await timed(async () => {
      const enforced = await enforcer.apply(accessOfPorts(PORTS, TEN_THOUSAND));
      if (!enforced.ok || !enforced.value.proof.holds) throw new Error('the proof does not hold');
    });
    await enforcer.close();
    remove();
    return ms;
  };
  await proven();
  const first = await interleaved(ROUNDS, alone, apply);
  const second = await interleaved(ROUNDS, alone, proven);
  const [applied, withProof] = [ratioOfRounds(first), ratioOfRounds(second)];
  line(`nft -f of ${PORTS} ports x 10,000 prefixes`, middleAndLeast([...first.a, ...second.a]));
  line('apply: compile, plan, print, stage, switch', middleAndLeast(first.b));
  line('  over nft -f', printRatio(applied), '<= 1.5', applied.middle <= 1.5);
  line('enforce: the same with both looks at the connections, and proof', middleAndLeast(second.b));
  line('  over nft -f', printRatio(withProof), '<= 3', withProof.middle <= 3);
};

await inOwnNamespace(import.meta.url, run);
