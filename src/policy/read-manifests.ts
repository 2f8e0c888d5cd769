import { isRecord } from './is-record.ts';
import { error, fail, ok, warning, type Diagnostic, type Result } from '../diagnostic/diagnostic.ts';
import { checkShape } from './check-shape.ts';
import { decodeAddressGroup, decodeClusterNodePortPolicy, decodeNodePortPolicy, type Decoder } from './decode.ts';
import { decodeNamespace, decodeNode, decodeService } from './decode-core.ts';
import { documentsOf } from './document.ts';
import type { ManifestDocument, ManifestSource } from './manifest-document.ts';
import { identify, type Identified } from './identify.ts';
import type { AddressGroup, Declared, Namespace, Node, Policy, Service } from './model.ts';
import { nearest } from './nearest.ts';
import { API_VERSION, FILE_SPECS } from './schema.ts';
import { quoted, valueText } from './value-text.ts';

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

interface Collected extends Identified {
  readonly policies: Policy[];
  readonly groups: Map<string, AddressGroup>;
  readonly services: Service[];
  readonly nodes: Node[];
  readonly namespaces: Namespace[];
}

/**
 * Reads manifests from texts and objects. All problems of all of them are reported, each with its place; then nothing
 * is returned.
 */
export const readManifests = (sources: readonly ManifestSource[]): Result<Declared> => {
  const into: Collected = {
    policies: [],
    groups: new Map(),
    services: [],
    nodes: [],
    namespaces: [],
    problems: [],
    warnings: [],
    seen: new Map(),
  };
  let notLookedAt = false;
  for (const source of sources) {
    const { documents, problems } = documentsOf(source);
    into.problems.push(...problems);
    for (const document of documents) {
      // Enough is wrong already; each further problem would cost a look-up of its place.
      if (into.problems.length > MOST_PROBLEMS) notLookedAt = true;
      else readDocument(document, document.value, into);
    }
  }
  const { policies, groups, services, nodes, namespaces, problems } = into;
  const warnings = shownOf(into.warnings, false, warning);
  return problems.length > 0
    ? fail(...shownOf(problems, notLookedAt, error))
    : ok({ policies, groups, services, nodes, namespaces, warnings }, warnings);
};

const shownOf = (all: readonly Diagnostic[], more: boolean, say: typeof error): readonly Diagnostic[] => {
  const rest = all.length - MOST_PROBLEMS;
  if (rest <= 0) return all;
  const what = say === error ? 'problem' : 'warning';
  return [
    ...all.slice(0, MOST_PROBLEMS),
    say('more-problems', `and ${more ? 'at least ' : ''}${rest} more ${what}${rest === 1 ? '' : 's'}`),
  ];
};

const readDocument = (document: ManifestDocument, value: unknown, into: Collected): void => {
  const problem = (code: string, message: string, path: readonly PropertyKey[], hint: string): void => {
    into.problems.push({ ...error(code, message, document.spanOf(path), hint), source: document.source });
  };
  if (!isRecord(value))
    return problem('not-an-object', 'this is not a Kubernetes object', [], 'It begins with apiVersion and kind');
  const { apiVersion, kind } = value;
  if (typeof kind !== 'string')
    return problem(
      'kind-missing',
      kind === undefined ? 'kind is missing' : 'kind should be a text',
      ['kind'],
      `Known kinds: ${KINDS.join(', ')}`,
    );
  switch (kind) {
    case 'List':
    case 'ServiceList':
    case 'NodeList':
    case 'NamespaceList':
    case 'NodePortPolicyList':
    case 'ClusterNodePortPolicyList':
    case 'AddressGroupList':
      return readList(document, value, kind, into);
    case 'NodePortPolicy':
    case 'ClusterNodePortPolicy':
    case 'AddressGroup':
      if (apiVersion !== API_VERSION)
        return problem(
          apiVersion === undefined ? 'api-version-missing' : 'api-version-unknown',
          apiVersion === undefined
            ? 'apiVersion is missing'
            : `apiVersion cannot be ${typeof apiVersion === 'string' ? quoted(apiVersion) : valueText(apiVersion)}`,
          ['apiVersion'],
          `Write apiVersion: ${API_VERSION}`,
        );
      return readOwn(document, kind, value, into);
    case 'Service':
    case 'Node':
    case 'Namespace':
      // Others have kinds of these names too (serving.knative.dev/v1 Service).
      return apiVersion === 'v1' || apiVersion === undefined
        ? readCore(document, kind, value, into)
        : readForeign(document, kind, apiVersion, into);
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
  const { items } = value;
  const problem = (code: string, message: string, path: readonly PropertyKey[], hint: string): void => {
    into.problems.push({ ...error(code, message, document.spanOf(path), hint), source: document.source });
  };
  if (!Array.isArray(items))
    return problem(
      items === undefined ? 'missing-field' : 'wrong-type',
      items === undefined ? 'items is missing' : `items should be a list, not ${valueText(items)}`,
      ['items'],
      'A list of objects stands there, as kubectl get -o yaml prints it',
    );
  for (const [index, item] of (items as unknown[]).entries()) {
    if (into.problems.length > MOST_PROBLEMS) return;
    const typed =
      isRecord(item) && item['kind'] === undefined && kind !== 'List'
        ? { kind: kind.slice(0, -'List'.length), apiVersion: value['apiVersion'], ...item }
        : item;
    if (isRecord(typed) && typeof typed['kind'] === 'string' && typed['kind'].endsWith('List')) {
      problem('list-in-list', 'a list stands in a list', ['items', index], 'Give its objects one by one');
      continue;
    }
    const member = {
      source: document.source,
      value: typed,
      spanOf: (path: readonly PropertyKey[]) => document.spanOf(['items', index, ...path]),
      keySpanOf: (path: readonly PropertyKey[]) => document.keySpanOf(['items', index, ...path]),
    };
    readDocument(member, typed, into);
  }
};

/** Other kinds may lie in the same folder; a misspelt one of ours must not be passed over. */
const readForeign = (document: ManifestDocument, kind: string, apiVersion: unknown, into: Collected): void => {
  const guess = KINDS.some((known) => known === kind) ? null : nearest(kind, KINDS);
  const ours = typeof apiVersion === 'string' && apiVersion.startsWith('portcullis.dev/');
  // A kind of somebody else that merely looks like one of ours says so by its apiVersion.
  const foreign = typeof apiVersion === 'string' && !ours && apiVersion !== 'v1';
  const where = { source: document.source };
  if (ours || (guess !== null && !foreign))
    into.problems.push({
      ...error(
        'kind-unknown',
        `there is no kind ${kind.slice(0, 60)}`,
        document.spanOf(['kind']),
        guess === null ? `Known kinds: ${KINDS.join(', ')}` : `Did you mean ${guess}?`,
      ),
      ...where,
    });
  else
    into.warnings.push({
      ...warning(
        'kind-ignored',
        `a ${kind.slice(0, 60)} is passed over`,
        document.spanOf(['kind']),
        'Only policies, AddressGroups, Services, Nodes and Namespaces are read',
      ),
      ...where,
    });
};

const TOP_FIELDS = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

const readOwn = (
  document: ManifestDocument,
  kind: keyof typeof FILE_SPECS,
  value: Readonly<Record<string, unknown>>,
  into: Collected,
): void => {
  const id = identify(document, { kind, namespaced: kind === 'NodePortPolicy', own: true }, value['metadata'], into);
  for (const key of Object.keys(value).filter((field) => !TOP_FIELDS.includes(field))) {
    const guess = nearest(key, TOP_FIELDS);
    into.problems.push({
      ...error(
        'unknown-field',
        `${key.slice(0, 60)} is not a field of ${kind}`,
        document.keySpanOf([key]),
        guess === null ? `Fields here: ${TOP_FIELDS.join(', ')}` : `Did you mean ${guess}?`,
      ),
      source: document.source,
    });
  }
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
  const id = identify(document, { kind, namespaced: kind === 'Service', own: false }, value['metadata'], into);
  if (id === null) return;
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
