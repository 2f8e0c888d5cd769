import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { runPhases } from '../../src/lab/command.ts';
import { kernelHasIpvs } from '../../src/lab/kernel-features.ts';
import { captured, kubeProxyCommands } from '../../src/lab/kube-proxy.ts';
import { labExec } from '../../src/lab/lab.ts';
import { MODES, type Mode } from '../../src/lab/mode.ts';
import { good } from '../support/good.ts';
import { withGuardedLab, type GuardedLab } from '../support/guarded-lab.ts';
import { expectOutcomes, type Expected } from '../support/lab-servers.ts';
import { noKernel } from '../support/namespace.ts';
import { admin, nodePort } from '../support/policies.ts';

// The guard beside the rules of others: kube-proxy's, an administrator's, anybody's.

const IN_VM = process.env['PORTCULLIS_IN_VM'] === 'true';
const HAS_IPVS = await kernelHasIpvs();

describe('a guard beside the rules of others', { skip: noKernel }, () => {
  for (const mode of MODES)
    if (mode !== 'ipvs' || HAS_IPVS) test(`mode ${mode}, on this kernel`, (t) => othersTraps(t, mode));
});

const othersTraps = async (t: TestContext, mode: Mode): Promise<void> =>
  withGuardedLab(`traps-others-${mode}`, mode, async (lab) => {
    const traps: readonly (readonly [name: string, trap: (lab: GuardedLab) => Promise<void>])[] = [
      ['apply, change and remove leave them as they were, to the byte', leavesThemAlone],
      ['kube-proxy may load its rules anew, or take them away and bring them again', reloads],
      ['a classic REDIRECT rule and the guard both hold', besideRedirect],
      ["the source ranges of kube-proxy's load balancer hold as well", besideSourceRanges],
      ['whom the guard lets in, others may still refuse', besideDrop],
    ];
    for (const [name, trap] of traps) await t.test(name, () => trap(lab));
  });

const NODE = '192.0.2.10';
const client = (from: Expected['from'], port: number, outcome: Expected['outcome'], to = NODE): Expected => ({
  from,
  protocol: 'tcp',
  to,
  port,
  outcome,
});

const GUARD = admin('traps', 1, ['Accept 198.51.100.2/32, 2001:db8:0:198::2/128', 'Deny everyone'], {
  subject: { ports: ['30000-32767'] },
});
const holds: readonly Expected[] = [
  client('outside-a', 30_001, 'connected'),
  client('outside-b', 30_001, 'timeout'),
  client('outside-a', 30_006, 'connected', '2001:db8:0:2::10'),
  client('outside-b', 30_006, 'timeout', '2001:db8:0:2::10'),
];

/**
 * Everything that others have in the kernel: what each tool saves, without counters and times, which go on by
 * themselves.
 */
const foreignState = async (lab: GuardedLab): Promise<Readonly<Record<string, string>>> => {
  const tools: Readonly<Record<string, readonly [string, ...string[]]>> = {
    nft: ['nft', '--stateless', '--handle', 'list', 'ruleset'],
    'iptables-nft': ['iptables-nft-save'],
    'ip6tables-nft': ['ip6tables-nft-save'],
    'iptables-legacy': ['iptables-legacy-save'],
    'ip6tables-legacy': ['ip6tables-legacy-save'],
    ipset: ['ipset', 'save'],
    ipvs: ['ipvsadm', '--save', '--numeric'],
    addresses: ['ip', 'address', 'show'],
    rules: ['ip', 'rule', 'show'],
    routes: ['ip', 'route', 'show', 'table', 'all'],
  };
  const texts = await Promise.all(
    Object.entries(tools)
      .filter(([name]) => name !== 'ipvs' || lab.mode === 'ipvs')
      .map(async ([name, argv]): Promise<readonly [string, string]> => [name, strip(await lab.onNode(argv))]),
  );
  return Object.fromEntries(texts);
};

/** Without our own table, packet counts, the time of the save, and what dynamic sets have learnt. */
const strip = (text: string): string =>
  text
    .replace(/^table inet portcullis \{[^]*?^\}\n/gm, '')
    .replace(/\[\d+:\d+\]/g, '[0:0]')
    .replace(/^# .*\n/gm, '')
    .replace(/ expires \w+/g, '')
    .replace(/(valid|preferred)_lft \S+/g, '');

/** Left out in an emulated machine, where each takes seconds: they know nothing of kube-proxy's mode. */
const MORE_COMMANDS: readonly (readonly string[])[] = [
  ['restrict', '30001', '--from', '203.0.113.0/24', '--add'],
  ['status'],
  ['verify'],
  ['denied'],
  ['remove', '30001'],
];

const leavesThemAlone = async (lab: GuardedLab): Promise<void> => {
  const before = await foreignState(lab);
  assert.ok(Object.values(before).join('').length > 10_000, 'there is much that could be changed');
  const commands: readonly (readonly string[])[] = [
    ['restrict', '30001', '--from', '198.51.100.0/30'],
    ['restrict', '30000-32767', '--from', '198.51.100.2,2001:db8::/32', '--otherwise', 'reject'],
    ...(IN_VM ? [] : MORE_COMMANDS),
    ['remove'],
  ];
  for (const words of commands) {
    const { status, stdout, stderr } = await lab.portcullis(...words);
    assert.equal(status, 0, `portcullis ${words.join(' ')}: ${stdout}${stderr}`);
    assert.deepEqual(await foreignState(lab), before, `after portcullis ${words.join(' ')}`);
  }
};

/** What kube-proxy does to its rules when it starts anew or is reconfigured, by mode. */
const reloadings = (lab: GuardedLab): Readonly<Record<string, () => Promise<void>>> => {
  const { mode, name, onNode } = lab;
  const restore = (flavour: 'nft' | 'legacy') => async (): Promise<void> => {
    for (const family of ['', '6'])
      await onNode([`ip${family}tables-${flavour}-restore`, '--wait'], captured(mode, `ip${family}tables-save.txt`));
  };
  const clear = (flavour: 'nft' | 'legacy') => async (): Promise<void> => {
    for (const family of ['', '6'])
      for (const table of ['nat', 'filter', 'mangle'])
        for (const flag of ['--flush', '--delete-chain'])
          await onNode([`ip${family}tables-${flavour}`, '--wait', '--table', table, flag]);
  };
  switch (mode) {
    case 'nftables': {
      const tables = [
        ['ip', 'kube-proxy'],
        ['ip6', 'kube-proxy'],
      ] as const;
      return {
        'tables deleted and made again': async () => {
          for (const table of tables) await onNode(['nft', 'delete', 'table', ...table]);
          good(await runPhases(kubeProxyCommands(name, mode)));
        },
        'tables deleted and made again in one transaction': async () => {
          const gone = tables.map((table) => `delete table ${table.join(' ')}\n`).join('');
          await onNode(['nft', '-f', '-'], gone + captured(mode, 'nft-list-ruleset.txt'));
        },
      };
    }
    case 'ipvs':
      return {
        'all cleared and made again': async () => {
          await clear('legacy')();
          await onNode(['ipvsadm', '--clear']);
          await onNode(['ipset', 'flush']);
          await onNode(['ipset', 'restore', '-exist'], captured(mode, 'ipset-save.txt'));
          await onNode(['ipvsadm', '--restore'], captured(mode, 'ipvsadm-Sn.txt'));
          await restore('legacy')();
        },
      };
    case 'iptables-nft':
    case 'iptables-legacy': {
      const flavour = mode === 'iptables-nft' ? 'nft' : 'legacy';
      return {
        'rules restored over themselves': restore(flavour),
        'rules flushed and restored': async () => {
          await clear(flavour)();
          await restore(flavour)();
        },
      };
    }
  }
};

const reloads = async (lab: GuardedLab): Promise<void> => {
  const restrict = ['restrict', '30000-32767', '--from', '198.51.100.2/32,2001:db8:0:198::2/128'];
  const { status, stdout, stderr } = await lab.portcullis(...restrict);
  assert.equal(status, 0, stdout + stderr);
  await expectOutcomes(lab.name, 'before', holds);
  for (const [what, reload] of Object.entries(reloadings(lab))) {
    await reload();
    await expectOutcomes(lab.name, what, holds);
    assert.equal((await lab.portcullis('verify')).status, 0, what);
  }
  await lab.portcullis('remove');
};

const besideRedirect = async (lab: GuardedLab): Promise<void> => {
  const flavour = lab.mode === 'iptables-legacy' || lab.mode === 'ipvs' ? 'legacy' : 'nft';
  const rule = ['-p', 'tcp', '!', '-s', '198.51.100.8/29', '--dport', '30001', '-j', 'REDIRECT', '--to-ports', '65535'];
  const change = (...where: readonly string[]) =>
    lab.onNode([`iptables-${flavour}`, '--wait', '-t', 'nat', ...where, ...rule]);
  // In nftables mode it is registered after kube-proxy's chain of the same priority, so that it runs first.
  await change('-I', 'PREROUTING');
  const policy = admin('traps', 1, ['Accept 198.51.100.0/28', 'Deny everyone'], { subject: { ports: ['30001'] } });
  await lab.apply(policy);
  await expectOutcomes(lab.name, 'both rules', [
    client('outside-a', 30_001, 'refused'),
    client('outside-b', 30_001, 'connected'),
    client('outside-c', 30_001, 'timeout'),
  ]);
  await change('-D', 'PREROUTING');
};

const besideSourceRanges = async (lab: GuardedLab): Promise<void> => {
  // infra/lb-restricted: kube-proxy lets 198.51.100.0/28 in to 192.0.2.200:443, and everybody to its node port.
  const [vip, port] = ['192.0.2.200', 30_443];
  await lab.apply();
  await expectOutcomes(lab.name, 'kube-proxy alone', [
    client('outside-a', 443, 'connected', vip),
    client('outside-b', 443, 'connected', vip),
    client('outside-c', 443, 'timeout', vip),
    client('outside-c', port, 'connected'),
  ]);
  await lab.apply(
    nodePort('infra/lb', ['198.51.100.2/32', '198.51.100.77/32'], {
      services: ['lb-restricted'],
      exposures: ['NodePort', 'LoadBalancer'],
    }),
  );
  await expectOutcomes(lab.name, 'both', [
    client('outside-a', 443, 'connected', vip),
    client('outside-b', 443, 'timeout', vip),
    client('outside-c', 443, 'timeout', vip),
    client('outside-a', port, 'connected'),
    client('outside-b', port, 'timeout'),
    client('outside-c', port, 'connected'),
  ]);
};

const besideDrop = async (lab: GuardedLab): Promise<void> => {
  await lab.apply(GUARD);
  await expectOutcomes(lab.name, 'the guard alone', holds);
  for (const priority of [-200, 0])
    for (const verdict of ['drop', 'accept']) {
      await lab.onNode(
        ['nft', '-f', '-'],
        `table inet other { chain c { type filter hook prerouting priority ${priority}; iifname "eth0" tcp dport { 30001, 30006, 8080 } ${verdict}; }; }\n`,
      );
      await expectOutcomes(
        lab.name,
        `somebody's ${verdict} at ${priority}`,
        holds.map((it) => (verdict === 'drop' ? { ...it, outcome: 'timeout' } : it)),
      );
      await lab.onNode(['nft', 'delete', 'table', 'inet', 'other']);
    }
  const { status } = await labExec(lab.name, 'node-1', ['nft', 'list', 'table', 'inet', 'other']);
  assert.notEqual(status, 0);
};
