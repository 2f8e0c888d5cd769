import type { IpvsTest, WrittenOption } from '../../../ruleset/iptables/match.ts';
import { readAddressMask, readNumber, readProtocol } from '../../values/dump-values.ts';
import { readDirection } from './conntrack.ts';
import { all, type MatchReader } from './written.ts';

const ipvsTest = ({ name, negate, values: [value = ''] }: WrittenOption): IpvsTest | null => {
  switch (name) {
    case '--ipvs':
      return { kind: 'ipvs', negate };
    case '--vproto': {
      const protocol = readProtocol(value);
      return protocol === null ? null : { kind: 'protocol', negate, protocol };
    }
    case '--vaddr': {
      const address = readAddressMask(value);
      return address === null ? null : { kind: 'address', negate, address };
    }
    case '--vport':
    case '--vportctl': {
      const port = readNumber(value, 65_535);
      return port === null ? null : { kind: name === '--vport' ? 'port' : 'control-port', negate, port };
    }
    case '--vdir': {
      const direction = readDirection(value);
      return direction === null ? null : { kind: 'direction', negate, direction };
    }
    case '--vmethod':
      return { kind: 'method', negate, method: value };
    default:
      return null;
  }
};

/** `-m ipvs`; null when one of its options is not understood. */
export const ipvs: MatchReader = (options) => {
  const tests = all(options.map(ipvsTest));
  return tests === null ? null : { kind: 'ipvs', tests };
};
