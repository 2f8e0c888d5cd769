import type { Family } from '../../net/family.ts';
import type { IptablesMatch } from '../../ruleset/iptables/match.ts';
import { readNumber } from './dump-values.ts';

/** Types and codes by the names of iptables (libxt_icmp.h in iptables); code null: any. */
const NAMES: Readonly<Record<Family, Readonly<Record<string, readonly [number, number | null]>>>> = {
  4: {
    'echo-reply': [0, null],
    pong: [0, null],
    'destination-unreachable': [3, null],
    'network-unreachable': [3, 0],
    'host-unreachable': [3, 1],
    'protocol-unreachable': [3, 2],
    'port-unreachable': [3, 3],
    'fragmentation-needed': [3, 4],
    'source-route-failed': [3, 5],
    'network-unknown': [3, 6],
    'host-unknown': [3, 7],
    'network-prohibited': [3, 9],
    'host-prohibited': [3, 10],
    'communication-prohibited': [3, 13],
    'source-quench': [4, null],
    redirect: [5, null],
    'echo-request': [8, null],
    ping: [8, null],
    'router-advertisement': [9, null],
    'router-solicitation': [10, null],
    'time-exceeded': [11, null],
    'ttl-exceeded': [11, null],
    'ttl-zero-during-transit': [11, 0],
    'ttl-zero-during-reassembly': [11, 1],
    'parameter-problem': [12, null],
    'timestamp-request': [13, null],
    'timestamp-reply': [14, null],
    'address-mask-request': [17, null],
    'address-mask-reply': [18, null],
  },
  6: {
    'destination-unreachable': [1, null],
    'no-route': [1, 0],
    'communication-prohibited': [1, 1],
    'beyond-scope': [1, 2],
    'address-unreachable': [1, 3],
    'port-unreachable': [1, 4],
    'packet-too-big': [2, null],
    'time-exceeded': [3, null],
    'ttl-exceeded': [3, null],
    'ttl-zero-during-transit': [3, 0],
    'ttl-zero-during-reassembly': [3, 1],
    'parameter-problem': [4, null],
    'bad-header': [4, 0],
    'unknown-header-type': [4, 1],
    'unknown-option': [4, 2],
    'echo-request': [128, null],
    ping: [128, null],
    'echo-reply': [129, null],
    pong: [129, null],
    'router-solicitation': [133, null],
    'router-advertisement': [134, null],
    'neighbour-solicitation': [135, null],
    'neighbor-solicitation': [135, null],
    'neighbour-advertisement': [136, null],
    'neighbor-advertisement': [136, null],
    redirect: [137, null],
  },
};

/** `--icmp-type 8`, `3/4`, `echo-request`, `any`; null when it is not known. */
export const readIcmp = (version: Family, negate: boolean, text: string): IptablesMatch | null => {
  // iptables writes 255 for any (libxt_icmp.h). With a code it is a type like others, which nobody sends.
  if (text === 'any' || text === '255') return { kind: 'icmp', version, negate, type: null, code: null };
  const named = NAMES[version][text];
  if (named !== undefined) return { kind: 'icmp', version, negate, type: named[0], code: named[1] };
  const slash = text.indexOf('/');
  const type = readNumber(slash === -1 ? text : text.slice(0, slash), 255);
  const code = slash === -1 ? null : readNumber(text.slice(slash + 1), 255);
  return type === null || (slash !== -1 && code === null) ? null : { kind: 'icmp', version, negate, type, code };
};
