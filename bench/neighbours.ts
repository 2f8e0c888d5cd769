import { spawnSync } from 'node:child_process';
import { compileTable } from '../src/compile/table/compile-table.ts';
import { printTable } from '../src/compile/plan/print-transaction.ts';
import { addressComplement, addressSet, type AddressSet } from '../src/net/address-set.ts';
import { formatAddress } from '../src/net/address.ts';
import { rangeTexts } from '../src/net/range-text.ts';
import { accessOfPorts, randomPrefixes } from './accesses.ts';
import { inOwnNamespace } from './namespace.ts';
import { line, median, milliseconds, printRatio, ratioOf, timed } from './measure.ts';

const ROUNDS = 9;
const ADDS = 3;

const nft = (text: string): void => {
  const { status, stderr } = spawnSync('nft', ['-f', '-'], { input: text, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr.slice(0, 300));
};

/** One set of intervals, as other programs hold such a list, and this one did up to its version 0.1.0. */
const intervalTable = ({ v4 }: AddressSet): string =>
  `add table inet portcullis\nadd set inet portcullis intervals { type ipv4_addr; flags interval; elements = { ${[...rangeTexts(v4)].join(', ')} }; }\n`;

let next = 0;
/** What another program's nft takes that adds one element to a set of its own; milliseconds. */
const addElsewhere = async (): Promise<number> => {
  let sum = 0;
  for (let index = 0; index < ADDS; index++) {
    const address = formatAddress({ family: 4, value: BigInt(next++) });
    sum += await timed(() => nft(`add element ip other own { ${address} }\n`));
  }
  return sum / ADDS;
};

const beside = async (text: string): Promise<number> => {
  nft(text);
  const ms = await addElsewhere();
  nft('delete table inet portcullis\n');
  return ms;
};

/** What a list of ours costs every other nft on the node that adds an element, over what the node is without it. */
export const run = async (): Promise<void> => {
  nft('add table ip other\nadd set ip other own { type ipv4_addr; size 100000; }\n');
  for (const count of [10_000, 100_000])
    for (const kind of ['allowed', 'refused'] as const) {
      const listed = addressSet(randomPrefixes(count));
      const ours = printTable(
        compileTable(accessOfPorts(1, kind === 'allowed' ? listed : addressComplement(listed)), null),
      );
      const intervals = intervalTable(listed);
      const [alone, guarded, asIntervals]: number[][] = [[], [], []];
      for (let round = 0; round < ROUNDS; round++) {
        alone?.push(await addElsewhere());
        guarded?.push(await beside(ours));
        asIntervals?.push(await beside(intervals));
      }
      const over = (list: readonly number[] = []) => ratioOf(list.map((ms, index) => ms / (alone?.[index] ?? NaN)));
      const ratio = over(guarded);
      line(`one element elsewhere, beside nobody`, milliseconds(median(alone ?? [])));
      line(`  beside ${count} ${kind} prefixes of ours`, printRatio(ratio), '<= 1.25', ratio.middle <= 1.25);
      line('  beside the same as one set of intervals', printRatio(over(asIntervals)));
    }
};

await inOwnNamespace(import.meta.url, run);
