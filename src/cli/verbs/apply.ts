import type { Context } from '../output/context.ts';
import { readDeclaration } from '../input/read-declaration.ts';
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
    wish: () => readDeclaration(this, flags.file, flags),
    tell: (change) => tellChange(this, flags, change),
  });
}
