import type { Access, ExposureAccess, Selection } from '../src/access/model.ts';
import { addressSet, nobody, type AddressSet } from '../src/net/address-set.ts';
import { networkOf, type Prefix } from '../src/net/prefix.ts';

/** Prefixes that look random and are the same in every run: /24 and /32 in turn, all over IPv4 below `below`. */
export const randomPrefixes = (count: number, below = 0xc600_0000): readonly Prefix[] => {
  let state = 1;
  return Array.from({ length: count }, (_, index) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return networkOf({ family: 4, value: BigInt(state % below) }, index % 2 === 0 ? 24 : 32);
  });
};

/** An access of `ports` exact TCP ports from 30000 on, all guarded by one selection that lets `allowed` in. */
export const accessOfPorts = (ports: number, allowed: AddressSet): Access => {
  const selection: Selection = {
    id: 'bench',
    policies: ['ClusterNodePortPolicy bench'],
    allowed,
    rejected: nobody,
    wouldRefuse: nobody,
    wouldAdmit: nobody,
    untouchedGroups: [],
    own: allowed,
    parts: [],
    wouldParts: [],
  };
  const exposures = Array.from({ length: ports }, (_, index): ExposureAccess => {
    const port = 30_000 + index;
    return {
      id: `${port}/tcp`,
      kind: 'NodePort',
      protocol: 'tcp',
      ports: { first: port, last: port },
      address: null,
      service: `bench/service-${index}:http`,
      selection: 'bench',
    };
  });
  return { exposures, selections: new Map([['bench', selection]]), groups: new Map(), warnings: [] };
};

export const TEN_THOUSAND: AddressSet = addressSet(randomPrefixes(10_000));
