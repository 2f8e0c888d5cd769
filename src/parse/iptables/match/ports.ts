import type { Inverted } from '../../../ruleset/iptables/match.ts';
import { readNumber, readRange } from '../../values/dump-values.ts';
import { find, inverted, type MatchReader } from './written.ts';

/** Well-known ports by the names that people write (/etc/services); iptables-save prints numbers. */
const SERVICES: Readonly<Record<string, number>> = {
  ssh: 22,
  smtp: 25,
  domain: 53,
  http: 80,
  pop3: 110,
  ntp: 123,
  imap2: 143,
  imap: 143,
  https: 443,
  imaps: 993,
  pop3s: 995,
};

const readPorts = (text: string) => {
  const known = SERVICES[text];
  return known === undefined ? readRange(text) : { first: known, last: known };
};

// include/uapi/linux/netfilter/xt_tcpudp.h has the byte of the header as it is: FIN is the lowest bit.
const TCP_FLAGS: Readonly<Record<string, number>> = {
  FIN: 1,
  SYN: 2,
  RST: 4,
  PSH: 8,
  ACK: 16,
  URG: 32,
  ALL: 63,
  NONE: 0,
};

const readFlags = (text: string): number | null => {
  let bits = 0;
  for (const name of text.split(',')) {
    const bit = TCP_FLAGS[name];
    if (bit === undefined) return null;
    bits |= bit;
  }
  return bits;
};

/** `-m tcp`, `udp`, `sctp`, `udplite`, `dccp`; null when a value is not understood. */
export const ports: MatchReader = (options, module) => {
  const source = inverted(options, '--sport', readPorts);
  const destination = inverted(options, '--dport', readPorts);
  const option = inverted(options, '--tcp-option', (value) => readNumber(value, 255));
  const syn = find(options, '--syn');
  const written = find(options, '--tcp-flags');
  let flags: Inverted<{ readonly mask: number; readonly set: number }> | null = null;
  if (syn !== undefined) flags = { negate: syn.negate, value: { mask: 0x17, set: 2 } };
  else if (written !== undefined) {
    const [mask, set] = written.values.map(readFlags);
    if (mask == null || set == null) return null;
    flags = { negate: written.negate, value: { mask, set } };
  }
  if (source === undefined || destination === undefined || option === undefined) return null;
  return {
    kind: 'ports',
    module: module as 'tcp' | 'udp' | 'sctp' | 'udplite' | 'dccp',
    source,
    destination,
    flags,
    option,
  };
};

/** `-m multiport`; null when a value is not understood. */
export const multiport: MatchReader = (options) => {
  const [option, ...more] = options;
  if (option === undefined || more.length > 0) return null;
  const list = (option.values[0] ?? '').split(',').map(readPorts);
  if (!list.every((range) => range !== null)) return null;
  const side = option.name === '--sports' ? 'source' : option.name === '--dports' ? 'destination' : 'either';
  return { kind: 'multiport', side, negate: option.negate, ports: list };
};
