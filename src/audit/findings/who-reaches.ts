import { formatAddress } from '../../net/address.ts';
import { count, difference, isEmpty, union, emptySet, type PrefixSet } from '../../net/prefix-set.ts';
import { refOf } from '../../simulate/state/place.ts';
import type { Audited } from '../reach/audit.ts';
import { nodeAddresses } from '../reach/entries.ts';
import type { Finding, Findings } from './finding.ts';
import { reachOf } from '../reach/reach.ts';

/** Sources that a rule refuses; what routing refuses (martians) is nobody's decision. */
const refusedByRule = ({ parts, exposure }: Audited): PrefixSet =>
  parts
    .filter(({ reached, decidedBy }) => reached !== 'yes' && decidedBy.kind === 'rule')
    .reduce((sum, { sources }) => union(sum, sources), emptySet(exposure.family));

const isOpen = (audited: Audited): boolean => !isEmpty(audited.must) && isEmpty(refusedByRule(audited));

const named = ({ exposure }: Audited): string =>
  `${exposure.id}${exposure.service === null ? '' : ` (${exposure.service})`}`;

const fromOutside = ({ entry }: Audited): boolean => entry.kind === 'interface';

const group = (list: readonly Audited[]): string => {
  const names = [...new Set(list.map(named))];
  return names.length > 4 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', ');
};

const ids = (list: readonly Audited[]): readonly string[] => [...new Set(list.map(({ exposure }) => exposure.id))];

/** Ports that every routable source reaches. */
export const openToInternet = ({ audited }: Findings): readonly Finding[] => {
  const open = audited.filter((one) => fromOutside(one) && isOpen(one) && one.exposure.kind !== 'HealthCheck');
  return open.length === 0
    ? []
    : [
        {
          id: 'open-to-internet',
          severity: 'medium',
          ref: null,
          exposures: ids(open),
          reason: `${ids(open).length === 1 ? 'this port is' : `${ids(open).length} ports are`} open to every source address: ${group(open)}`,
          cure: 'portcullis restrict PORT --from CIDR for those that are not for everybody',
        },
      ];
};

/** Restricted for IPv4 and forgotten for IPv6. */
export const ipv6Open = ({ audited }: Findings): readonly Finding[] =>
  audited.flatMap((v4): Finding[] => {
    if (v4.exposure.family !== 4 || !fromOutside(v4) || isEmpty(refusedByRule(v4))) return [];
    const v6 = audited.find(
      (one) =>
        one.exposure.family === 6 &&
        one.exposure.port === v4.exposure.port &&
        one.exposure.protocol === v4.exposure.protocol &&
        one.exposure.kind === v4.exposure.kind &&
        // Addresses of load balancers differ between the families: the Service tells that they are the same.
        (v4.exposure.address === null ||
          (v4.exposure.service !== null && one.exposure.service === v4.exposure.service)) &&
        fromOutside(one) &&
        isOpen(one),
    );
    return v6 === undefined
      ? []
      : [
          {
            id: 'ipv6-open',
            severity: 'high',
            ref: null,
            exposures: [v4.exposure.id],
            reason: `${named(v4)} is restricted for IPv4 and open to every IPv6 source`,
            cure: 'give the same restriction for IPv6; portcullis policies are for both families',
          },
        ];
  });

/** Node ports that kube-proxy's rules have and no Service. */
export const withoutService = ({ audited, servicePorts }: Findings): readonly Finding[] => {
  if (servicePorts === null) return [];
  const strange = audited.filter(
    ({ exposure }) => exposure.kind === 'NodePort' && !servicePorts.has(`${exposure.port}/${exposure.protocol}`),
  );
  return strange.length === 0
    ? []
    : [
        {
          id: 'node-port-without-service',
          severity: 'medium',
          ref: null,
          exposures: ids(strange),
          reason: `no Service has ${group(strange)}: the rules are old, or the manifests are not all`,
          cure: 'look whether kube-proxy still runs and syncs (its /healthz and logs)',
        },
      ];
};

/** Backends that see a node's address instead of the client's: their own allow-lists and logs are blind. */
export const clientHidden = ({ audited }: Findings): readonly Finding[] => {
  const hidden = audited.filter(
    (one) =>
      fromOutside(one) &&
      // Pods and the node itself are masqueraded in any case; what counts is the outside, the larger part of all
      // addresses.
      one.parts.some(
        (part) =>
          part.hidden && part.reached !== 'no' && count(part.sources) > 1n << (one.exposure.family === 4 ? 30n : 126n),
      ),
  );
  return hidden.length === 0
    ? []
    : [
        {
          id: 'client-address-hidden',
          severity: 'low',
          ref: null,
          exposures: ids(hidden),
          reason: `pods behind ${group(hidden)} see an address of this node instead of the client's: what they log or allow by address is the node`,
          cure: 'externalTrafficPolicy: Local keeps the client address',
        },
      ];
};

/** loadBalancerSourceRanges guard the load balancer's address; the node port of the same Service stays open. */
export const rangesMissNodePort = ({ audited }: Findings): readonly Finding[] =>
  audited.flatMap((balancer): Finding[] => {
    const { exposure } = balancer;
    if (exposure.kind !== 'LoadBalancer' || exposure.service === null || isEmpty(refusedByRule(balancer))) return [];
    const open = audited.filter(
      (one) =>
        one.exposure.kind === 'NodePort' &&
        one.exposure.service === exposure.service &&
        one.exposure.family === exposure.family &&
        !isEmpty(difference(one.must, balancer.may)),
    );
    const rule = balancer.parts.find(({ reached, decidedBy }) => reached === 'no' && decidedBy.kind === 'rule');
    return open.length === 0
      ? []
      : [
          {
            id: 'source-ranges-miss-node-port',
            severity: 'high',
            ref: rule === undefined ? null : refOf(rule.decidedBy),
            exposures: ids(open),
            reason: `the source ranges of ${named(balancer)} do not cover its node port: who is refused at the load balancer's address comes in at ${group(open)}`,
            cure: `portcullis restrict ${open[0]?.exposure.port} --from the same ranges, or allocateLoadBalancerNodePorts: false`,
          },
        ];
  });

/** More exposures than these are not needed to see by which addresses node ports answer. */
const SAMPLE = 3;

/** Node ports that answer on more than the node's main address: Service addresses, secondary ones, inner bridges. */
export const throughOtherAddress = ({ ruleset, audited, options }: Findings): readonly Finding[] =>
  ([4, 6] as const).flatMap((family) => {
    const [main, ...others] = nodeAddresses(ruleset.host, family);
    const sample = audited
      .filter(
        (one) =>
          one.exposure.kind === 'NodePort' && one.exposure.family === family && fromOutside(one) && !isEmpty(one.must),
      )
      .slice(0, SAMPLE);
    if (main === undefined || sample.length === 0) return [];
    const answering = others.filter((address) =>
      sample.some(({ exposure, entry }) => !isEmpty(reachOf(ruleset, exposure, address, entry, options).must)),
    );
    return answering.length === 0
      ? []
      : [
          {
            id: 'reachable-through-other-address' as const,
            severity: 'low' as const,
            ref: null,
            exposures: ids(sample),
            reason: `node ports answer not only on ${formatAddress(main)} but also on ${answering.slice(0, 6).map(formatAddress).join(', ')}: a rule that names one address does not guard the others`,
            cure: 'kube-proxy --nodeport-addresses=primary, and rules that name no address',
          },
        ];
  });
