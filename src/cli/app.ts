import { buildApplication, buildRouteMap } from '@stricli/core';
import { applyCommand } from './commands/apply.ts';
import { completionCommand } from './commands/completion.ts';
import { confirmCommand } from './commands/confirm.ts';
import { deniedCommand } from './commands/denied.ts';
import { diffCommand } from './commands/diff.ts';
import { removeCommand } from './commands/remove.ts';
import { renderCommand } from './commands/render.ts';
import { restrictCommand } from './commands/restrict.ts';
import { statusCommand } from './commands/status.ts';
import { verifyCommand } from './commands/verify.ts';
import type { Context } from './context.ts';
import { VERSION } from './version.ts';

const root = buildRouteMap<string, Context>({
  routes: {
    restrict: restrictCommand,
    apply: applyCommand,
    diff: diffCommand,
    status: statusCommand,
    denied: deniedCommand,
    verify: verifyCommand,
    render: renderCommand,
    confirm: confirmCommand,
    remove: removeCommand,
    completion: completionCommand,
  },
  docs: {
    brief: 'Guards the ports that a Kubernetes node exposes',
    fullDescription: `Says who may reach a node port, makes the kernel do so, and proves it from the kernel's own rules.

  portcullis restrict 30001 --from 198.51.100.0/30     let these in, refuse everyone else
  portcullis diff -f policies/                         who would gain and lose which port
  portcullis apply -f policies/                        make it so
  portcullis status                                    what is guarded, how, and is it in force
  portcullis denied                                    who was refused
  portcullis remove                                    take everything away again

Exit status: 0 fine; 1 something is different, refused or found; 2 wrong usage or input; 3 the kernel refused.`,
  },
});

/** The whole command line. Every command's work is loaded when it runs, so that help is quick. */
export const app = buildApplication(root, {
  name: 'portcullis',
  versionInfo: { currentVersion: VERSION },
  scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
  documentation: { caseStyle: 'convert-camel-to-kebab', onlyRequiredInUsageLine: true, useAliasInUsageLine: true },
  determineExitCode: () => 3,
});
