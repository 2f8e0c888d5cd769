import { warning, type Diagnostic } from '../diagnostic/diagnostic.ts';
import { addressUnion } from '../net/address-set.ts';
import { formatPrefix } from '../net/prefix.ts';
import { prefixes } from '../net/prefix-set.ts';
import type { Declared, Policy } from '../policy/model.ts';
import { exposuresOf } from './exposures.ts';
import type { Access, AccessOptions } from './model.ts';
import { policyWarnings, unknownLabels } from './policy-warnings.ts';
import type { PeerResolver } from './resolve-peers.ts';
import { meet } from './selection.ts';

/** More stored ranges than this cost noticeable kernel memory (about 100 bytes each) and loading time. */
const MANY_ELEMENTS = 1_000_000;

/** Things that are allowed and probably not meant. */
export const warningsAbout = (
  access: Access,
  declared: Declared,
  policies: readonly Policy[],
  peers: PeerResolver,
  options: AccessOptions,
): readonly Diagnostic[] => [
  ...policies.flatMap((policy) => policyWarnings(policy, declared, peers, options)),
  ...unknownLabels(declared, options),
  ...closedLoadBalancers(access, declared),
  ...unknownHealthChecks(access, declared),
  ...tooMany(access),
];

const closedLoadBalancers = (access: Access, declared: Declared): readonly Diagnostic[] => {
  const nodes = addressUnion(...declared.nodes.map(({ addresses }) => addresses));
  return declared.services
    .filter(({ type }) => type === 'LoadBalancer')
    .flatMap((service) =>
      exposuresOf(service)
        .filter(({ kind }) => kind === 'NodePort')
        .flatMap(({ port, protocol }) => {
          const exposure = access.exposures.find(({ id }) => id === `${port}/${protocol}`);
          const selection = access.selections.get(exposure?.selection ?? '');
          if (selection === undefined || meet(selection.allowed, nodes)) return [];
          const sources = [...prefixes(selection.allowed.v4)].slice(0, 3).map(formatPrefix).join(', ');
          return [
            warning(
              'load-balancer-closed',
              `${port}/${protocol} is a node port of the load balancer of ${service.namespace}/${service.name}, and no Node may reach it`,
              undefined,
              `Let the load balancer's own addresses in, or its pool goes down (now: ${sources === '' ? 'nobody' : sources})`,
            ),
          ];
        }),
    );
};

const unknownHealthChecks = (access: Access, declared: Declared): readonly Diagnostic[] =>
  declared.services.length === 0 &&
  access.exposures.some(({ ports, selection }) => ports.first !== ports.last && selection !== null)
    ? [
        warning(
          'health-checks-unknown',
          'no Services are known, so a range may close the health check port of a load balancer',
          undefined,
          'Give the Service manifests beside the policies: their healthCheckNodePorts then stay open',
        ),
      ]
    : [];

/** How many ranges the kernel will hold for an access. */
export const storedRanges = (access: Access): number => {
  const sets = [
    ...access.groups.values(),
    ...[...access.selections.values()].flatMap(({ own, wouldRefuse }) => [own, wouldRefuse]),
  ];
  return sets.reduce((sum, { v4, v6 }) => sum + v4.size + v6.size, 0);
};

const tooMany = (access: Access): readonly Diagnostic[] => {
  const elements = storedRanges(access);
  return elements > MANY_ELEMENTS
    ? [
        warning(
          'many-elements',
          `the kernel will hold ${elements} address ranges`,
          undefined,
          'Use fewer or larger prefixes, or AddressGroups shared by policies',
        ),
      ]
    : [];
};
