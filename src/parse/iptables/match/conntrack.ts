import type { ConnectionState, ConntrackTest, WrittenOption } from '../../../ruleset/iptables/match.ts';
import { readAddressMask, readProtocol, readRange } from '../../values/dump-values.ts';
import { all, type MatchReader } from './written.ts';

const STATES: ReadonlySet<string> = new Set<ConnectionState>([
  'INVALID',
  'NEW',
  'ESTABLISHED',
  'RELATED',
  'UNTRACKED',
  'SNAT',
  'DNAT',
]);

const STATUSES: ReadonlySet<string> = new Set(['NONE', 'EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED']);

const readStates = (text: string): readonly ConnectionState[] | null => {
  const list = text.split(',');
  return list.every((name) => STATES.has(name)) ? (list as ConnectionState[]) : null;
};

const TUPLE = {
  '--ctorigsrc': 'original-source',
  '--ctorigdst': 'original-destination',
  '--ctreplsrc': 'reply-source',
  '--ctrepldst': 'reply-destination',
} as const;

/** `ORIGINAL` or `REPLY`, or null. */
export const readDirection = (text: string): 'ORIGINAL' | 'REPLY' | null =>
  text === 'ORIGINAL' || text === 'REPLY' ? text : null;

const conntrackTest = ({ name, negate, values: [value = ''] }: WrittenOption): ConntrackTest | null => {
  switch (name) {
    case '--ctstate': {
      const states = readStates(value);
      return states === null ? null : { kind: 'state', negate, states };
    }
    case '--ctstatus': {
      const statuses = value.split(',');
      return statuses.every((status) => STATUSES.has(status)) ? { kind: 'status', negate, statuses } : null;
    }
    case '--ctproto': {
      const protocol = readProtocol(value);
      return protocol === null ? null : { kind: 'protocol', negate, protocol };
    }
    case '--ctorigsrc':
    case '--ctorigdst':
    case '--ctreplsrc':
    case '--ctrepldst': {
      const address = readAddressMask(value);
      return address === null ? null : { kind: 'address', of: TUPLE[name], negate, address };
    }
    case '--ctorigsrcport':
    case '--ctorigdstport':
    case '--ctreplsrcport':
    case '--ctrepldstport': {
      const range = readRange(value);
      const of = TUPLE[name.slice(0, -4) as keyof typeof TUPLE];
      return range === null ? null : { kind: 'port', of, negate, ports: range };
    }
    case '--ctexpire': {
      const seconds = readRange(value, 0xffff_ffff);
      return seconds === null ? null : { kind: 'expire', negate, seconds };
    }
    case '--ctdir': {
      const direction = readDirection(value);
      return direction === null ? null : { kind: 'direction', negate, direction };
    }
    default:
      return null;
  }
};

/** `-m conntrack`; null when one of its options is not understood. */
export const conntrack: MatchReader = (options) => {
  const tests = all(options.map(conntrackTest));
  return tests === null ? null : { kind: 'conntrack', tests };
};

/** `-m state`; null when it is not understood. */
export const state: MatchReader = (options) => {
  const [option] = options;
  const states = option === undefined ? null : readStates(option.values[0] ?? '');
  return option === undefined || states === null ? null : { kind: 'state', negate: option.negate, states };
};
