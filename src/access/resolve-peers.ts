import { error, type Diagnostic } from '../diagnostic/diagnostic.ts';
import {
  addressDifference,
  addressSet,
  addressUnion,
  everyone,
  isNobody,
  nobody,
  type AddressSet,
} from '../net/address-set.ts';
import type { Declared, Peer } from '../policy/model.ts';
import { atOrigin } from '../policy/origin.ts';

/** What peers mean on this cluster, and what is missing to know it. */
export interface PeerResolver {
  readonly addressesOf: (peer: Peer) => AddressSet;
  /** Problems met so far: missing groups, unknown Nodes or Pods. */
  readonly problems: readonly Diagnostic[];
}

/**
 * Resolves each peer once. A missing AddressGroup, or `cluster:` where nothing is known about it, is a problem and
 * stands for nobody.
 */
export const peerResolver = (declared: Declared, podCidrs: AddressSet): PeerResolver => {
  const problems: Diagnostic[] = [];
  const known = new WeakMap<Peer, AddressSet>();
  const nodes = addressUnion(...declared.nodes.map(({ addresses }) => addresses));
  const pods = addressUnion(podCidrs, ...declared.nodes.map(({ podCIDRs }) => podCIDRs));

  const problem = (peer: Peer, code: string, message: string, hint: string): AddressSet => {
    problems.push(atOrigin(error(code, message, undefined, hint), peer.origin));
    return nobody;
  };
  const whole = (peer: Peer): AddressSet => {
    switch (peer.kind) {
      case 'cidr':
        return addressSet([peer.prefix]);
      case 'everyone':
        return everyone;
      case 'group': {
        const group = declared.groups.get(peer.name);
        if (group !== undefined) return group.addresses;
        const names = [...declared.groups.keys()];
        return problem(
          peer,
          'group-missing',
          `there is no AddressGroup ${peer.name}`,
          names.length === 0 ? 'No AddressGroup is given' : `There are: ${names.slice(0, 10).join(', ')}`,
        );
      }
      case 'cluster':
        if (peer.which === 'Nodes')
          return isNobody(nodes)
            ? problem(
                peer,
                'nodes-unknown',
                'the addresses of the Nodes are not known',
                'Give the Node manifests beside the policies (kubectl get nodes -o yaml)',
              )
            : nodes;
        return isNobody(pods)
          ? problem(
              peer,
              'pods-unknown',
              'the addresses of the Pods are not known',
              'Give Node manifests with podCIDRs, or --pod-cidr',
            )
          : pods;
    }
  };
  return {
    problems,
    addressesOf: (peer) => {
      const before = known.get(peer);
      if (before !== undefined) return before;
      const all = whole(peer);
      const addresses = peer.except.length === 0 ? all : addressDifference(all, addressSet(peer.except));
      known.set(peer, addresses);
      return addresses;
    },
  };
};
