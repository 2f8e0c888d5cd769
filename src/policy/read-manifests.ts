import { error, fail, ok, warning, type Diagnostic, type Result, type Source } from '../diagnostic/diagnostic.ts';
import { checkShape } from './check-shape.ts';
import { decodeAddressGroup, decodeClusterNodePortPolicy, decodeNodePortPolicy, type Decoder } from './decode.ts';
import { decodeNamespace, decodeNode, decodeService } from './decode-core.ts';
import { documentsOf, type ManifestDocument } from './document.ts';
import type { AddressGroup, Declared, Namespace, Node, Origin, Policy, Service } from './model.ts';
import { nearest } from './nearest.ts';
import { API_VERSION, FILE_SPECS } from './schema.ts';

/** So many problems are shown; a garbage file must not fill the terminal. */
const MOST_PROBLEMS = 50;

const KINDS = [
  'NodePortPolicy',
  'ClusterNodePortPolicy',
  'AddressGroup',
  'Service',
  'Node',
  'Namespace',
  'List',
] as const;

interface Collected {
  readonly policies: Policy[];
  readonly groups: Map<string, AddressGroup>;
  readonly services: Service[];
  readonly nodes: Node[];
  readonly namespaces: Namespace[];
  readonly problems: Diagnostic[];
  readonly warnings: Diagnostic[];
  /** How many objects of each kind that nothing here reads. */
  readonly passedOver: Map<string, number>;
  /** Kind, namespace and name of what was given, and where. */
  readonly seen: Map<string, Origin>;
}

/** Reads manifests from texts. All problems of all texts are reported, each with its place; then nothing is returned. */
export const readManifests = (sources: readonly Source[]): Result<Declared> => {
  const into: Collected = {
    policies: [],
    groups: new Map(),
    services: [],
    nodes: [],
    namespaces: [],
    problems: [],
    warnings: [],
    passedOver: new Map(),
    seen: new Map(),
  };
  for (const source of sources) {
    const { documents, problems } = documentsOf(source);
    into.problems.push(...problems);
    for (const document of documents) readDocument(document, document.value, into);
  }
  const { policies, groups, services, nodes, namespaces, problems } = into;
  const warnings = [...into.warnings, ...aboutOtherKinds(into.passedOver)];
  if (problems.length > MOST_PROBLEMS) {
    const more = problems.length - MOST_PROBLEMS;
    return fail(
      ...problems.slice(0, MOST_PROBLEMS),
      error('more-problems', `and ${more} more ${more === 1 ? 'problem' : 'problems'}`),
    );
  }
  return problems.length > 0
    ? fail(...problems)
    : ok({ policies, groups, services, nodes, namespaces, warnings }, warnings);
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const readDocument = (document: ManifestDocument, value: unknown, into: Collected): void => {
  const problem = (code: string, message: string, path: readonly PropertyKey[], hint: string): void => {
    into.problems.push({ ...error(code, message, document.spanOf(path), hint), source: document.source });
  };
  if (!isRecord(value))
    return problem('not-an-object', 'this is not a Kubernetes object', [], 'It begins with apiVersion and kind');
  const { apiVersion, kind } = value;
  if (typeof kind !== 'string')
    return problem('kind-missing', 'kind is missing', ['kind'], `Known kinds: ${KINDS.join(', ')}`);
  switch (kind) {
    case 'List':
    case 'ServiceList':
    case 'NodeList':
      return readList(document, value, kind, into);
    case 'NodePortPolicy':
    case 'ClusterNodePortPolicy':
    case 'AddressGroup':
      if (apiVersion !== API_VERSION)
        return problem(
          apiVersion === undefined ? 'api-version-missing' : 'api-version-unknown',
          apiVersion === undefined
            ? 'apiVersion is missing'
            : `apiVersion ${JSON.stringify(apiVersion)} is not known for ${kind}`,
          ['apiVersion'],
          `Write apiVersion: ${API_VERSION}`,
        );
      return readOwn(document, kind, value, into);
    case 'Service':
    case 'Node':
    case 'Namespace':
      return readCore(document, kind, value, into);
    default:
      return readForeign(document, kind, apiVersion, into);
  }
};

/** Members of a list are read as documents of their own; their fields stand under `items`. */
const readList = (
  document: ManifestDocument,
  value: Readonly<Record<string, unknown>>,
  kind: string,
  into: Collected,
): void => {
  for (const [index, item] of (Array.isArray(value['items']) ? (value['items'] as unknown[]) : []).entries()) {
    const member =
      isRecord(item) && item['kind'] === undefined && kind !== 'List'
        ? { kind: kind.slice(0, -'List'.length), apiVersion: 'v1', ...item }
        : item;
    readDocument(
      {
        source: document.source,
        value: member,
        spanOf: (path) => document.spanOf(['items', index, ...path]),
        keySpanOf: (path) => document.keySpanOf(['items', index, ...path]),
      },
      member,
      into,
    );
  }
};

/** Other kinds may lie in the same folder; a misspelt one of ours must not be passed over. */
const readForeign = (document: ManifestDocument, kind: string, apiVersion: unknown, into: Collected): void => {
  const guess = nearest(kind, KINDS);
  const ours = typeof apiVersion === 'string' && apiVersion.startsWith('portcullis.dev/');
  const where = { source: document.source };
  if (ours || guess !== null)
    into.problems.push({
      ...error(
        'kind-unknown',
        `there is no kind ${kind.slice(0, 60)}`,
        document.spanOf(['kind']),
        guess === null ? `Known kinds: ${KINDS.join(', ')}` : `Did you mean ${guess}?`,
      ),
      ...where,
    });
  else into.passedOver.set(kind, (into.passedOver.get(kind) ?? 0) + 1);
};

/** `kubectl get all -o yaml` brings hundreds of them: one line says it. */
const aboutOtherKinds = (passedOver: ReadonlyMap<string, number>): readonly Diagnostic[] => {
  const kinds = [...passedOver].map(([kind, count]) => `${kind.slice(0, 60)} (${count})`);
  return kinds.length === 0
    ? []
    : [
        warning(
          'kind-ignored',
          `passed over: ${kinds.slice(0, 8).join(', ')}${kinds.length > 8 ? ' and others' : ''}`,
          undefined,
          'Only policies, AddressGroups, Services, Nodes and Namespaces are read',
        ),
      ];
};

const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/** The object's name and namespace, checked as the API server checks them (RFC 1123), and that nothing else has them. */
const identify = (
  document: ManifestDocument,
  kind: string,
  value: Readonly<Record<string, unknown>>,
  namespaced: boolean,
  into: Collected,
) => {
  const metadata = isRecord(value['metadata']) ? value['metadata'] : {};
  const { name, namespace = 'default' } = metadata;
  const bad = (path: readonly PropertyKey[], message: string): null => {
    into.problems.push({
      ...error(
        'bad-name',
        message,
        document.spanOf(path),
        'Lower case letters, digits, "-" and "." (RFC 1123), as in kubectl',
      ),
      source: document.source,
    });
    return null;
  };
  if (typeof name !== 'string' || name.length > 253 || !NAME.test(name))
    return bad(['metadata', 'name'], name === undefined ? 'metadata.name is missing' : 'this is not a name');
  if (typeof namespace !== 'string' || namespace.length > 63 || !NAME.test(namespace))
    return bad(['metadata', 'namespace'], 'this is not the name of a namespace');
  const id = `${kind} ${namespaced ? `${namespace}/` : ''}${name}`;
  const origin = { source: document.source, span: document.spanOf(['metadata', 'name']) };
  const before = into.seen.get(id);
  if (before !== undefined) {
    const line = before.source.text.slice(0, before.span.start).split('\n').length;
    into.problems.push({
      ...error('given-twice', `${id} is given twice`, origin.span, `The first is at ${before.source.name}:${line}`),
      source: origin.source,
    });
    return null;
  }
  into.seen.set(id, origin);
  return { name, namespace };
};

const TOP_FIELDS = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

const readOwn = (
  document: ManifestDocument,
  kind: keyof typeof FILE_SPECS,
  value: Readonly<Record<string, unknown>>,
  into: Collected,
): void => {
  const id = identify(document, kind, value, kind === 'NodePortPolicy', into);
  for (const key of Object.keys(value).filter((field) => !TOP_FIELDS.includes(field)))
    into.problems.push({
      ...error(
        'unknown-field',
        `${key.slice(0, 60)} is no known field`,
        document.keySpanOf([key]),
        `Fields here: ${TOP_FIELDS.join(', ')}`,
      ),
      source: document.source,
    });
  const decoder: Decoder = { document, problems: into.problems };
  const path = ['spec'];
  switch (kind) {
    case 'NodePortPolicy': {
      const spec = checkShape(FILE_SPECS.NodePortPolicy, value['spec'], document, path, into.problems);
      if (spec !== null && id !== null)
        into.policies.push(decodeNodePortPolicy(decoder, id.namespace, id.name, spec, path));
      return;
    }
    case 'ClusterNodePortPolicy': {
      const spec = checkShape(FILE_SPECS.ClusterNodePortPolicy, value['spec'], document, path, into.problems);
      if (spec !== null && id !== null) into.policies.push(decodeClusterNodePortPolicy(decoder, id.name, spec, path));
      return;
    }
    case 'AddressGroup': {
      const spec = checkShape(FILE_SPECS.AddressGroup, value['spec'], document, path, into.problems);
      if (spec !== null && id !== null) into.groups.set(id.name, decodeAddressGroup(decoder, id.name, spec, path));
    }
  }
};

const readCore = (
  document: ManifestDocument,
  kind: 'Service' | 'Node' | 'Namespace',
  value: Readonly<Record<string, unknown>>,
  into: Collected,
): void => {
  if (identify(document, kind, value, kind === 'Service', into) === null) return;
  switch (kind) {
    case 'Service':
      into.services.push(decodeService(document, value, into.warnings));
      return;
    case 'Node':
      into.nodes.push(decodeNode(document, value, into.warnings));
      return;
    case 'Namespace':
      into.namespaces.push(decodeNamespace(value));
  }
};
