import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseNftJson } from '../src/parse/nft/nft-json.ts';
import { parseNftText } from '../src/parse/nft/nft-text.ts';
import { kubeProxyNft } from './kube-proxy-nft.ts';
import { childrenTime, line, median, milliseconds, processorTime } from './measure.ts';
import { inOwnNamespace } from './namespace.ts';
import { GIVEN_NODE, LARGE, largeDumps } from './node-dumps.ts';

type Form = 'json' | 'text';

const listing = (form: Form): string => {
  if (GIVEN_NODE === undefined) return kubeProxyNft(LARGE)[form];
  const found = largeDumps().find(({ name }) =>
    (form === 'json' ? /nft[^/]*\.json(\.gz)?$/ : /nft[^/]*\.txt(\.gz)?$/).test(name),
  );
  if (found === undefined) throw new Error(`${GIVEN_NODE} holds no nftables listing as ${form}`);
  return found.text;
};

/**
 * Reads one listing in this fresh process and prints what it took: milliseconds of processor time, MB, and the rules
 * read.
 */
const readOnce = (form: Form): void => {
  const text = listing(form);
  let rules = 0;
  const took = processorTime(() => {
    const read = form === 'json' ? parseNftJson(text) : parseNftText(text);
    if (!read.ok) throw new Error('the listing was not read');
    for (const { chains } of read.value) for (const chain of chains.values()) rules += chain.rules.length;
  });
  console.log(JSON.stringify({ took, memory: process.memoryUsage.rss() / 1e6, rules }));
};

const ours = (form: Form): { readonly took: number; readonly memory: number; readonly rules: number } => {
  const { stdout } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--once', form], {
    encoding: 'utf8',
  });
  return JSON.parse(stdout) as ReturnType<typeof ours>;
};

const ROUNDS = 3;

/**
 * What reading a large nftables listing takes, over what nft needs to check the same text. nft checks it once, between
 * the rounds of ours: on a busy machine that alone takes minutes, because the kernel's part grows with the square of
 * the chains. Processor time on both sides.
 */
const run = (): Promise<void> => {
  const text = listing('text');
  const before = Array.from({ length: ROUNDS }, () => [ours('json'), ours('text')] as const);
  const theirs = childrenTime(() => {
    const { status, stderr } = spawnSync('nft', ['-c', '-f', '-'], { input: text });
    if (status !== 0) throw new Error(stderr.toString().slice(0, 500));
  });
  const rounds = [...before, ...Array.from({ length: ROUNDS }, () => [ours('json'), ours('text')] as const)];
  line(
    `nft -c -f, ${rounds[0]?.[0].rules ?? 0} rules, ${(text.length / 1e6).toFixed(1)} MB of text (once)`,
    milliseconds(theirs),
  );
  for (const [index, name, most] of [
    [0, 'JSON', 0.03],
    [1, 'text', 0.1],
  ] as const) {
    const times = rounds.map((round) => round[index].took);
    const ratio = median(times) / theirs;
    const memory = Math.max(...rounds.map((round) => round[index].memory));
    line(`reading the ${name} in a fresh process`, `${milliseconds(median(times))}, ${memory.toFixed(0)} MB`);
    line(
      '  over nft -c -f',
      `${ratio.toFixed(3)}  (${(Math.min(...times) / theirs).toFixed(3)} to ${(Math.max(...times) / theirs).toFixed(3)})`,
      `<= ${most}`,
      ratio <= most,
    );
  }
  return Promise.resolve();
};

if (process.argv[2] === '--once') readOnce(process.argv[3] === 'json' ? 'json' : 'text');
else await inOwnNamespace(import.meta.url, run);
