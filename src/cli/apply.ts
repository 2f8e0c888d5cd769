import type { ApplyFlags } from './commands/apply.ts';
import type { Context } from './context.ts';
import { withFiles } from './evaluate.ts';
import { makeChange } from './make-change.ts';
import { tellChange } from './tell-change.ts';

/** `portcullis apply -f`: the given objects become the whole declared set. */
export async function apply(this: Context, flags: ApplyFlags): Promise<void> {
  this.process.exitCode = await makeChange(this, flags, {
    next: (state) => withFiles(this, state, flags.file, flags),
    tell: (changed) => tellChange(this, flags, changed),
    startsAnew: true,
  });
}
