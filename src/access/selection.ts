import {
  addressDifference,
  addressIntersection,
  addressUnion,
  isNobody,
  isSubsetOf,
  nobody,
  type AddressSet,
} from '../net/address-set.ts';
import type { Declared, Peer, Policy } from '../policy/model.ts';
import { evaluate, policyName, sourcesWith, type Applying } from './evaluate.ts';
import type { Selection } from './model.ts';
import type { PeerResolver } from './resolve-peers.ts';

/** From this many ranges on, a group that enters a selection untouched is held once for all selections. */
const LARGE_GROUP = 256;

/** The policies of a selection in the order of judgement. */
export const policiesOf = ({ admin, nodePort, baseline }: Applying): readonly Policy[] => [
  ...admin,
  ...nodePort,
  ...baseline,
];

const identity = (policy: Policy): string => `${policy.kind} ${policyName(policy)}`;

/** FNV-1a over 64 bits, as 16 hexadecimal digits: names must not collide, nobody is kept out by it. */
const hash = (text: string): string => {
  let value = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text))
    value = BigInt.asUintN(64, (value ^ BigInt(byte)) * 0x100000001b3n);
  return value.toString(16).padStart(16, '0');
};

/** `shop-web-1a2b3c4d…`: the first policies' names to read, the identities of all to be unique; never their content. */
export const selectionId = (applying: Applying): string => {
  const policies = policiesOf(applying);
  const readable = policies
    .map((policy) =>
      policyName(policy)
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-'),
    )
    .join('-')
    .slice(0, 40)
    .replace(/-+$/, '');
  return `${readable}-${hash(policies.map(identity).join('\n')).slice(0, 12)}`;
};

const only = ({ admin, nodePort, baseline }: Applying, keep: (policy: Policy) => boolean): Applying => ({
  admin: admin.filter(keep),
  nodePort: nodePort.filter(keep),
  baseline: baseline.filter(keep),
});

/** The peers whose addresses a policy lets in. */
const admittedPeers = (policy: Policy): readonly Peer[] =>
  policy.kind === 'NodePortPolicy'
    ? policy.allow
    : policy.rules.filter(({ action }) => action === 'Accept').flatMap(({ from }) => from);

const untouchedGroups = (applying: Applying, declared: Declared, allowed: AddressSet): readonly string[] => {
  const names = policiesOf(applying)
    .flatMap(admittedPeers)
    .flatMap((peer) => (peer.kind === 'group' && peer.except.length === 0 ? [peer.name] : []));
  return [...new Set(names)].sort().filter((name) => {
    const addresses = declared.groups.get(name)?.addresses;
    return (
      addresses !== undefined && addresses.v4.size + addresses.v6.size >= LARGE_GROUP && isSubsetOf(addresses, allowed)
    );
  });
};

/**
 * What the policies that apply to an exposure come to: twice, by the Enforce policies alone and with the Audit
 * policies.
 */
export const selectionOf = (id: string, applying: Applying, declared: Declared, peers: PeerResolver): Selection => {
  const enforcing = only(applying, ({ mode }) => mode === 'Enforce');
  const audited = policiesOf(applying).some(({ mode }) => mode === 'Audit');
  const parts = evaluate(enforcing, peers);
  const wouldParts = audited ? evaluate(applying, peers) : parts;
  const allowed = sourcesWith(parts, 'allow');
  const wouldBe = audited ? sourcesWith(wouldParts, 'allow') : allowed;
  const groups = untouchedGroups(enforcing, declared, allowed);
  const shared = addressUnion(...groups.map((name) => declared.groups.get(name)?.addresses ?? nobody));
  return {
    id,
    policies: policiesOf(applying).map(identity),
    allowed,
    rejected: sourcesWith(parts, 'reject'),
    wouldRefuse: audited ? addressDifference(allowed, wouldBe) : nobody,
    wouldAdmit: audited ? addressDifference(wouldBe, allowed) : nobody,
    untouchedGroups: groups,
    own: isNobody(shared) ? allowed : addressDifference(allowed, shared),
    parts,
    wouldParts,
  };
};

/** Whether two sets share an address. */
export const meet = (a: AddressSet, b: AddressSet): boolean => !isNobody(addressIntersection(a, b));
