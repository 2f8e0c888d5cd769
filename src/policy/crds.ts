import { stringify } from 'yaml';
import * as z from 'zod';
import { API_VERSION, SPECS, type OwnKind } from './schema.ts';
import { structural, type Schema } from './structural.ts';

/** A file below `deploy/crds/`. */
export interface CrdFile {
  readonly file: string;
  readonly text: string;
}

interface Names {
  readonly plural: string;
  readonly shortName: string;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly description: string;
  readonly columns: readonly Schema[];
  /** Fields of the status besides those that every kind has. */
  readonly status: Schema;
}

const column = (name: string, type: string, jsonPath: string, description: string): Schema => ({
  name,
  type,
  jsonPath,
  description,
});
const MODE = column('Mode', 'string', '.spec.mode', 'Enforce, or Audit: nobody is refused');
const READY = column(
  'Ready',
  'string',
  '.status.conditions[?(@.type=="Ready")].status',
  'Whether every node enforces it',
);
const AGE = column('Age', 'date', '.metadata.creationTimestamp', 'When it was made');

const NAMES: Readonly<Record<OwnKind, Names>> = {
  NodePortPolicy: {
    plural: 'nodeportpolicies',
    shortName: 'npp',
    scope: 'Namespaced',
    description: 'NodePortPolicy says who may reach the exposed ports of Services of its namespace.',
    columns: [
      column('Ports', 'string', '.spec.ports', 'The ports it is narrowed to'),
      column('Otherwise', 'string', '.spec.otherwise', 'What everybody else gets'),
      MODE,
      READY,
      AGE,
    ],
    status: {},
  },
  ClusterNodePortPolicy: {
    plural: 'clusternodeportpolicies',
    shortName: 'cnpp',
    scope: 'Cluster',
    description: 'ClusterNodePortPolicy says, for the whole cluster, who may reach exposed ports.',
    columns: [
      column('Tier', 'string', '.spec.tier', 'Admin or Baseline'),
      column('Priority', 'integer', '.spec.priority', 'Lower is asked first'),
      column('Ports', 'string', '.spec.subject.ports', 'The ports it is about'),
      MODE,
      READY,
      AGE,
    ],
    status: {},
  },
  AddressGroup: {
    plural: 'addressgroups',
    shortName: 'ag',
    scope: 'Cluster',
    description: 'AddressGroup is a named list of prefixes for use in policies.',
    columns: [column('Prefixes', 'integer', '.status.prefixes', 'How many prefixes it comes to'), READY, AGE],
    status: {
      prefixes: {
        type: 'integer',
        format: 'int64',
        description: 'How many prefixes the list comes to, overlaps merged.',
      },
    },
  },
};

/** meta/v1 Condition. */
const CONDITION: Schema = {
  type: 'object',
  required: ['type', 'status', 'lastTransitionTime', 'reason', 'message'],
  properties: {
    type: { type: 'string', maxLength: 316 },
    status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
    observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
    lastTransitionTime: { type: 'string', format: 'date-time' },
    reason: { type: 'string', minLength: 1, maxLength: 1024 },
    message: { type: 'string', maxLength: 32_768 },
  },
};

const statusOf = (more: Schema): Schema => ({
  description: 'What the agents say about it.',
  type: 'object',
  properties: {
    observedGeneration: { type: 'integer', format: 'int64', description: 'The generation that this status is about.' },
    ...more,
    conditions: {
      description: 'Ready sums up the others.',
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
      items: CONDITION,
    },
  },
});

/** The CustomResourceDefinition (apiextensions.k8s.io/v1) of one of our kinds. */
export const crdOf = (kind: OwnKind): Schema => {
  const { plural, shortName, scope, description, columns, status } = NAMES[kind];
  const [group = '', version = ''] = API_VERSION.split('/');
  const spec = z.toJSONSchema(SPECS[kind], { io: 'input', target: 'openapi-3.0', reused: 'inline' });
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [shortName],
        categories: ['portcullis'],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: {
              description,
              type: 'object',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: structural(spec),
                status: statusOf(status),
              },
            },
          },
        },
      ],
    },
  };
};

const KINDS = Object.keys(NAMES) as readonly OwnKind[];

/** The files of `deploy/crds/`, one for each kind. */
export const crds = (): readonly CrdFile[] =>
  KINDS.map((kind) => ({
    file: `${API_VERSION.split('/')[0] ?? ''}_${NAMES[kind].plural}.yaml`,
    text: `# Generated from src/policy/schema.ts: npm run crds\n${stringify(crdOf(kind), { lineWidth: 120, aliasDuplicateObjects: false })}`,
  }));
