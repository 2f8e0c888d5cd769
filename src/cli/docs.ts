import { generateHelpTextForAllCommands, type Application, type CommandContext } from '@stricli/core';
import { app } from './app.ts';

const INTRODUCTION = `# The command line

What \`--help\` says, for every command. This page is written by \`node scripts/write-cli-docs.ts\`.

Data goes to standard output, messages to standard error. Exit status: 0 fine; 1 something is different, refused or found; 2 wrong usage or
input; 3 the kernel refused, or could not be asked.

With \`-o json\` and \`-o yaml\` every answer is one object with \`apiVersion: portcullis.dev/v1alpha1\` and a \`kind\`. Fields may be added; none
goes away or changes its meaning within a version. Sources are ranges, upwards: \`198.51.100.0/30\` where one is a prefix, else its ends,
\`10.0.0.1-10.0.0.9\`.

| command | kind | fields |
|---|---|---|
| \`status\` | \`Status\` | \`kubeProxy\`, \`selections\` (by name: \`policies\`, \`allowed.ipv4/ipv6\`, \`audited\`), \`exposures[]\` (\`exposures\`, \`kind\`, \`service\`, \`guarded\`, \`selection\`, \`packetsAllowed\`, \`packetsRefused\`), \`packets\`, \`proof\`, \`pendingUntil\`, \`warnings[]\` |
| \`apply\`, \`remove\` | \`ApplyResult\` | \`dryRun\`, \`changes[]\`, \`unchanged\`, \`cut[]\`, \`estimate\`, \`inForce\` (\`proof\`, \`ms\`; null: nothing is in force, or a dry run), \`confirmWithinMs\`, \`warnings[]\` |
| \`restrict\` | \`RestrictResult\` | the same |
| \`restore\` | \`RestoreResult\` | \`tookBack\`, \`inForce\` |
| \`confirm\` | \`Confirmation\` | \`confirmed\` |
| \`diff\` | \`Diff\` | \`changes[]\` (\`exposure\`, \`kind\`, \`service\`, \`guardedBefore\`, \`guardedAfter\`, \`otherwiseChanged\`, \`gained[]\` and \`lost[]\` with \`sources.ipv4/ipv6\` and \`because\`), \`unchanged\` |
| \`denied\` | \`Denied\` | \`audit\`, \`entries[]\` (\`source\`, \`destination\`, \`protocol\`, \`port\`, \`packets\`, \`bytes\`, \`secondsAgo\`), \`size\`, \`full\`, \`unnoted\` (not with \`--audit\`) |
| \`verify\` | \`Verification\` | \`holds\`, \`exposures\`, \`differences[]\` (\`exposure\`, \`gained\`, \`lost\`, \`because\`) |
| \`render\` | \`Rendering\` | \`style\`, \`estimate\` or \`family\`, \`ruleset\` |
`;

// Help needs no context, whatever the commands need.
const commands = app as unknown as Application<CommandContext>;

/** The page about the command line: its help texts, as they are printed. */
export const cliDocs = (): string =>
  [
    INTRODUCTION,
    ...generateHelpTextForAllCommands(commands).map(
      ([name, help]) => `## ${name}\n\n\`\`\`\n${help.trimEnd()}\n\`\`\`\n`,
    ),
  ].join('\n');
