import { formatAddress } from '../net/address.ts';
import type { IptablesTarget, NatRange } from '../ruleset/iptables/target.ts';
import { hex, printAddressMask, printAddressRange, printRange, quoted, writtenOptions } from './iptables-words.ts';

type TargetOf<K extends IptablesTarget['kind']> = Extract<IptablesTarget, { kind: K }>;

const portsText = ({ ports, basePort }: NatRange): string =>
  ports === null ? '' : `${printRange(ports, '-')}${basePort === null ? '' : `/${basePort}`}`;

const natText = (to: NatRange): string => {
  const ports = portsText(to);
  if (to.addresses === null) return `:${ports}`;
  const { family, first, last } = to.addresses;
  if (ports === '') return printAddressRange(to.addresses);
  if (family === 4) return `${printAddressRange(to.addresses)}:${ports}`;
  const [low, high] = [first, last].map((value) => `[${formatAddress({ family, value })}]`);
  return `${first === last ? low : `${low}-${high}`}:${ports}`;
};

const NAT_NAME = {
  dnat: 'DNAT',
  snat: 'SNAT',
  masquerade: 'MASQUERADE',
  redirect: 'REDIRECT',
  netmap: 'NETMAP',
} as const;

const natOption = ({ how, to }: TargetOf<'nat'>): readonly string[] => {
  if (to === null) return [];
  switch (how) {
    case 'dnat':
      return [`--to-destination ${natText(to)}`];
    case 'snat':
      return [`--to-source ${natText(to)}`];
    case 'masquerade':
    case 'redirect':
      return [`--to-ports ${portsText(to)}`];
    case 'netmap': {
      if (to.addresses === null) return [];
      const { family, first, last } = to.addresses;
      const all = family === 4 ? (1n << 32n) - 1n : (1n << 128n) - 1n;
      return [`--to ${printAddressMask({ family, address: first, mask: all ^ (first ^ last) })}`];
    }
  }
};

const words = (target: IptablesTarget): readonly string[] => {
  switch (target.kind) {
    case 'accept':
    case 'drop':
    case 'return':
      return [`-j ${target.kind.toUpperCase()}`];
    case 'jump':
      return [`-j ${quoted(target.chain)}`];
    case 'goto':
      return [`-g ${quoted(target.chain)}`];
    case 'reject':
      return ['-j REJECT', ...(target.word === '' ? [] : [`--reject-with ${target.word}`])];
    case 'queue':
      if (target.module === 'QUEUE') return ['-j QUEUE'];
      return [
        '-j NFQUEUE',
        target.first === target.last ? `--queue-num ${target.first}` : `--queue-balance ${target.first}:${target.last}`,
        ...(target.bypass ? ['--queue-bypass'] : []),
        ...(target.fanout ? ['--queue-cpu-fanout'] : []),
      ];
    case 'nat':
      return [
        `-j ${NAT_NAME[target.how]}`,
        ...natOption(target),
        ...(target.random ? ['--random'] : []),
        ...(target.fullyRandom ? ['--random-fully'] : []),
        ...(target.persistent ? ['--persistent'] : []),
      ];
    case 'mark':
      return [`-j MARK --set-xmark ${hex(target.value)}/${hex(target.mask)}`];
    case 'connmark-set':
      return [`-j CONNMARK --set-xmark ${hex(target.value)}/${hex(target.mask)}`];
    case 'connmark-save':
    case 'connmark-restore':
      return [
        `-j CONNMARK ${target.kind === 'connmark-save' ? '--save-mark' : '--restore-mark'}`,
        `--nfmask ${hex(target.nfMask)} --ctmask ${hex(target.ctMask)}`,
      ];
    case 'ct':
      if (target.module === 'NOTRACK') return ['-j NOTRACK'];
      return ['-j CT', ...(target.notrack ? ['--notrack'] : []), ...writtenOptions(target.options)];
    case 'log': {
      const name = { LOG: '--log-prefix', NFLOG: '--nflog-prefix', ULOG: '--ulog-prefix' }[target.module];
      return [
        `-j ${target.module}`,
        ...(target.prefix === null ? [] : [`${name} ${quoted(target.prefix)}`]),
        ...writtenOptions(target.options),
      ];
    }
    case 'tproxy':
      return [
        `-j TPROXY --on-port ${target.port}`,
        ...(target.address === null ? [] : [`--on-ip ${formatAddress(target.address)}`]),
        `--tproxy-mark ${hex(target.mark)}/${hex(target.mask)}`,
      ];
    case 'tee':
      return ['-j TEE', ...writtenOptions(target.options)];
    case 'trace':
      return ['-j TRACE'];
    case 'set':
      return ['-j SET', ...writtenOptions(target.options)];
    case 'other':
      return [`-j ${target.module}`, ...writtenOptions(target.options)];
    case 'unknown':
      return [`-j ${target.text}`];
  }
};

/** A target as iptables-save writes it, from `-j` on. */
export const printTarget = (target: IptablesTarget): string => words(target).join(' ');
