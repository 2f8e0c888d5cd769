import { buildApplication, buildRouteMap, text_en } from '@stricli/core';
import { describeArgumentError } from './input/argument-errors.ts';
import { applyCommand } from './commands/apply.ts';
import { auditCommand } from './commands/audit.ts';
import { completionCommand } from './commands/completion.ts';
import { confirmCommand } from './commands/confirm.ts';
import { deniedCommand } from './commands/denied.ts';
import { diffCommand } from './commands/diff.ts';
import { explainCommand } from './commands/explain.ts';
import { labCommand } from './commands/lab.ts';
import { parseCommand } from './commands/parse.ts';
import { removeCommand } from './commands/remove.ts';
import { renderCommand } from './commands/render.ts';
import { restoreCommand } from './commands/restore.ts';
import { restrictCommand } from './commands/restrict.ts';
import { snapshotCommand } from './commands/snapshot.ts';
import { statusCommand } from './commands/status.ts';
import { traceCommand } from './commands/trace.ts';
import { verifyCommand } from './commands/verify.ts';
import type { Context } from './output/context.ts';
import { examples } from './output/examples.ts';
import { typedCommand } from './typed-command.ts';
import { VERSION } from './version.ts';

const commands = buildRouteMap<string, Context>({
  routes: {
    restrict: restrictCommand,
    apply: applyCommand,
    diff: diffCommand,
    status: statusCommand,
    denied: deniedCommand,
    verify: verifyCommand,
    render: renderCommand,
    confirm: confirmCommand,
    restore: restoreCommand,
    remove: removeCommand,
    explain: explainCommand,
    trace: traceCommand,
    audit: auditCommand,
    snapshot: snapshotCommand,
    parse: parseCommand,
    lab: labCommand,
    completion: completionCommand,
  },
  docs: {
    brief: 'Guards the ports that a Kubernetes node exposes',
    fullDescription: `Says who may reach a node port, makes the kernel do so, and proves it from the kernel's own rules. What a command can do: portcullis
VERB --help.

Exit status: 0 fine; 1 something is different, refused or found; 2 wrong usage or input; 3 the kernel refused.`,
  },
});

const FIRST_STEPS = examples(
  ['restrict 30001 --from 198.51.100.0/30', 'let these in, refuse everyone else'],
  ['diff -f policies/', 'who would gain and who would lose which port'],
  ['apply -f policies/', 'make it so'],
  ['status', 'what is guarded, how, and is it in force'],
  ['denied', 'who was refused'],
  ['remove', 'take everything away again'],
);

/**
 * The first block of stricli's help lists every command's syntax; what a person wants to see first is what one does.
 */
const root: typeof commands = {
  ...commands,
  formatHelp: (help) => {
    const [usage = '', ...blocks] = commands.formatHelp(help).split('\n\n');
    const [header = ''] = usage.split('\n');
    return [[header, ...FIRST_STEPS.map((line) => `  portcullis ${line}`)].join('\n'), ...blocks].join('\n\n');
  },
};

/** The whole command line. Every command's work is loaded when it runs, so that help is quick. */
export const app = buildApplication(root, {
  name: 'portcullis',
  versionInfo: { currentVersion: VERSION },
  scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
  documentation: { caseStyle: 'convert-camel-to-kebab', onlyRequiredInUsageLine: true, useAliasInUsageLine: true },
  localization: {
    text: {
      ...text_en,
      exceptionWhileParsingArguments: describeArgumentError,
      noCommandRegisteredForInput: ({ input, corrections }) => {
        const before = typedCommand(root);
        return [
          `error: there is no command ${input}`,
          corrections.length > 0
            ? `  Did you mean ${corrections.map((word) => `${before} ${word.replaceAll('`', '')}`).join(' or ')}?`
            : `  ${before} --help shows all`,
        ].join('\n');
      },
    },
  },
  determineExitCode: () => 3,
});
