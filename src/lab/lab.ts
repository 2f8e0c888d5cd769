import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { runCommand, runPhases, type Command, type CommandExit } from './command.ts';
import { kernelOpensSctp } from './kernel-features.ts';
import { labCommands } from './lab-commands.ts';
import { readRecord, removeRecord, writeRecord, type LabRecord } from './lab-record.ts';
import type { Mode } from './mode.ts';
import { LAB_NEEDS, missing } from './needs.ts';
import { namespaceOf, PLACES, type Place } from './place.ts';

/**
 * Builds a throw-away node on the running kernel: the network, a real kube-proxy's captured state, servers behind it.
 * It first removes what an earlier lab of that name left. Nothing is left where it fails.
 */
export const labUp = async (name: string, { mode }: { readonly mode: Mode }): Promise<Result<LabRecord>> => {
  const problems = [...badName(name), ...missing(LAB_NEEDS[mode])];
  if (problems.length > 0) return fail(...problems);
  await removeNamespaces(name);
  const built = await runPhases(labCommands(name, { mode, sctp: await kernelOpensSctp() }));
  if (!built.ok) {
    await removeNamespaces(name);
    return built;
  }
  const record: LabRecord = { name, mode, where: 'host' };
  writeRecord(record);
  return ok(record);
};

/** Removes a lab of this kernel, whole or half built. Gives whether there was anything of it. */
export const labDown = async (name: string): Promise<Result<boolean>> => {
  const problems = [...badName(name), ...missing({ ip: 'iproute2' })];
  if (problems.length > 0) return fail(...problems);
  const known = readRecord(name) !== undefined;
  const found = await removeNamespaces(name);
  removeRecord(name);
  return ok(known || found);
};

/** The command that runs a program in a place of a lab. */
export const inPlace = (name: string, place: Place, { argv, ...rest }: Command): Command => ({
  argv: ['ip', 'netns', 'exec', namespaceOf(name, place), ...argv],
  ...rest,
});

/** Runs a program in a place of a lab of this kernel, to its end. */
export const labExec = (name: string, place: Place, argv: Command['argv'], stdin = ''): Promise<CommandExit> =>
  runCommand(inPlace(name, place, { argv, stdin }));

/** What is wrong with the name of a lab, which becomes part of the names of namespaces and files. */
export const badName = (name: string) =>
  /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(name)
    ? []
    : [
        error(
          'lab-name',
          `'${name}' cannot be the name of a lab`,
          undefined,
          'up to 32 lower case letters, digits and hyphens, beginning and ending with a letter or digit',
        ),
      ];

/** Ends the processes in the lab's namespaces and deletes these. Gives whether there were any. */
const removeNamespaces = async (name: string): Promise<boolean> => {
  const { stdout } = await runCommand({ argv: ['ip', 'netns', 'list'] });
  const existing = new Set(stdout.split('\n').map((line) => line.split(' ')[0]));
  const ours = PLACES.map((place) => namespaceOf(name, place)).filter((namespace) => existing.has(namespace));
  const inside = await Promise.all(ours.map((namespace) => runCommand({ argv: ['ip', 'netns', 'pids', namespace] })));
  for (const pid of inside.flatMap((ended) => ended.stdout.split('\n'))) kill(Number(pid));
  await runCommand({
    argv: ['ip', '-force', '-batch', '-'],
    stdin: ours.map((namespace) => `netns del ${namespace}\n`).join(''),
  });
  return ours.length > 0;
};

const kill = (pid: number): void => {
  if (pid <= 1 || pid === process.pid) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
};
