import { runCommand } from '../../src/kernel/command.ts';
import type { Enforced } from '../../src/change/enforce.ts';
import { openEnforcer } from '../../src/change/enforcer.ts';
import { localAddresses } from '../../src/kernel/local-addresses.ts';
import { listOwnTable } from '../../src/kernel/nft.ts';
import { parseAddress } from '../../src/net/address.ts';
import { planSweep } from '../../src/compile/plan/plan-change.ts';
import { compileTable } from '../../src/compile/table/compile-table.ts';
import { prove } from '../../src/audit/proof/proof.ts';
import { accessOfPorts } from '../../bench/accesses.ts';
import { addressSet } from '../../src/net/address-set.ts';
import { parsePrefix } from '../../src/net/prefix.ts';
import { good } from './good.ts';
import { plainTable } from './plain-table.ts';

// Runs in a namespace of its own: a process that goes on running changes the kernel again and again, and tells after
// each change whether what it believes is what the kernel holds. One line of JSON.

const access = (ports: number, ...prefixes: readonly string[]) =>
  accessOfPorts(ports, addressSet(prefixes.map((text) => good(parsePrefix(text)))));

/**
 * What a change came to: is the proof right, is what is believed what the kernel lists, and was everything listed for
 * it?
 */
const told = async (name: string, wanted: ReturnType<typeof access>, enforced: Enforced) => {
  const listed = good(await listOwnTable());
  return {
    name,
    holds: enforced.proof.holds,
    reallyHolds: prove(listed, wanted).holds,
    believed: JSON.stringify(plainTable(enforced.table)) === JSON.stringify(plainTable(listed)),
    transactions: enforced.steps.length,
    bytes: enforced.steps.reduce((sum, { bytes }) => sum + bytes, 0),
  };
};

const results: unknown[] = [];
const foreign: string[] = [];
const enforcer = openEnforcer({
  follow: true,
  onForeignWrite: (commit) => foreign.push(commit === null ? 'lost' : commit.name),
});
const change = async (name: string, wanted: ReturnType<typeof access>): Promise<void> => {
  results.push(await told(name, wanted, good(await enforcer.apply(wanted))));
  good(await enforcer.rest());
};

const many = Array.from({ length: 300 }, (_, index) => `10.${index % 250}.${index >> 4}.0/24`);
await change('first', access(20, ...many));
await change('the same again', access(20, ...many));
await change('one prefix more', access(20, ...many, '203.0.113.0/24'));
await change('one prefix narrowed', access(20, ...many, '203.0.113.0/25'));
await change('one prefix less', access(20, ...many));
await change('one of the many less', access(20, ...many.slice(1)));
await change('and another', access(20, ...many.slice(2)));
await change('both again', access(20, ...many));
await change('other ports', access(25, ...many));
enforcer.invalidate();
await change('after it was told to forget', access(25, ...many, '192.0.2.128/25'));
// Others who write elsewhere are none of its business.
await runCommand(['nft', 'add', 'table', 'ip', 'other']);
await change('after a table of others', access(25, ...many));
const before = [...foreign];
// Somebody lets everybody in at one port.
await runCommand(['nft', 'insert', 'rule', 'inet', 'portcullis', 'x-30003', 'accept']);
await change('after a rule by hand', access(25, ...many, '192.0.2.0/24'));
await runCommand(['nft', 'insert', 'rule', 'inet', 'portcullis', 'x-30003', 'accept']);
await change('the same again, after a rule by hand', access(25, ...many, '192.0.2.0/24'));
// Changes without a rest between: nothing is swept before its time, and all of it in the end.
for (let index = 0; index < 12; index++) {
  const wanted = access(25, ...many, `192.0.${index}.0/24`);
  const enforced = good(await enforcer.apply(wanted));
  if (!enforced.proof.holds || !prove(good(await listOwnTable()), wanted).holds) throw new Error(`change ${index}`);
}
good(await enforcer.rest());
const listed = good(await listOwnTable());
const superfluous = planSweep(listed, compileTable(access(25, ...many, '192.0.11.0/24'), listed)).length;
const isLocal = localAddresses();
const local = ['127.0.0.9', '192.0.2.10', '192.0.2.11', '2001:db8::10', '2001:db8::11', '198.51.100.7'].filter((text) =>
  isLocal(good(parseAddress(text))),
);
const removed = good(await enforcer.remove());
good(await enforcer.close());
console.log(
  JSON.stringify({
    results,
    foreign: { before, after: foreign },
    superfluous,
    problems: enforcer.followProblems,
    local,
    removed,
    left: good(await listOwnTable()),
  }),
);
