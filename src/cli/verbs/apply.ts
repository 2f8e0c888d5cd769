import type { Evaluated, StoredState } from '../../access/state.ts';
import { error, type Diagnostic } from '../../diagnostic/diagnostic.ts';
import type { Context } from '../output/context.ts';
import { withFiles } from '../input/evaluate.ts';
import { makeChange } from './make-change.ts';
import { tellChange } from './tell-change.ts';
import type { OutputFlags } from '../output/report.ts';
import type { RiskFlags, MachineFlags } from '../input/flags.ts';

export interface ApplyFlags extends OutputFlags, RiskFlags, MachineFlags {
  readonly file: readonly string[];
  readonly dryRun: boolean;
  readonly allowFailsafe?: readonly string[];
}

/** `portcullis apply -f`: the given objects become the whole declared set. */
export async function apply(this: Context, flags: ApplyFlags): Promise<void> {
  this.process.exitCode = await makeChange(this, flags, {
    next: (state) => withFiles(this, state, flags.file, flags),
    tell: (changed) => tellChange(this, flags, changed),
    startsAnew: 'if-damaged',
    objections: declaresNothing,
  });
}

/** A pipe whose first command has failed brings nothing: that must not open every port. */
const declaresNothing = (
  { restrictions }: StoredState,
  { declared: { policies, groups, services, nodes, namespaces } }: Evaluated,
): readonly Diagnostic[] =>
  policies.length > restrictions.length || groups.size + services.length + nodes.length + namespaces.length > 0
    ? []
    : [
        error(
          'no-objects',
          'there is no policy and no other object in what was given',
          undefined,
          'To take everything away, say so: portcullis remove',
        ),
      ];
