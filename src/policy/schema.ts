import { z } from 'zod';

/**
 * The one description of our objects: TypeScript types, the check of YAML files and the CRDs all come from here. Rules that
 * Kubernetes checks itself stand beside their fields as CEL (`x-kubernetes-validations`); the same rules are checked in decode.ts
 * with positions and hints.
 */
const cel = (...rules: readonly (readonly [rule: string, message: string])[]) => ({
  'x-kubernetes-validations': rules.map(([rule, message]) => ({ rule, message })),
});

const name = z.string().min(1).max(253);
const cidr = z
  .string()
  .max(49)
  .meta(
    cel([
      'isCIDR(self) && cidr(self).masked() == cidr(self)',
      'must be a prefix without host bits, such as 203.0.113.0/24',
    ]),
  );
const cidrs = (most: number) => z.array(cidr).max(most).meta({ 'x-kubernetes-list-type': 'atomic' });

const peer = z
  .strictObject({
    cidr: cidr.optional(),
    addressGroup: name.optional(),
    cluster: z.enum(['Nodes', 'Pods']).optional(),
    everyone: z.literal(true).optional(),
    except: cidrs(64).optional(),
  })
  .meta(
    cel(
      [
        '[has(self.cidr), has(self.addressGroup), has(self.cluster), has(self.everyone)].filter(x, x).size() == 1',
        'name exactly one of cidr, addressGroup, cluster and everyone',
      ],
      [
        '!has(self.cidr) || !has(self.except) || self.except.all(e, cidr(self.cidr).containsCIDR(e))',
        'every except must lie inside cidr',
      ],
    ),
  );
const peers = (most: number) => z.array(peer).max(most).meta({ 'x-kubernetes-list-type': 'atomic' });

const selector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(
      z.strictObject({
        key: z.string(),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).max(64).optional(),
      }),
    )
    .max(32)
    .optional(),
});

const port = z
  .union([z.int().min(1).max(65_535), z.string().min(1).max(63)])
  .meta({ 'x-kubernetes-int-or-string': true });
const ports = z.array(port).min(1).max(4096).meta({ 'x-kubernetes-list-type': 'atomic' });
const exposures = z
  .array(z.enum(['NodePort', 'LoadBalancer', 'ExternalIP']))
  .min(1)
  .max(3)
  .meta({ 'x-kubernetes-list-type': 'set' });
const otherwise = z.enum(['Drop', 'Reject']);
const mode = z.enum(['Enforce', 'Audit']);

const nodePortPolicySpec = z
  .strictObject({
    serviceSelector: selector.optional(),
    services: z.array(name).min(1).max(256).meta({ 'x-kubernetes-list-type': 'set' }).optional(),
    ports: ports.optional(),
    exposures: exposures.default(['NodePort']),
    allow: peers(256),
    otherwise: otherwise.default('Drop'),
    mode: mode.default('Enforce'),
  })
  .meta(cel(['!has(self.services) || !has(self.serviceSelector)', 'give services or serviceSelector, not both']));

const clusterRule = z.strictObject({ action: z.enum(['Accept', 'Deny', 'Pass']), from: peers(256).min(1) });

const clusterNodePortPolicySpec = z
  .strictObject({
    tier: z.enum(['Admin', 'Baseline']),
    priority: z.int().min(0).max(1000),
    subject: z
      .strictObject({
        services: z
          .strictObject({ namespaceSelector: selector.optional(), serviceSelector: selector.optional() })
          .optional(),
        ports: ports.optional(),
      })
      .meta(cel(['has(self.services) != has(self.ports)', 'name exactly one of services and ports'])),
    exposures: exposures.default(['NodePort']),
    nodeSelector: selector.optional(),
    rules: z.array(clusterRule).max(64).meta({ 'x-kubernetes-list-type': 'atomic' }),
    otherwise: otherwise.default('Drop'),
    mode: mode.default('Enforce'),
    allowFailsafePorts: z
      .array(z.int().min(1).max(65_535))
      .max(16)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .optional(),
  })
  .meta(cel(["self.tier == 'Admin' || !has(self.allowFailsafePorts)", 'allowFailsafePorts belongs to tier Admin']));

/** As many prefixes as an object of 1.5 MB (the limit of etcd) can hold; files on one machine may hold more. */
const MOST_CIDRS = 50_000;
const addressGroupSpec = z.strictObject({
  cidrs: z.array(z.string().max(49)).max(MOST_CIDRS).meta({ 'x-kubernetes-list-type': 'atomic' }),
});

export const SPECS = {
  NodePortPolicy: nodePortPolicySpec,
  ClusterNodePortPolicy: clusterNodePortPolicySpec,
  AddressGroup: addressGroupSpec,
} as const;

/** The same without the limit that only the API server needs. */
export const FILE_SPECS = {
  ...SPECS,
  AddressGroup: z.strictObject({ cidrs: z.array(z.string()) }),
} as const;

export type NodePortPolicySpec = z.output<typeof nodePortPolicySpec>;
export type ClusterNodePortPolicySpec = z.output<typeof clusterNodePortPolicySpec>;
export type PeerSpec = z.output<typeof peer>;
export type SelectorSpec = z.output<typeof selector>;
export type OwnKind = keyof typeof SPECS;

export const API_VERSION = 'portcullis.dev/v1alpha1';
