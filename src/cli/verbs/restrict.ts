import type { Wish } from '../../change/plan/wish.ts';
import { ok } from '../../diagnostic/diagnostic.ts';
import { changeLines } from '../../explain/access/access-change.ts';
import { restrictionLines } from '../../explain/access/restriction.ts';
import { columns } from '../output/columns.ts';
import { EXIT, type Context } from '../output/context.ts';
import { makeChange } from './make-change.ts';
import { readFailsafes, readPort, readSources } from '../input/read-arguments.ts';
import { say, showProblems, type OutputFlags } from '../output/report.ts';
import { tellChange } from './tell-change.ts';
import type { RiskFlags } from '../input/flags.ts';

export interface RestrictFlags extends OutputFlags, RiskFlags {
  readonly from: readonly string[];
  readonly otherwise: 'drop' | 'reject';
  readonly add: boolean;
  readonly dryRun: boolean;
  readonly allowFailsafe?: readonly string[];
}

/** `portcullis restrict PORT --from CIDR...`: an Admin policy for one port, beside those of apply. */
export async function restrict(this: Context, flags: RestrictFlags, port: string): Promise<void> {
  const [spec, from, failsafes] = [readPort(port), readSources(flags.from), readFailsafes(flags.allowFailsafe ?? [])];
  if (!spec.ok || !from.ok || !failsafes.ok) {
    showProblems(
      this,
      [spec, from, failsafes].flatMap((result) => (result.ok ? [] : [...result.problems])),
      flags,
    );
    say(this, 'nothing was changed');
    this.process.exitCode = EXIT.usage;
    return;
  }
  const wish: Wish = {
    kind: 'restrict',
    restriction: {
      spec: spec.value,
      from: from.value,
      otherwise: flags.otherwise === 'drop' ? 'Drop' : 'Reject',
      allowFailsafe: failsafes.value,
    },
    add: flags.add,
  };
  this.process.exitCode = await makeChange(this, flags, {
    wish: () => ok(wish),
    tell: async (change) => {
      const { plan, kubeProxy: mode } = change;
      const beside = mode === null ? '' : `   (kube-proxy: ${mode} mode)`;
      const replaced = plan.previous.restrictions.length === plan.state.restrictions.length;
      const blocks = restrictionLines(plan.evaluated.access, spec.value.ports, spec.value.protocol);
      const changes = replaced ? changeLines(plan.difference) : [];
      await tellChange(this, flags, change, {
        kind: 'RestrictResult',
        lines: [
          ...(changes.length === 0 ? [] : [columns(changes)]),
          ...blocks
            .slice(0, -1)
            .flatMap(({ title, rows }) => [title, columns(rows.map(([name, value]) => ['', name, value]))]),
          ...blocks.slice(-1).map(({ title }) => `${title}${beside}`),
        ],
        rows: blocks.at(-1)?.rows ?? [],
      });
    },
  });
}
