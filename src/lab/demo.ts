// npm run demo [-- --mode MODE]: a node port guarded, with real packets, in under a minute.
import { parseArgs } from 'node:util';
import { BUILT_ENVIRONMENT, buildPrograms, builtProgram, compileBuilt } from './built.ts';
import { chooseLab } from './choose-lab.ts';
import { inputRule, redirectRule } from './demo-classic.ts';
import { bothReach, look, removeAll, restrictTcp, restrictUdpAndIpv6, revoke } from './demo-guard.ts';
import { clearStage, withStage, type Stage } from './demo-stage.ts';
import { isMode, MODES, type Mode } from './mode.ts';
import { runInVm } from './vm.ts';
import { preloadModules } from './vm-modules.ts';

const { values } = parseArgs({
  options: { mode: { type: 'string', default: 'nftables' }, inside: { type: 'boolean' } },
});

/** The demo is to end early, by a signal. */
const stopped = new AbortController();

const main = async (mode: Mode): Promise<number> => {
  if (values.inside !== true) {
    const { where, because } = await chooseLab(mode, []);
    console.log(`A node with pods, a second node and clients outside, ${because};`);
    console.log(`on it the state of a real kube-proxy in ${mode} mode. Nothing else on this machine is touched.\n`);
    if (where === 'vm') return inVm(mode);
  } else preloadModules();
  // A virtual machine is gone with all that is in it.
  await withStage(mode, play, { leaves: values.inside === true });
  return 0;
};

const play = async (stage: Stage): Promise<void> => {
  const steps = [
    (step: number) =>
      bothReach(stage, step, 'Two clients, 198.51.100.2 and 198.51.100.9: pods answer both at node port 30001.'),
    (step: number) => inputRule(stage, step),
    (step: number) => redirectRule(stage, step),
    (step: number) => restrictTcp(stage, step),
    (step: number) => restrictUdpAndIpv6(stage, step),
    (step: number) => revoke(stage, step),
    (step: number) => look(stage, step),
    (step: number) => removeAll(stage, step),
  ];
  for (const [index, step] of steps.entries()) {
    if (stopped.signal.aborted) return;
    await step(index + 1);
  }
};

const inVm = async (mode: Mode): Promise<number> => {
  const built = await buildPrograms();
  // The machine takes seconds to start, which is enough to compile.
  const [ended] = built.ok
    ? await Promise.all([
        runInVm({
          argv: [...builtProgram('lab/demo'), '--mode', mode, '--inside'],
          environment: BUILT_ENVIRONMENT,
          timeoutMs: 600_000,
          signal: stopped.signal,
          onOutput: (stream, text) => void process[stream].write(text),
        }),
        compileBuilt(),
      ])
    : [built];
  if (ended.ok) return ended.value.status;
  if (stopped.signal.aborted) return 130;
  for (const { message, hint } of ended.problems)
    process.stderr.write(`${[message, hint].filter(Boolean).join('\n  ')}\n`);
  return 3;
};

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    if (stopped.signal.aborted) return;
    stopped.abort();
    process.stderr.write('\nstopping: the lab is being removed\n');
    // The current step fails at once, because its namespaces are gone. Then `withStage` cleans up.
    void clearStage();
  });

const mode = values.mode;
if (isMode(mode)) {
  const begin = performance.now();
  try {
    process.exitCode = await main(mode);
    if (process.exitCode === 0 && values.inside !== true)
      console.log(`\nThe lab is gone again. ${((performance.now() - begin) / 1000).toFixed(0)} seconds.`);
  } catch (problem) {
    process.exitCode = 3;
    if (!stopped.signal.aborted)
      process.stderr.write(`\nthe demo stopped: ${problem instanceof Error ? problem.message : String(problem)}\n`);
  }
  if (stopped.signal.aborted) process.exitCode = 130;
} else {
  process.stderr.write(`no mode '${mode}'; modes: ${MODES.join(', ')}\n`);
  process.exitCode = 2;
}
