import { readFileSync } from 'node:fs';
import type { Command } from './command.ts';
import type { Mode } from './mode.ts';
import { namespaceOf } from './place.ts';
import { settingsCommand } from './settings-command.ts';

/**
 * The commands that put a real kube-proxy's captured state into node-1, in phases: what the rules need, then the rules.
 * The captures are of kube-proxy v1.36 with default settings. Nothing in them depends on the machine.
 */
export const kubeProxyCommands = (lab: string, mode: Mode): readonly (readonly Command[])[] => {
  const inNode = (argv: readonly string[], stdin = ''): Command => ({
    argv: ['ip', 'netns', 'exec', namespaceOf(lab, 'node-1'), ...argv],
    stdin,
  });
  const sysctls = settingsCommand([[namespaceOf(lab, 'node-1'), SYSCTLS[mode]]]);
  switch (mode) {
    case 'nftables':
      return [[sysctls, inNode(['nft', '-f', '-'], captured(mode, 'nft-list-ruleset.txt'))]];
    case 'iptables-nft':
    case 'iptables-legacy':
      return [
        [sysctls, ...ACCOUNTS.map((name) => inNode(['nfacct', 'add', name]))],
        restoreIptables(mode, mode === 'iptables-nft' ? 'nft' : 'legacy').map(([argv, text]) => inNode(argv, text)),
      ];
    case 'ipvs':
      return [
        // The first use of IPVS in a namespace makes its settings appear.
        [inNode(['ipvsadm', '--list', '--numeric'])],
        [
          sysctls,
          inNode(['ip', '-batch', '-'], ipvsAddresses()),
          inNode(['ipset', 'restore'], captured(mode, 'ipset-save.txt')),
          inNode(['ipvsadm', '--restore'], captured(mode, 'ipvsadm-Sn.txt')),
          ...ACCOUNTS.map((name) => inNode(['nfacct', 'add', name])),
        ],
        restoreIptables(mode, 'legacy').map(([argv, text]) => inNode(argv, text)),
      ];
  }
};

/** Objects that rules of the iptables modes count in. The rules do not load without them. */
const ACCOUNTS = ['ct_state_invalid_dropped_pkts', 'localhost_nps_accepted_pkts'];

/** What kube-proxy itself sets (pkg/proxy/iptables, ipvs: NewProxier), as seen in the captures. */
const SYSCTLS: Readonly<Record<Mode, readonly string[]>> = {
  'iptables-nft': ['net.ipv4.conf.all.route_localnet = 1'],
  'iptables-legacy': ['net.ipv4.conf.all.route_localnet = 1'],
  nftables: ['net.ipv4.conf.all.route_localnet = 0'],
  ipvs: [
    'net.ipv4.conf.all.route_localnet = 0',
    'net.ipv4.vs.conntrack = 1',
    'net.ipv4.vs.conn_reuse_mode = 1',
    'net.ipv4.vs.expire_nodest_conn = 1',
    'net.ipv4.vs.expire_quiescent_template = 1',
  ],
};

/** The captured file of a mode. */
export const captured = (mode: Mode, file: string): string =>
  readFileSync(new URL(`./data/kube-proxy/${mode}/${file}`, import.meta.url), 'utf8');

const restoreIptables = (mode: Mode, flavour: 'nft' | 'legacy'): [argv: string[], text: string][] => [
  [[`iptables-${flavour}-restore`, '--wait'], captured(mode, 'iptables-save.txt')],
  [[`ip6tables-${flavour}-restore`, '--wait'], captured(mode, 'ip6tables-save.txt')],
];

/**
 * In ipvs mode every Service address is on a dummy interface, so that its packets go to INPUT, where IPVS takes them.
 */
const ipvsAddresses = (): string =>
  [
    'link add kube-ipvs0 type dummy',
    ...captured('ipvs', 'kube-ipvs0.txt')
      .split('\n')
      .filter((line) => line !== '')
      .map((address) => `address add ${address} dev kube-ipvs0${address.includes(':') ? ' nodad' : ''}`),
    '',
  ].join('\n');
