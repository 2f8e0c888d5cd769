import type { Policy } from '../policy/model.ts';

/** How objects of a namespace are named: `shop/web`. */
export const nameOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `${namespace}/${name}`;

/** How policies are named in reasons: `shop/web`, `ban`. */
export const policyName = (policy: Policy): string => (policy.kind === 'NodePortPolicy' ? nameOf(policy) : policy.name);

/** What tells a policy from every other: `NodePortPolicy shop/web`, `ClusterNodePortPolicy ban`. */
export const policyIdentity = (policy: Policy): string => `${policy.kind} ${policyName(policy)}`;
