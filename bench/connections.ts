import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compileTable } from '../src/compile/table/compile-table.ts';
import { printTable } from '../src/compile/plan/print-transaction.ts';
import { renderRedirect } from '../src/export/redirect.ts';
import { addressSet, addressUnion, type AddressSet } from '../src/net/address-set.ts';
import { labDown, labUp } from '../src/lab/lab.ts';
import { namespaceOf } from '../src/lab/place.ts';
import { accessOfPorts, randomPrefixes } from './accesses.ts';
import { interleaved, line, median, printRatio, ratioOf, ratioOfRounds, type Rounds } from './measure.ts';

const [OPEN, GUARDED] = ['bench-open', 'bench-guarded'];
const NODE = '192.0.2.10';
/** A node port of the captured state, with endpoints on both nodes. */
const PORT = 30_001;
/** 198.51.100.2: the last of all sources in ascending order, where the classic rules are slowest. */
const CLIENT: AddressSet = addressSet([{ family: 4, address: 0xc633_6402n, length: 32 }]);

interface Loop {
  readonly child: ChildProcess;
  readonly answers: Interface;
}

const startLoop = (lab: string): Loop => {
  const script = fileURLToPath(new URL('./connect-loop.ts', import.meta.url));
  const argv = ['netns', 'exec', namespaceOf(lab, 'outside-a'), process.execPath, script, NODE, String(PORT)];
  const child = spawn('ip', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  return { child, answers: createInterface(child.stdout) };
};

/** Connections per second for some milliseconds. */
const rate = async ({ child, answers }: Loop, ms: number): Promise<number> => {
  child.stdin?.write(`${ms}\n`);
  const [answer] = (await once(answers, 'line')) as [string];
  if (!Number.isFinite(Number(answer))) throw new Error('connections fail');
  return Number(answer);
};

const inNode = (lab: string, argv: readonly string[], input = ''): void => {
  const { status, stderr } = spawnSync('ip', ['netns', 'exec', namespaceOf(lab, 'node-1'), ...argv], { input });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr.toString().slice(0, 500)}`);
};

const sources = (count: number): AddressSet => addressUnion(addressSet(randomPrefixes(count - 1)), CLIENT);

/** Instructions per packet need a counter in the processor, which many virtual machines do not have. */
const countersExist = (): boolean => {
  const { status, stderr } = spawnSync('perf', ['stat', '-e', 'instructions', 'true']);
  return status === 0 && !stderr.toString().includes('not supported');
};

const quotient = ({ a, b }: Rounds, round: number): number => (b[round] ?? NaN) / (a[round] ?? NaN);

const measure = async (): Promise<void> => {
  const [open, guarded] = [startLoop(OPEN), startLoop(GUARDED)];
  try {
    for (const loop of [open, guarded]) await rate(loop, 1000);
    const rules = printTable(compileTable(accessOfPorts(1000, sources(10_000))));
    const guardedBy = async (lab: string): Promise<Rounds> => {
      inNode(lab, ['nft', '-f', '-'], rules);
      const rounds = await interleaved(
        10,
        () => rate(lab === GUARDED ? open : guarded, 500),
        () => rate(lab === GUARDED ? guarded : open, 500),
      );
      inNode(lab, ['nft', 'delete', 'table', 'inet', 'portcullis']);
      return rounds;
    };
    // Each lab is the guarded one for half of the rounds, so that what distinguishes the two does not count.
    const [one, other] = [await guardedBy(GUARDED), await guardedBy(OPEN)];
    const ratio = ratioOf(one.b.map((_, round) => Math.sqrt(quotient(one, round) * quotient(other, round))));
    line('unguarded, kube-proxy in nftables mode', `${median([...one.a, ...other.a]).toFixed(0)} connections/s`);
    line('guarded: 10,000 prefixes x 1,000 ports', `${median([...one.b, ...other.b]).toFixed(0)} connections/s`);
    line('  over unguarded', printRatio(ratio), '>= 0.97 within the interval', ratio.high >= 0.97);
    for (const count of [10, 100, 1000, 10_000]) {
      inNode(GUARDED, ['iptables-nft', '-t', 'nat', '-F']);
      inNode(GUARDED, ['iptables-nft-restore', '--noflush'], renderRedirect(accessOfPorts(2, sources(count)), 4));
      const classic = await interleaved(
        4,
        () => rate(open, 500),
        () => rate(guarded, 500),
      );
      line(`classic REDIRECT rules, ${count} sources`, `${median(classic.b).toFixed(0)} connections/s`);
      line('  over unguarded', printRatio(ratioOfRounds(classic)));
    }
    if (!countersExist()) line('instructions per packet', 'not measured: this processor shows no instruction counter');
  } finally {
    for (const { child } of [open, guarded]) {
      child.stdin?.end();
      await once(child, 'exit');
    }
  }
};

for (const lab of [OPEN, GUARDED]) {
  const up = await labUp(lab, { mode: 'nftables' });
  if (!up.ok) throw new Error(up.problems.map(({ message }) => message).join('\n'));
}
try {
  await measure();
} finally {
  for (const lab of [OPEN, GUARDED]) await labDown(lab);
}
