import type { AddressSet } from '../src/net/address-set.ts';
import { addressSet, addressUnion } from '../src/net/address-set.ts';
import { openEnforcer } from '../src/change/enforcer.ts';
import { accessOfPorts, TEN_THOUSAND } from './accesses.ts';
import { inOwnNamespace } from './namespace.ts';
import { line, median, middleAndLeast } from './measure.ts';

const PORTS = 1000;
const ROUNDS = 12;
/** A process that goes on running has done this before. */
const ROUNDS_BEFORE = 4;

const prefix = (length: number): AddressSet => addressSet([{ family: 4, address: 0xcb00_7100n, length }]);

/**
 * One prefix of 10,000 is changed inside a process that goes on running. What it does between its changes (the sweep,
 * getting ready) is not counted.
 */
export const run = async (): Promise<void> => {
  const enforcer = openEnforcer({ follow: true });
  const start = await enforcer.apply(accessOfPorts(PORTS, TEN_THOUSAND));
  if (!start.ok) throw new Error('the first apply failed');
  await enforcer.rest();
  const steps: readonly (readonly [name: string, allowed: AddressSet])[] = [
    ['a prefix is added', addressUnion(TEN_THOUSAND, prefix(24))],
    ['a prefix is narrowed, /24 to /25', addressUnion(TEN_THOUSAND, prefix(25))],
    ['a prefix is taken away', TEN_THOUSAND],
  ];
  const times = new Map(steps.map(([name]) => [name, { transaction: [] as number[], all: [] as number[] }]));
  for (let round = -ROUNDS_BEFORE; round < ROUNDS; round++)
    for (const [name, allowed] of steps) {
      const result = await enforcer.apply(accessOfPorts(PORTS, allowed));
      if (!result.ok || !result.value.proof.holds) throw new Error('the proof does not hold');
      await enforcer.rest();
      if (round < 0) continue;
      times.get(name)?.transaction.push(Math.max(...result.value.steps.map(({ ms }) => ms)));
      times.get(name)?.all.push(result.value.ms);
    }
  await enforcer.close();
  for (const [name, { transaction, all }] of times) {
    const [one, whole] = [median(transaction), median(all)];
    line(`${name}: the transaction`, middleAndLeast(transaction), '<= 100 ms', one <= 100);
    line('  with both looks at the connections and the proof', middleAndLeast(all), '<= 200 ms', whole <= 200);
  }
};

await inOwnNamespace(import.meta.url, run);
