import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { machine } from './measure.ts';

// npm run bench [-- NAME...]: all benches, or those named. Each runs in a process of its own.

const BENCHES: Readonly<Record<string, string>> = {
  sets: 'Sets of a million prefixes',
  help: 'The start of the command',
  parse: 'A large iptables dump is read',
  'parse-nft': 'A large nftables listing is read',
  explain: 'Packets are explained on a node with 2,690 node ports',
  audit: 'Who can reach each port of a large node',
  growth: 'How reading and audit grow with rules and ports',
  telling: 'What is told of large inputs',
  apply: 'Apply of 2,768 ports x 10,000 prefixes',
  change: 'One prefix changed of 10,000 (1,000 ports), inside a running process',
  connections: 'New connections through a guarded node port',
  neighbours: 'What a list costs the nft of others on the node',
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  console.error(`there is no bench ${unknown.join(', ')}; there are: ${Object.keys(BENCHES).join(', ')}`);
  process.exitCode = 2;
} else {
  console.log(machine());
  for (const [name, title] of Object.entries(BENCHES)) {
    if (names.length > 0 && !names.includes(name)) continue;
    console.log(`\n${name}: ${title}`);
    const { status } = spawnSync(
      process.execPath,
      ['--expose-gc', fileURLToPath(new URL(`./${name}.ts`, import.meta.url))],
      {
        stdio: 'inherit',
      },
    );
    if (status !== 0) process.exitCode = 1;
  }
}
