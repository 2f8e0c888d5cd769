import { captured } from './kube-proxy.ts';
import type { Stage } from './demo-stage.ts';
import { must, say } from './demo-tell.ts';
import type { Mode } from './mode.ts';
import type { Probe } from './probe.ts';

/** The client that may come in at node port 30001, and the one that may not. */
export const WANTED: Probe = { from: 'outside-a', protocol: 'tcp', to: '192.0.2.10', port: 30001 };
export const UNWANTED: Probe = { ...WANTED, from: 'outside-b' };

const NOT_THESE = ['-p', 'tcp', '!', '-s', '198.51.100.0/30', '--dport', '30001'];

/** The flavour of iptables that a node in this mode uses: kube-proxy's own, where it uses one. */
const toolOf = (mode: Mode): string =>
  mode === 'iptables-legacy' || mode === 'ipvs' ? 'iptables-legacy' : 'iptables-nft';

/** What an administrator tries first: a rule in filter/INPUT. */
export const inputRule = async (stage: Stage, step: number): Promise<void> => {
  const tool = toolOf(stage.mode);
  await run(stage, tool, '-I', 'INPUT', ...NOT_THESE, '-j', 'DROP');
  const [open] = await stage.reaches(UNWANTED);
  const counted = await packetsOfFirstRule(stage, tool);
  await run(stage, tool, '-D', 'INPUT', ...NOT_THESE, '-j', 'DROP');
  const rule = 'iptables -I INPUT -p tcp ! -s 198.51.100.0/30 --dport 30001 -j DROP';
  if (stage.mode === 'ipvs') {
    must(
      open === false && counted > 0,
      'in ipvs mode a rule in filter/INPUT refuses, because IPVS takes over behind it',
    );
    say(
      step,
      `${rule}: 198.51.100.9 is refused, the rule counted ${counted} packets. In ipvs mode every Service address is the node's own, so packets go to INPUT, and IPVS takes them only behind it. In no other mode.`,
    );
    return;
  }
  must(open === true && counted === 0, 'a rule in filter/INPUT never meets a packet to a node port');
  say(
    step,
    `${rule}: nothing changes, 198.51.100.9 still connects, and the rule counted 0 packets. kube-proxy has already rewritten the destination to a pod's, so the packets go to FORWARD and never meet INPUT.`,
  );
};

/** The known cure, a REDIRECT before kube-proxy's rewriting, and what becomes of it in nftables mode. */
export const redirectRule = async (stage: Stage, step: number): Promise<void> => {
  const rule = ['-t', 'nat', '-I', 'PREROUTING', ...NOT_THESE, '-j', 'REDIRECT', '--to-ports', '65535'];
  const tool = toolOf(stage.mode);
  await run(stage, tool, ...rule);
  const [open] = await stage.reaches(UNWANTED);
  must(open === false, 'the REDIRECT rule refuses');
  const start = `The classic cure, iptables -t nat -I PREROUTING … -j REDIRECT --to-ports 65535: 198.51.100.9 is refused`;
  if (stage.mode === 'nftables') {
    await recreateKubeProxyTable(stage);
    must(
      (await stage.reaches(UNWANTED))[0] === true,
      "the REDIRECT rule is passed by, once kube-proxy's table is newer",
    );
    say(
      step,
      `${start}. Then kube-proxy restarts and makes its table anew: the same rule is still there, and 198.51.100.9 connects again. Both chains have the same priority, the one registered last runs first, and nobody is told.`,
    );
  } else say(step, `${start}; for this one port, TCP, IPv4, new connections, and until the next reboot.`);
  await run(stage, tool, ...rule.map((word) => (word === '-I' ? '-D' : word)));
};

const recreateKubeProxyTable = async (stage: Stage): Promise<void> => {
  const tables = ['ip', 'ip6'].map((family) => `delete table ${family} kube-proxy\n`).join('');
  const { status, stderr } = await stage.onNode(
    ['nft', '-f', '-'],
    tables + captured('nftables', 'nft-list-ruleset.txt'),
  );
  must(status === 0, `kube-proxy's table can be made anew: ${stderr}`);
};

const packetsOfFirstRule = async (stage: Stage, tool: string): Promise<number> => {
  const { stdout } = await stage.onNode([tool, '-L', 'INPUT', '1', '-v', '-n', '-x']);
  return Number(/^\s*(\d+)/.exec(stdout)?.[1] ?? Number.NaN);
};

const run = async (stage: Stage, tool: string, ...rest: readonly string[]): Promise<void> => {
  const { status, stderr } = await stage.onNode([tool, '-w', ...rest]);
  must(status === 0, `${tool} ${rest.join(' ')}: ${stderr.trim()}`);
};
