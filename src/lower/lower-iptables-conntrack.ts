import { single, symbol } from '../ruleset/values/data-type.ts';
import type { Field } from './field.ts';
import type { ConnectionState, ConntrackTest } from '../ruleset/iptables/match.ts';
import { addressTest, ofRange, test, type MatchOf } from './lower-iptables-values.ts';
import type { Step } from './step.ts';

/**
 * SNAT and DNAT are states of `-m conntrack` beside the others: the packet's connection has that mapping
 * (net/netfilter/xt_conntrack.c, conntrack_mt).
 */
export const lowerStates = (negate: boolean, states: readonly ConnectionState[]): Step => {
  const mappings: readonly ConnectionState[] = states.filter((state) => state === 'SNAT' || state === 'DNAT');
  const plain = states.filter((state) => !mappings.includes(state)).map((state) => symbol(state.toLowerCase()));
  if (mappings.length === 0) return test('ct-state', negate, ...plain);
  const mapped = test('ct-status', false, ...mappings.map((state) => symbol(state.toLowerCase())));
  return { kind: 'any', of: [[test('ct-state', false, ...plain)], [mapped]], negate };
};

const TUPLE_ADDRESS = {
  'original-source': 'ct-original-source',
  'original-destination': 'ct-original-destination',
  'reply-source': 'ct-reply-source',
  'reply-destination': 'ct-reply-destination',
} as const satisfies Record<string, Field>;

const TUPLE_PORT = {
  'original-source': 'ct-original-source-port',
  'original-destination': 'ct-original-destination-port',
  'reply-source': 'ct-reply-source-port',
  'reply-destination': 'ct-reply-destination-port',
} as const satisfies Record<string, Field>;

const lowerConntrackTest = (one: ConntrackTest): Step => {
  switch (one.kind) {
    case 'state':
      return lowerStates(one.negate, one.states);
    case 'status':
      // NONE is no bit at all.
      return test(
        'ct-status',
        one.negate,
        ...one.statuses.filter((status) => status !== 'NONE').map((status) => symbol(statusName(status))),
      );
    case 'protocol':
      return test('ct-protocol', one.negate, single(one.protocol));
    case 'address':
      return addressTest(TUPLE_ADDRESS[one.of], one.negate, one.address);
    case 'port':
      return test(TUPLE_PORT[one.of], one.negate, ofRange(one.ports));
    case 'expire':
      return test('ct-expiration', one.negate, ofRange(one.seconds));
    case 'direction':
      return test('direction', one.negate, symbol(one.direction.toLowerCase()));
  }
};

const statusName = (status: string): string => status.toLowerCase().replace('_', '-');

/**
 * A packet without a connection matches on its state alone: the other tests are skipped (xt_conntrack.c: `if (ct ==
 * NULL) return info->match_flags & XT_CONNTRACK_STATE`).
 */
export const lowerConntrack = ({ tests }: MatchOf<'conntrack'>): readonly Step[] => {
  const withState = tests.some(({ kind }) => kind === 'state');
  if (!withState || tests.length === 1) return tests.map(lowerConntrackTest);
  const none = test('ct-state', false, symbol('untracked'), symbol('invalid'));
  return tests.map((one): Step => {
    const step = lowerConntrackTest(one);
    return one.kind === 'state' ? step : { kind: 'any', of: [[step], [none]], negate: false };
  });
};
