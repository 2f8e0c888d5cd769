import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { prove } from '../../src/audit/proof/proof.ts';
import type { Proof } from '../../src/audit/proof/differences.ts';
import { verifyNode } from '../../src/audit/proof/verify-node.ts';
import { printTable } from '../../src/compile/plan/print-transaction.ts';
import { compileTable } from '../../src/compile/table/compile-table.ts';
import { runCommand } from '../../src/kernel/command.ts';
import type { Source } from '../../src/diagnostic/diagnostic.ts';
import { parseNftJson } from '../../src/parse/nft/nft-json.ts';
import { readDumps } from '../../src/parse/read-dumps.ts';
import { EVERY_ACTION, EVERY_RULE, OBJECTS } from '../support/every-statement.ts';
import { makeNamespace, mustRun, noKernel, removeNamespace, type Namespace } from '../support/namespace.ts';
import { accessOf, addresses, exposed, selection } from '../support/small-access.ts';

// Somebody puts a rule into a chain that judges. Where a packet of a refused client then comes through, or one of an
// allowed client does not, no proof may hold: neither that of the own table nor, for chains of others, that of the
// node.

const [NODE, CLIENT] = ['pclab-statements-node', 'pclab-statements-client'];
const SENDER = fileURLToPath(new URL('../support/send-from.ts', import.meta.url));
const TO = '192.0.2.10';
const [ALLOWED, REFUSED] = ['10.0.0.1', '10.0.0.2'];
const PACKETS = 12;

const access = accessOf(
  [exposed('30001/udp', 'web'), exposed('30001/tcp', 'web')],
  [selection('web', addresses(`${ALLOWED}/32`))],
);
const GUARD = printTable(compileTable(access));

const WITNESS = `table inet witness {
  counter allowed { }
  counter refused { }
  chain after-the-guard {
    type filter hook prerouting priority -90;
    ip saddr ${ALLOWED} udp dport 30001 counter name "allowed"
    ip saddr ${REFUSED} udp dport 30001 counter name "refused"
  }
}
`;

const filled = (text: string): string =>
  text
    .replaceAll('REFUSED', REFUSED)
    .replaceAll('ALLOWED', ALLOWED)
    .replaceAll('NODE', TO)
    .replaceAll('"IN"', '"eth0"');

interface Through {
  readonly allowed: number;
  readonly refused: number;
  readonly rules: string;
}

/** Chains of our table that packets of refused clients come to. */
const OWN_CHAINS = ['prerouting', 'x-30001', 's-web', 'refuse-drop'];

/** A chain of somebody else that is asked before ours. */
const EARLIER = `table inet foreign {
${OBJECTS}
  chain earlier { type filter hook prerouting priority -145; }
}
`;

describe(
  'every statement, verdict and expression of the model, put where packets are judged',
  { skip: noKernel },
  () => {
    let node: Namespace;
    let sender: ChildProcess;
    let answers: Interface;
    let listener: ChildProcess;
    before(async () => {
      node = await makeNamespace(NODE);
      const client = await makeNamespace(CLIENT);
      await mustRun(
        ['ip', '-batch', '-'],
        `link add name eth0 netns ${NODE} type veth peer name eth0 netns ${CLIENT}\n`,
      );
      await client.run(['ip', 'link', 'set', 'eth0', 'address', '02:00:00:00:00:02']);
      for (const namespace of [node, client])
        await namespace.run(['ip', '-batch', '-'], 'link set lo up\nlink set eth0 up\n');
      await node.run(['ip', '-batch', '-'], `address add ${TO}/24 dev eth0\nroute add default via 192.0.2.1\n`);
      await client.run(
        ['ip', '-batch', '-'],
        'address add 192.0.2.1/24 dev eth0\nroute add local 10.0.0.0/16 dev lo\nroute add default via 192.0.2.10\n',
      );
      const [program, ...words] = client.inside;
      sender = spawn(program, [...words, process.execPath, SENDER], { stdio: ['pipe', 'pipe', 'inherit'] });
      assert.ok(sender.stdout);
      answers = createInterface(sender.stdout);
      const code = `require('dgram').createSocket('udp4').bind(30001); require('net').createServer().listen(30001, '0.0.0.0'); setTimeout(() => {}, 1e8)`;
      listener = spawn(program, ['netns', 'exec', NODE, process.execPath, '-e', code], { stdio: 'ignore' });
    });
    after(async () => {
      sender.stdin?.end();
      listener.kill('SIGKILL');
      await once(sender, 'exit');
      await removeNamespace(NODE);
      await removeNamespace(CLIENT);
    });

    /** How many packets of each client came through, and all rules as nft lists them then. */
    const throughNow = async (): Promise<Through> => {
      const probes = [ALLOWED, REFUSED].flatMap((source) =>
        Array.from({ length: PACKETS }, () => ['udp', source, TO, 30_001]),
      );
      const answered = once(answers, 'line');
      sender.stdin?.write(`${JSON.stringify(probes)}\n`);
      await answered;
      const json = await node.run(['nft', '-j', 'list', 'ruleset']);
      const counted = (name: string): number =>
        Number(new RegExp(`"name": "${name}"[^}]*"packets": (\\d+)`).exec(json)?.[1]);
      return { allowed: counted('allowed'), refused: counted('refused'), rules: json };
    };
    /** Whether the kernel takes it. */
    const load = async (text: string): Promise<boolean> => {
      const done = await runCommand([...node.inside, 'nft', '-f', '-'], { stdin: text });
      return done.kind === 'done' && done.status === 0;
    };
    /** The node itself does not change: its addresses, routes and so on are dumped once. */
    let rest: readonly Source[] = [];
    const dumpNode = async (): Promise<void> => {
      rest = await Promise.all(
        [
          ['ip', '-j', '-d', 'addr', 'show'],
          ['ip', '-j', '-d', 'link', 'show'],
          ['ip', '-j', '-4', 'route', 'show', 'table', 'all'],
          ['ip', '-j', '-4', 'rule', 'show'],
          ['sysctl', '-a', '-e', '-r', '^net\\.ipv4\\.'],
          ['ss', '-lntup'],
        ].map(async (argv) => ({ name: argv.join('-'), text: await node.run(argv) })),
      );
    };
    const proofOfNode = (rules: string): Proof => {
      const read = readDumps([{ name: 'nft-list-ruleset', text: rules }, ...rest]);
      assert.ok(read.ok, 'the dumps are read');
      return verifyNode(read.value.ruleset, access);
    };
    const proofOfTable = (rules: string): Proof => {
      const read = parseNftJson(rules);
      assert.ok(read.ok);
      return prove(read.value.find(({ name }) => name === 'portcullis') ?? null, access);
    };
    const fresh = `flush ruleset\n${WITNESS}${GUARD}`;

    test('without any of them the guard lets in exactly whom it should, and both proofs hold', async () => {
      assert.ok(await load(`${fresh}${filled(EARLIER)}`));
      for (let tries = 0; tries < 100 && (await throughNow()).allowed === 0; tries += 1) await sleep(50);
      assert.ok(await load(`${fresh}${filled(EARLIER)}`));
      await dumpNode();
      const { allowed, refused, rules } = await throughNow();
      assert.deepEqual([allowed, refused], [PACKETS, 0]);
      assert.ok(proofOfTable(rules).holds);
      assert.deepEqual(proofOfNode(rules).differences, []);
    });

    const wrongs = async (
      place: string,
      list: readonly string[],
      proof: (rules: string) => Proof,
      t: { diagnostic: (text: string) => void },
    ) => {
      const missed: string[] = [];
      const counts = { refusedByKernel: 0, wrong: 0, seen: 0, alarms: 0 };
      for (const rule of list) {
        const table = place.startsWith('foreign')
          ? `${fresh}${filled(EARLIER)}`
          : `${fresh}table inet portcullis {\n${filled(OBJECTS)}\n}\n`;
        const where = place.startsWith('foreign') ? place : `portcullis ${place}`;
        if (!(await load(`${table}insert rule inet ${where} ${filled(rule)}\n`))) {
          counts.refusedByKernel += 1;
          continue;
        }
        const { allowed, refused, rules } = await throughNow();
        const isWrong = allowed < PACKETS || refused > 0;
        const isProven = proof(rules).holds;
        if (isWrong) counts.wrong += 1;
        if (isWrong && !isProven) counts.seen += 1;
        if (!isWrong && !isProven) counts.alarms += 1;
        if (isWrong && isProven)
          missed.push(`${rule}: ${allowed} of ${PACKETS} allowed and ${refused} refused packets came through`);
      }
      t.diagnostic(
        `${place}: of ${list.length} rules the kernel refuses ${counts.refusedByKernel}; ${counts.wrong} do harm, ${counts.seen} of them seen; ${counts.alarms} harmless ones are not proven`,
      );
      assert.deepEqual(missed, []);
      assert.ok(counts.wrong > 10 && counts.refusedByKernel < list.length / 3, JSON.stringify(counts));
    };

    for (const chain of OWN_CHAINS)
      test(`in ${chain}: no proof holds where a packet fares otherwise than the policies say`, (t) =>
        wrongs(chain, chain === 'prerouting' ? EVERY_RULE : EVERY_ACTION, proofOfTable, t));

    test('in a chain of somebody else before ours: the proof of the node does not hold', (t) =>
      wrongs('foreign earlier', EVERY_RULE, proofOfNode, t));

    for (const harmless of ['counter', 'log prefix "seen " group 5', 'counter comment "said"', 'continue'])
      test(`${harmless} changes nothing, and the proof holds`, async () => {
        assert.ok(await load(`${fresh}insert rule inet portcullis prerouting ${harmless}\n`));
        assert.ok(proofOfTable((await throughNow()).rules).holds);
      });
  },
);
