import * as z from 'zod';
import {
  cel,
  cidrs,
  exposures,
  failsafePorts,
  mode,
  otherwise,
  peers,
  ports,
  selector,
  serviceNames,
  type Bound,
} from './schema-parts.ts';

/** The one description of our objects. The TypeScript types, the check of YAML files and the CRDs all come from it. */
const nodePortPolicySpec = (bound: Bound) =>
  z
    .strictObject({
      serviceSelector: selector(
        'Labels of Services of the namespace. Without services and serviceSelector: all.',
      ).optional(),
      services: serviceNames.optional(),
      ports: ports('Narrows the selection: only these ports of the selected Services.').optional(),
      exposures: exposures.default(['NodePort']),
      allow: peers(bound, 256, 'Who may come in; an empty list refuses everybody.'),
      otherwise: otherwise('What everybody else gets.').default('Drop'),
      mode: mode.default('Enforce'),
    })
    .meta({
      description: 'Who may reach the exposed ports of Services of this namespace.',
      ...cel(['!has(self.services) || !has(self.serviceSelector)', 'give services or serviceSelector, not both']),
    });

const clusterRule = (bound: Bound) =>
  z
    .strictObject({
      action: z.enum(['Accept', 'Deny', 'Pass']).meta({
        description: 'Accept and Deny are final; Pass leaves the tier.',
      }),
      from: peers(bound, 64, 'The sources that the rule matches.').min(1),
    })
    .meta({ description: 'One rule; the first that matches a source decides.' });

const subject = z
  .strictObject({
    services: z
      .strictObject({
        namespaceSelector: selector('Labels of namespaces; empty: all.').optional(),
        serviceSelector: selector('Labels of Services; empty: all.').optional(),
      })
      .meta({ description: 'Services by the labels of their namespace and their own.' })
      .optional(),
    ports: ports(
      'Ports of the node, also those that no Service uses yet. A health check node port is meant only by a single number.',
    ).optional(),
  })
  .meta({
    description: 'What is guarded: exactly one of services and ports.',
    ...cel(['has(self.services) != has(self.ports)', 'name exactly one of services and ports']),
  });

const clusterNodePortPolicySpec = (bound: Bound) =>
  z
    .strictObject({
      tier: z.enum(['Admin', 'Baseline']).meta({
        description: 'Admin: before every NodePortPolicy. Baseline: where no NodePortPolicy applies.',
      }),
      priority: z.int().min(0).max(1000).meta({
        description: 'Lower is asked first. At the same priority Deny wins over Pass, and Pass over Accept.',
      }),
      subject,
      exposures: exposures.default(['NodePort']),
      nodeSelector: selector('Labels of the Nodes on which the policy exists; empty: all.').optional(),
      rules: bound(z.array(clusterRule(bound)), 64).meta({
        description: 'Asked in order; where none matches, the next policy is asked.',
        'x-kubernetes-list-type': 'atomic',
      }),
      otherwise: otherwise('How the Deny rules refuse.').default('Drop'),
      mode: mode.default('Enforce'),
      allowFailsafePorts: failsafePorts.optional(),
    })
    .meta({
      description: 'Who may reach exposed ports of the whole cluster.',
      ...cel(["self.tier == 'Admin' || !has(self.allowFailsafePorts)", 'allowFailsafePorts belongs to tier Admin']),
    });

/**
 * More prefixes than an object of 1.5 MB (the limit of etcd) holds. The CEL rules for 50,000 cost a third of what is
 * allowed.
 */
const MOST_CIDRS = 50_000;

const addressGroupSpec = (bound: Bound) =>
  z
    .strictObject({ cidrs: cidrs(bound, MOST_CIDRS, 'The prefixes; they may overlap.') })
    .meta({ description: 'A named list of prefixes, for use in policies.' });

const specs = (bound: Bound) => ({
  NodePortPolicy: nodePortPolicySpec(bound),
  ClusterNodePortPolicy: clusterNodePortPolicySpec(bound),
  AddressGroup: addressGroupSpec(bound),
});

/** The schemas as the API server checks them. */
export const SPECS = specs((list, most) => list.max(most));

/** The schemas as files are checked: without the bounds that only the API server needs. */
export const FILE_SPECS = specs((list) => list);

export type NodePortPolicySpec = z.output<typeof FILE_SPECS.NodePortPolicy>;
export type ClusterNodePortPolicySpec = z.output<typeof FILE_SPECS.ClusterNodePortPolicy>;
export type PeerSpec = NodePortPolicySpec['allow'][number];
export type SelectorSpec = NonNullable<NodePortPolicySpec['serviceSelector']>;
export type OwnKind = keyof typeof SPECS;

export const API_VERSION = 'portcullis.dev/v1alpha1';
