import { warning, type Diagnostic } from '../diagnostic/diagnostic.ts';
import { addressUnion, isNobody, ofFamily } from '../net/address-set.ts';
import type { ClusterNodePortPolicy, Declared, Policy } from '../policy/model.ts';
import { meansServicePort, selectsService } from './applies.ts';
import { unmatchedPorts } from './bare-ports.ts';
import { policyName } from './evaluate.ts';
import { exposuresOf } from './exposures.ts';
import { selects } from './labels.ts';
import type { AccessOptions } from './model.ts';
import type { PeerResolver } from './resolve-peers.ts';
import { meet } from './selection.ts';
import { labelsOfNode } from './this-node.ts';
import { atOrigin } from '../policy/origin.ts';

/** Things in one policy that are allowed and probably not meant. */
export const policyWarnings = (
  policy: Policy,
  declared: Declared,
  peers: PeerResolver,
  options: AccessOptions,
): readonly Diagnostic[] => [
  ...oneFamily(policy, peers),
  ...selectsNothing(policy, declared, options),
  ...admitsNodes(policy, declared, peers),
];

const about = (policy: Policy, code: string, message: string, hint: string): Diagnostic =>
  atOrigin(warning(code, message, undefined, hint), policy.origin);

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

/**
 * The rules of a cluster policy name what they decide: sources of a family that no rule names go on to the next policy.
 */
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
export const unknownLabels = (declared: Declared, options: AccessOptions): readonly Diagnostic[] =>
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
