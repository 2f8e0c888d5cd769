import { isRecord } from './is-record.ts';
import { error, warning, type Diagnostic } from '../diagnostic/diagnostic.ts';
import { originOf, type ManifestDocument } from './manifest-document.ts';
import type { Origin } from './model.ts';
import { nearest } from './nearest.ts';

/** What was read so far: objects by kind, namespace and name, and what is wrong. */
export interface Identified {
  readonly seen: Map<string, Origin>;
  readonly problems: Diagnostic[];
  readonly warnings: Diagnostic[];
}

/** How strictly metadata is read. People write our own kinds by hand; those of Kubernetes come from the API server. */
export interface Kind {
  readonly kind: string;
  readonly namespaced: boolean;
  readonly own: boolean;
}

const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** meta/v1 ObjectMeta. What kubectl prints can be used as a manifest again. */
const METADATA_FIELDS = [
  'name',
  'namespace',
  'labels',
  'annotations',
  'generateName',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'finalizers',
  'managedFields',
  'ownerReferences',
  'selfLink',
];

/**
 * An object's name and namespace, checked as the API server checks them (RFC 1123). No other object may have both.
 * null: wrong.
 */
export const identify = (
  document: ManifestDocument,
  { kind, namespaced, own }: Kind,
  metadata: unknown,
  { seen, problems, warnings }: Identified,
): { readonly name: string; readonly namespace: string } | null => {
  const wrong = (code: string, message: string, path: readonly string[], hint: string): null => {
    problems.push({ ...error(code, message, document.spanOf(path), hint), source: document.source });
    return null;
  };
  if (!isRecord(metadata))
    return metadata === undefined || metadata === null
      ? wrong('missing-field', 'metadata is missing', ['metadata'], 'Write metadata: { name: … }')
      : wrong('wrong-type', 'metadata should be a mapping', ['metadata'], 'Write metadata: { name: … }');
  const { name, namespace = 'default' } = metadata;
  const unknown = own ? Object.keys(metadata).filter((field) => !METADATA_FIELDS.includes(field)) : [];
  for (const field of unknown) {
    const guess = nearest(field, METADATA_FIELDS);
    const path = ['metadata', field];
    problems.push({
      ...error(
        'unknown-field',
        `${field.slice(0, 60)} is not a field of metadata`,
        document.keySpanOf(path),
        guess === null ? 'Fields here: name, namespace, labels, annotations' : `Did you mean ${guess}?`,
      ),
      source: document.source,
    });
  }
  if (name === undefined)
    return wrong('missing-field', 'metadata.name is missing', ['metadata'], 'Every object has a name');
  if (typeof name !== 'string' || name.length > 253 || !NAME.test(name))
    return wrong(
      'bad-name',
      'this is not a name',
      ['metadata', 'name'],
      'Lower case letters, digits, "-" and "." (RFC 1123), as in kubectl; at most 253',
    );
  if (namespaced && (typeof namespace !== 'string' || namespace.length > 63 || !NAMESPACE.test(namespace)))
    return wrong(
      'bad-name',
      'this is not the name of a namespace',
      ['metadata', 'namespace'],
      'Lower case letters, digits and "-" (RFC 1123), as in kubectl; at most 63',
    );
  if (own && !namespaced && metadata['namespace'] !== undefined)
    warnings.push({
      ...warning(
        'namespace-ignored',
        `a ${kind} belongs to no namespace`,
        document.keySpanOf(['metadata', 'namespace']),
        'It holds for all of them; remove the field',
      ),
      source: document.source,
    });
  const id = `${kind} ${namespaced ? `${String(namespace)}/` : ''}${name}`;
  const before = seen.get(id);
  if (before !== undefined)
    return wrong('given-twice', `${id} is given twice`, ['metadata', 'name'], `The first is at ${placeText(before)}`);
  seen.set(id, originOf(document, ['metadata', 'name']));
  return { name, namespace: String(namespace) };
};

const placeText = ({ source, span }: Origin): string => {
  let line = 1;
  for (let at = source.text.indexOf('\n'); at !== -1 && at < span.start; at = source.text.indexOf('\n', at + 1)) line++;
  return `${source.name}:${line}`;
};
