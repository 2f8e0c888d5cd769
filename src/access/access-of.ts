import { fail, ok, type Diagnostic, type Result } from '../diagnostic/diagnostic.ts';
import { formatAddress, type Address } from '../net/address.ts';
import type { AddressSet } from '../net/address-set.ts';
import type { ClusterNodePortPolicy, Declared, ExposureKind, NodePortPolicy, Policy } from '../policy/model.ts';
import { applies } from './applies.ts';
import { barePortsOf } from './bare-ports.ts';
import type { Applying } from './evaluate.ts';
import { failsafeGuard } from './failsafe-exposures.ts';
import { exposureId, groupExposures, nameOf, type ServiceExposure } from './exposures.ts';
import { selects } from './labels.ts';
import type { Access, AccessOptions, ExposureAccess, Selection } from './model.ts';
import { peerResolver } from './resolve-peers.ts';
import { selectionId, selectionOf } from './selection.ts';
import { labelsOfNode } from './this-node.ts';
import { warningsAbout } from './warnings.ts';

/**
 * What the declared policies come to on one node: for every exposure exactly who may reach it. Problems are missing
 * groups, `cluster:` peers about which nothing is known, and failsafe ports named without leave; then nothing at all is
 * returned.
 */
export const accessOf = (declared: Declared, options: AccessOptions): Result<Access> => {
  const policies = policiesOnNode(declared, options);
  const peers = peerResolver(declared, options.podCidrs);
  const { byId, warnings } = groupExposures(declared.services);
  const known = withKnownPorts(declared, options);
  const bare = barePortsOf(policies, declared.services, known);
  const passedOver = failsafeGuard(declared, known);
  const selections = new Map<string, Selection>();

  const chosenBefore: Chosen = { next: new Map(), selection: null };
  const select = (chosen: readonly Policy[]): string | null => {
    if (chosen.length === 0) return null;
    const place = placeOfChosen(chosenBefore, chosen);
    if (place.selection !== null) return place.selection;
    const applying = inOrder(chosen);
    const id = selectionId(applying);
    if (!selections.has(id)) selections.set(id, selectionOf(id, applying, declared, peers));
    place.selection = id;
    return id;
  };
  const ofServices = [...byId].map(([id, exposures]): ExposureAccess =>
    exposureOfService(
      id,
      exposures,
      select(
        policies.filter((policy) =>
          exposures.some((exposure) => applies(policy, exposure, declared) && passedOver.mayJudge(policy, exposure)),
        ),
      ),
    ),
  );
  const ofPorts = bare.ports
    .filter(({ protocol, ports }) => ports.first !== ports.last || !byId.has(exposureId(null, ports, protocol)))
    .map(({ protocol, ports, policies: chosen }): ExposureAccess => ({
      id: exposureId(null, ports, protocol),
      kind: kindOfPort(ports.first, ports.last),
      protocol,
      ports,
      address: null,
      service: null,
      selection: select(chosen),
    }));
  // Peers of policies that apply to nothing are read as well: their mistakes must not wait for a Service.
  for (const policy of policies) for (const peer of peersOf(policy)) peers.addressesOf(peer);

  const exposures = [...ofServices, ...ofPorts].sort(byPlace);
  const problems: readonly Diagnostic[] = [...bare.problems, ...passedOver.warnings, ...peers.problems];
  if (problems.some(({ severity }) => severity === 'error')) return fail(...problems);
  const groups = new Map<string, AddressSet>();
  for (const { untouchedGroups } of selections.values())
    for (const name of untouchedGroups) {
      const group = declared.groups.get(name);
      if (group !== undefined) groups.set(name, group.addresses);
    }
  const access: Access = { exposures, selections, groups, warnings: [] };
  const all = [...warnings, ...problems, ...warningsAbout(access, declared, policies, peers, options)];
  return ok({ ...access, warnings: all }, all);
};

/**
 * A tree of lists of policies: thousands of exposures under the same thousand policies are one selection, which is
 * worked out once.
 */
interface Chosen {
  readonly next: Map<Policy, Chosen>;
  selection: string | null;
}

const placeOfChosen = (root: Chosen, policies: readonly Policy[]): Chosen => {
  let at = root;
  for (const policy of policies) {
    const next: Chosen = at.next.get(policy) ?? { next: new Map(), selection: null };
    at.next.set(policy, next);
    at = next;
  }
  return at;
};

const peersOf = (policy: Policy) =>
  policy.kind === 'NodePortPolicy' ? policy.allow : policy.rules.flatMap(({ from }) => from);

const policiesOnNode = (declared: Declared, options: AccessOptions): readonly Policy[] => {
  const labels = labelsOfNode(declared, options);
  const annotated = declared.services.flatMap(({ annotationPolicy }) => annotationPolicy ?? []);
  return [...declared.policies, ...annotated].filter(
    (policy) => policy.kind === 'NodePortPolicy' || selects(policy.nodeSelector, labels),
  );
};

/** The kubelet's port from the Nodes and the API server's from the Service `default/kubernetes` are failsafes too. */
const withKnownPorts = (declared: Declared, options: AccessOptions): AccessOptions => {
  const kubelets = declared.nodes.flatMap(({ kubeletPort }) => kubeletPort ?? []);
  const api = declared.services
    .filter(({ namespace, name }) => namespace === 'default' && name === 'kubernetes')
    .flatMap(({ ports }) => ports.flatMap(({ targetPort }) => targetPort ?? []));
  const extra = [...new Set([...kubelets, ...api])].map((port) => ({
    protocol: 'tcp' as const,
    ports: { first: port, last: port },
  }));
  return { ...options, extraFailsafes: [...options.extraFailsafes, ...extra] };
};

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const inOrder = (policies: readonly Policy[]): Applying => {
  const tier = (name: 'Admin' | 'Baseline'): readonly ClusterNodePortPolicy[] =>
    policies
      .filter((policy) => policy.kind === 'ClusterNodePortPolicy')
      .filter((policy) => policy.tier === name)
      .sort((a, b) => a.priority - b.priority || byText(a.name, b.name));
  const nodePort: readonly NodePortPolicy[] = policies
    .filter((policy) => policy.kind === 'NodePortPolicy')
    .sort((a, b) => byText(nameOf(a), nameOf(b)));
  return { admin: tier('Admin'), nodePort, baseline: tier('Baseline') };
};

const exposureOfService = (
  id: string,
  exposures: readonly ServiceExposure[],
  selection: string | null,
): ExposureAccess => {
  const [first] = exposures;
  if (first === undefined) throw new Error(`no exposure behind ${id}`);
  const { kind, protocol, port, address } = first;
  return {
    id,
    kind,
    protocol,
    ports: { first: port, last: port },
    address,
    service: exposures
      .map(({ service, portName }) => `${nameOf(service)}${portName === null ? '' : `:${portName}`}`)
      .join(', '),
    selection,
  };
};

/** The API server's default --service-node-port-range. */
const kindOfPort = (first: number, last: number): ExposureKind =>
  first >= 30_000 && last <= 32_767 ? 'NodePort' : 'HostPort';

const addressText = (address: Address | null): string => (address === null ? '' : formatAddress(address));

const byPlace = (a: ExposureAccess, b: ExposureAccess): number =>
  byText(addressText(a.address), addressText(b.address)) ||
  a.ports.first - b.ports.first ||
  a.ports.last - b.ports.last ||
  byText(a.protocol, b.protocol);
