import { addressUnion, everyone, isNobody, nobody, type AddressSet } from '../net/address-set.ts';
import type { Action, ClusterNodePortPolicy, NodePortPolicy } from '../policy/model.ts';
import { firstMatch, unionOf } from './many-sets.ts';
import type { Part } from './model.ts';
import { policyName } from './policy-name.ts';
import type { PeerResolver } from './resolve-peers.ts';

/** The policies that apply to an exposure, in the order in which they are asked. */
export interface Applying {
  readonly admin: readonly ClusterNodePortPolicy[];
  readonly nodePort: readonly NodePortPolicy[];
  readonly baseline: readonly ClusterNodePortPolicy[];
}

/** What the policies that apply come to: parts that cover every source address exactly once, in the order of judgement. */
export type Evaluate = (applying: Applying) => readonly Part[];

/** Addresses that one entry of a policy is the first of its policy to match. */
interface Claim {
  readonly sources: AddressSet;
  readonly action: Action;
  readonly verdict: Part['verdict'];
  readonly because: string;
}

/**
 * The order of judgement is that of NetworkPolicy and ClusterNetworkPolicy (KEP-2091): Admin rules by priority, then
 * NodePortPolicies, then Baseline rules by priority, else allowed. What a policy or an Admin tier comes to is worked out
 * once, however many exposures share it.
 */
export const evaluator = (peers: PeerResolver): Evaluate => {
  const claimsOf = once((policy: ClusterNodePortPolicy) => claimsOfRules(policy, peers));
  const allowsOf = once((policy: NodePortPolicy) => claimsOfAllow(policy, peers));
  const tiers = new Map<string, Judged>();
  const judgeAdmin = (policies: readonly ClusterNodePortPolicy[]): Judged => {
    const key = policies.map(({ name, mode }) => `${name} ${mode}`).join('\n');
    const judged = tiers.get(key) ?? judgeTier(policies, everyone, claimsOf);
    tiers.set(key, judged);
    return judged;
  };
  return ({ admin, nodePort, baseline }) => {
    const first = judgeAdmin(admin);
    if (nodePort.length > 0) return [...first.parts, ...judgeNodePort(nodePort, first.undecided, allowsOf)];
    const last = judgeTier(baseline, first.undecided, claimsOf);
    return [...first.parts, ...last.parts, ...partOf(last.undecided, 'allow', 'no policy')];
  };
};

const once = <K extends object, V>(make: (key: K) => V): ((key: K) => V) => {
  const made = new WeakMap<K, { readonly value: V }>();
  return (key) => {
    const found = made.get(key) ?? { value: make(key) };
    made.set(key, found);
    return found.value;
  };
};

const partOf = (sources: AddressSet, verdict: Part['verdict'], because: string): readonly Part[] =>
  isNobody(sources) ? [] : [{ sources, verdict, because }];

const claimsOfRules = (policy: ClusterNodePortPolicy, peers: PeerResolver): readonly Claim[] => {
  const matched = policy.rules.map(({ from }) => unionOf(from.map(peers.addressesOf)));
  const { shares } = firstMatch(everyone, matched);
  const refusal = policy.otherwise === 'Reject' ? 'reject' : 'drop';
  return policy.rules.map(({ action }, index) => ({
    sources: shares[index] ?? nobody,
    action,
    verdict: action === 'Deny' ? refusal : 'allow',
    because: `${policyName(policy)}: rules[${index}]`,
  }));
};

const claimsOfAllow = (policy: NodePortPolicy, peers: PeerResolver): readonly Claim[] => {
  const { shares } = firstMatch(everyone, policy.allow.map(peers.addressesOf));
  return shares.map((sources, index) => ({
    sources,
    action: 'Accept',
    verdict: 'allow',
    because: `${policyName(policy)}: allow[${index}]`,
  }));
};

interface Judged {
  readonly parts: readonly Part[];
  /** Passed on, or matched by no rule. */
  readonly undecided: AddressSet;
}

/** Among policies of one priority each address meets the first match of each; then the strongest action decides. */
const STRENGTH: Readonly<Record<Action, number>> = { Deny: 0, Pass: 1, Accept: 2 };

const judgeTier = (
  policies: readonly ClusterNodePortPolicy[],
  open: AddressSet,
  claimsOf: (policy: ClusterNodePortPolicy) => readonly Claim[],
): Judged => {
  const priorities = [...new Set(policies.map(({ priority }) => priority))].sort((a, b) => a - b);
  const claims = priorities.flatMap((priority) =>
    policies
      .filter((policy) => policy.priority === priority)
      .flatMap(claimsOf)
      .sort((a, b) => STRENGTH[a.action] - STRENGTH[b.action]),
  );
  const { shares, rest } = firstMatch(
    open,
    claims.map(({ sources }) => sources),
  );
  const decided = claims.map((claim, index) => ({ ...claim, sources: shares[index] ?? nobody }));
  const passed = decided.filter(({ action }) => action === 'Pass').map(({ sources }) => sources);
  return {
    parts: decided
      .filter(({ action }) => action !== 'Pass')
      .flatMap(({ sources, verdict, because }) => partOf(sources, verdict, because)),
    undecided: addressUnion(rest, unionOf(passed)),
  };
};

/** Allowed by any of them, or refused; with a reject only where all say so. */
const judgeNodePort = (
  policies: readonly NodePortPolicy[],
  open: AddressSet,
  allowsOf: (policy: NodePortPolicy) => readonly Claim[],
): readonly Part[] => {
  const claims = policies.flatMap(allowsOf);
  const { shares, rest } = firstMatch(
    open,
    claims.map(({ sources }) => sources),
  );
  return [
    ...claims.flatMap(({ verdict, because }, index) => partOf(shares[index] ?? nobody, verdict, because)),
    ...partOf(
      rest,
      policies.every(({ otherwise }) => otherwise === 'Reject') ? 'reject' : 'drop',
      policies.map((policy) => `${policyName(policy)}: otherwise`).join(', '),
    ),
  ];
};
