import { warning, type Diagnostic } from '../diagnostic/diagnostic.ts';
import { addressUnion, isNobody, ofFamily } from '../net/address-set.ts';
import { formatPrefix } from '../net/prefix.ts';
import { prefixes } from '../net/prefix-set.ts';
import type { ClusterNodePortPolicy, Declared, Policy } from '../policy/model.ts';
import { meansServicePort, selectsService } from './applies.ts';
import { unmatchedPorts } from './bare-ports.ts';
import { policyName } from './evaluate.ts';
import { exposuresOf } from './exposures.ts';
import { selects } from './labels.ts';
import type { Access, AccessOptions } from './model.ts';
import { labelsOfNode } from './this-node.ts';
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
  ...policies.flatMap((policy) => [
    ...oneFamily(policy, peers),
    ...selectsNothing(policy, declared, options),
    ...admitsNodes(policy, declared, peers),
  ]),
  ...unknownLabels(declared, options),
  ...closedLoadBalancers(access, declared),
  ...unknownHealthChecks(access, declared),
  ...tooMany(access),
];

const about = (policy: Policy, code: string, message: string, hint: string): Diagnostic => ({
  ...warning(code, message, policy.origin.span, hint),
  source: policy.origin.source,
});

/** A NodePortPolicy that names sources of one family refuses the other altogether. */
const oneFamily = (policy: Policy, peers: PeerResolver): readonly Diagnostic[] => {
  if (policy.kind === 'ClusterNodePortPolicy') return oneFamilyRules(policy, peers);
  const allowed = addressUnion(...policy.allow.map(peers.addressesOf));
  if (isNobody(allowed)) return [];
  const missing = ([4, 6] as const).find((family) => ofFamily(allowed, family).size === 0);
  return missing === undefined
    ? []
    : [
        about(
          policy,
          'one-family',
          `${policyName(policy)} allows no IPv${missing} source and so refuses all IPv${missing}`,
          `Add IPv${missing} sources if clients use it`,
        ),
      ];
};

/** The rules of a cluster policy name what they decide: sources of a family that no rule names go on to the next policy. */
const oneFamilyRules = (policy: ClusterNodePortPolicy, peers: PeerResolver): readonly Diagnostic[] => {
  const named = addressUnion(...policy.rules.flatMap(({ from }) => from.map(peers.addressesOf)));
  if (isNobody(named)) return [];
  const missing = ([4, 6] as const).find((family) => ofFamily(named, family).size === 0);
  return missing === undefined
    ? []
    : [
        about(
          policy,
          'one-family',
          `the rules of ${policyName(policy)} decide nothing about IPv${missing}`,
          `Name IPv${missing} sources too, or everyone, if IPv${missing} clients are meant`,
        ),
      ];
};

const selectsNothing = (policy: Policy, declared: Declared, { standalone }: AccessOptions): readonly Diagnostic[] => {
  if (policy.kind !== 'NodePortPolicy') return [];
  const services = declared.services.filter((service) => selectsService(policy, service));
  const exposures = services.flatMap(exposuresOf);
  const unmatched = (policy.ports ?? []).filter(
    (item) => !exposures.some((exposure) => meansServicePort(item, exposure)) && !(standalone && item.kind === 'ports'),
  );
  if (services.length === 0 && policy.ports === null)
    return [
      about(
        policy,
        'selects-nothing',
        `${policyName(policy)} selects no Service`,
        'Give the Service manifests beside the policies, or name ports with --standalone',
      ),
    ];
  return unmatched.map((item) => unmatchedPorts(policy, item));
};

/** Whoever reaches another node's port with masquerading arrives with that node's address. */
const admitsNodes = (policy: Policy, declared: Declared, peers: PeerResolver): readonly Diagnostic[] => {
  const nodes = addressUnion(...declared.nodes.map(({ addresses }) => addresses));
  const list =
    policy.kind === 'NodePortPolicy'
      ? policy.allow
      : policy.rules.filter(({ action }) => action === 'Accept').flatMap(({ from }) => from);
  const admitted = list.filter((peer) => peer.kind !== 'everyone' && meet(peers.addressesOf(peer), nodes));
  return admitted.length === 0
    ? []
    : [
        about(
          policy,
          'admits-nodes',
          `${policyName(policy)} admits Node addresses`,
          'Clients that another node masquerades come in with its address',
        ),
      ];
};

/** A policy for certain nodes exists nowhere when nothing is known about this one. */
const unknownLabels = (declared: Declared, options: AccessOptions): readonly Diagnostic[] =>
  Object.keys(labelsOfNode(declared, options)).length > 0
    ? []
    : declared.policies
        .filter((policy) => policy.kind === 'ClusterNodePortPolicy')
        .filter(({ nodeSelector }) => !selects(nodeSelector, {}))
        .map((policy) =>
          about(
            policy,
            'node-labels-unknown',
            `${policyName(policy)} is for certain nodes, and the labels of this one are not known: it does not apply here`,
            'Give the Node manifest beside the policies, with the name of this node',
          ),
        );

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
