import {
  addressDifference,
  addressIntersection,
  addressUnion,
  everyone,
  isNobody,
  nobody,
  type AddressSet,
} from '../net/address-set.ts';
import type { Action, ClusterNodePortPolicy, NodePortPolicy, Policy } from '../policy/model.ts';
import { firstMatch, unionOf } from './many-sets.ts';
import type { Part } from './model.ts';
import type { PeerResolver } from './resolve-peers.ts';

/** The policies that apply to an exposure, in the order in which they are asked. */
export interface Applying {
  readonly admin: readonly ClusterNodePortPolicy[];
  readonly nodePort: readonly NodePortPolicy[];
  readonly baseline: readonly ClusterNodePortPolicy[];
}

/** How policies are named in reasons: `shop/web`, `ban`. */
export const policyName = (policy: Policy): string =>
  policy.kind === 'NodePortPolicy' ? `${policy.namespace}/${policy.name}` : policy.name;

/**
 * Who may come in, as parts that cover every source exactly once. The order of judgement is that of NetworkPolicy and
 * ClusterNetworkPolicy: Admin rules by priority, then NodePortPolicies, then Baseline rules by priority, else allowed.
 */
export const evaluate = ({ admin, nodePort, baseline }: Applying, peers: PeerResolver): readonly Part[] => {
  const parts: Part[] = [];
  const afterAdmin = judgeTier(admin, everyone, parts, peers);
  if (nodePort.length > 0) judgeNodePort(nodePort, afterAdmin, parts, peers);
  else
    add(parts, {
      sources: judgeTier(baseline, afterAdmin, parts, peers),
      verdict: 'allow',
      because: 'no policy decides',
    });
  return parts;
};

const add = (parts: Part[], part: Part): void => {
  if (!isNobody(part.sources)) parts.push(part);
};

const STRENGTH: readonly Action[] = ['Deny', 'Pass', 'Accept'];

/** Judges `undecided` by one tier and returns what is then still undecided (Pass or no match). */
const judgeTier = (
  policies: readonly ClusterNodePortPolicy[],
  undecided: AddressSet,
  parts: Part[],
  peers: PeerResolver,
): AddressSet => {
  let open = undecided;
  let passed = nobody;
  for (const tied of byPriority(policies)) {
    const claims = tied.flatMap((policy) => firstMatches(policy, peers));
    for (const strength of STRENGTH)
      for (const { action, sources, because, policy } of claims) {
        if (action !== strength) continue;
        const decided = addressIntersection(open, sources);
        if (isNobody(decided)) continue;
        open = addressDifference(open, decided);
        if (action === 'Pass') passed = addressUnion(passed, decided);
        else add(parts, { sources: decided, verdict: action === 'Accept' ? 'allow' : refusal(policy), because });
      }
  }
  return addressUnion(open, passed);
};

const refusal = ({ otherwise }: Policy): 'drop' | 'reject' => (otherwise === 'Reject' ? 'reject' : 'drop');

const byPriority = (policies: readonly ClusterNodePortPolicy[]): readonly (readonly ClusterNodePortPolicy[])[] => {
  const priorities = [...new Set(policies.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities.map((priority) => policies.filter((policy) => policy.priority === priority));
};

/** The sources that each rule of a policy is the first to match. */
const firstMatches = (policy: ClusterNodePortPolicy, peers: PeerResolver) => {
  const matched = policy.rules.map(({ from }) => unionOf(from.map(peers.addressesOf)));
  const { shares } = firstMatch(everyone, matched);
  return policy.rules.map(({ action }, index) => ({
    action,
    sources: shares[index] ?? nobody,
    policy,
    because: `${policyName(policy)}: rules[${index}]`,
  }));
};

/** Allowed by any of them, or refused; with a reject only where all say so. */
const judgeNodePort = (
  policies: readonly NodePortPolicy[],
  undecided: AddressSet,
  parts: Part[],
  peers: PeerResolver,
): void => {
  const claims = policies.flatMap((policy) =>
    policy.allow.map((peer, index) => ({
      sources: peers.addressesOf(peer),
      because: `${policyName(policy)}: allow[${index}]`,
    })),
  );
  const { shares, rest } = firstMatch(
    undecided,
    claims.map(({ sources }) => sources),
  );
  for (const [index, { because }] of claims.entries())
    add(parts, { sources: shares[index] ?? nobody, verdict: 'allow', because });
  add(parts, {
    sources: rest,
    verdict: policies.every(({ otherwise }) => otherwise === 'Reject') ? 'reject' : 'drop',
    because: policies.map((policy) => `${policyName(policy)}: otherwise`).join(', '),
  });
};

/** The sources with one of the verdicts. */
export const sourcesWith = (parts: readonly Part[], verdict: Part['verdict']): AddressSet =>
  unionOf(parts.filter((part) => part.verdict === verdict).map(({ sources }) => sources));
