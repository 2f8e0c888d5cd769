import { runCommand } from '../../src/kernel/command.ts';
import { enforce, readyFrom, unenforce, type Enforced, type Known } from '../../src/kernel/enforce.ts';
import { localAddresses } from '../../src/kernel/local-addresses.ts';
import { listOwnTable } from '../../src/kernel/nft.ts';
import { parseAddress } from '../../src/net/address.ts';
import { prove } from '../../src/audit/proof/proof.ts';
import { accessOfPorts } from '../../bench/accesses.ts';
import { addressSet } from '../../src/net/address-set.ts';
import { parsePrefix } from '../../src/net/prefix.ts';
import { good } from './good.ts';
import { plainTable } from './plain-table.ts';

// Runs in a namespace of its own: a process that goes on running changes the kernel again and again, and tells after each change whether
// what it believes is what the kernel holds. One line of JSON.

const access = (ports: number, ...prefixes: readonly string[]) =>
  accessOfPorts(ports, addressSet(prefixes.map((text) => good(parsePrefix(text)))));

/** What a change came to: is the proof right, is what is believed what the kernel lists, and was everything listed for it? */
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
const change = async (known: Known | null, name: string, wanted: ReturnType<typeof access>): Promise<Known> => {
  const enforced = good(await enforce(wanted, { known }));
  results.push(await told(name, wanted, enforced));
  good(await enforced.finish());
  return readyFrom(enforced.swept);
};

const many = Array.from({ length: 300 }, (_, index) => `10.${index % 250}.${index >> 4}.0/24`);
let known = await change(null, 'first', access(20, ...many));
known = await change(known, 'the same again', access(20, ...many));
known = await change(known, 'one prefix more', access(20, ...many, '203.0.113.0/24'));
known = await change(known, 'one prefix narrowed', access(20, ...many, '203.0.113.0/25'));
known = await change(known, 'one prefix less', access(20, ...many));
known = await change(known, 'one of the many less', access(20, ...many.slice(1)));
known = await change(known, 'and another', access(20, ...many.slice(2)));
known = await change(known, 'both again', access(20, ...many));
known = await change(known, 'other ports', access(25, ...many));
known.start.nft.abandon();
known = await change(known, 'after the end of the nft that waited for it', access(25, ...many, '192.0.2.128/25'));
// Somebody lets everybody in at one port; who watches the table, as the caller must, looks at all of it again.
await runCommand(['nft', 'insert', 'rule', 'inet', 'portcullis', 'x-30003', 'accept']);
known.start.nft.abandon();
known = await change(null, 'after a rule by hand', access(25, ...many, '192.0.2.0/24'));
known.start.nft.abandon();
const isLocal = localAddresses();
const local = ['127.0.0.9', '192.0.2.10', '192.0.2.11', '2001:db8::10', '2001:db8::11', '198.51.100.7'].filter((text) =>
  isLocal(good(parseAddress(text))),
);
const removed = good(await unenforce());
console.log(JSON.stringify({ results, local, removed, left: good(await listOwnTable()) }));
