import { error, shift, type Diagnostic, type Result } from '../diagnostic/diagnostic.ts';
import { addressSet } from '../net/address-set.ts';
import { parsePorts } from '../net/port.ts';
import { formatPrefix, parsePrefix, rangeOf, type Prefix } from '../net/prefix.ts';
import { originOf, type ManifestDocument } from './manifest-document.ts';
import type { AddressGroup, ClusterNodePortPolicy, LabelSelector, NodePortPolicy, Peer, PortItem } from './model.ts';
import type { ClusterNodePortPolicySpec, NodePortPolicySpec, PeerSpec, SelectorSpec } from './schema.ts';

type Path = readonly PropertyKey[];

/**
 * Turns checked shapes into the model. What only the meaning shows (addresses, ports, peers) is checked here, with
 * positions.
 */
export interface Decoder {
  readonly document: ManifestDocument;
  readonly problems: Diagnostic[];
}

/** A text at a path, read by one of the strict readers of `net/`. Its problems are moved to the place of the text. */
const readAt = <T>(
  { document, problems }: Decoder,
  text: string,
  path: Path,
  read: (text: string) => Result<T>,
): T | null => {
  const result = read(text);
  if (result.ok) return result.value;
  const span = document.spanOf(path);
  // The text of a quoted scalar begins after the quote.
  const raw = document.source.text.slice(span.start, span.end);
  const inner = raw.indexOf(text);
  for (const problem of result.problems)
    problems.push(
      inner === -1
        ? { ...problem, span, source: document.source }
        : shift(problem, span.start + inner, document.source),
    );
  return null;
};

const wrong = ({ document, problems }: Decoder, code: string, message: string, path: Path, hint: string): null => {
  problems.push({ ...error(code, message, document.spanOf(path), hint), source: document.source });
  return null;
};

const decodePrefixes = (decoder: Decoder, list: readonly string[], path: Path): readonly Prefix[] =>
  list.flatMap((text, index) => readAt(decoder, text, [...path, index], parsePrefix) ?? []);

const PEER_FIELDS = ['cidr', 'addressGroup', 'cluster', 'everyone'] as const;

const decodePeer = (decoder: Decoder, spec: PeerSpec, path: Path): Peer | null => {
  const given = PEER_FIELDS.filter((field) => spec[field] !== undefined);
  if (given.length !== 1)
    return wrong(
      decoder,
      given.length === 0 ? 'peer-empty' : 'peer-ambiguous',
      given.length === 0 ? 'this peer names nobody' : `this peer names ${given.join(' and ')}`,
      path,
      given.length === 0
        ? 'Write one of cidr, addressGroup, cluster and everyone; an empty peer is never everybody'
        : 'Write one entry for each',
    );
  const except = decodePrefixes(decoder, spec.except ?? [], [...path, 'except']);
  const common = { except, origin: originOf(decoder.document, path) };
  if (spec.cidr !== undefined) {
    const prefix = readAt(decoder, spec.cidr, [...path, 'cidr'], parsePrefix);
    if (prefix === null) return null;
    for (const [index, hole] of except.entries())
      if (!inside(hole, prefix)) exceptOutside(decoder, hole, prefix, [...path, 'except', index]);
    return { kind: 'cidr', prefix, ...common };
  }
  if (spec.addressGroup !== undefined)
    return {
      kind: 'group',
      name: spec.addressGroup,
      ...common,
      origin: originOf(decoder.document, [...path, 'addressGroup']),
    };
  if (spec.cluster !== undefined)
    return {
      kind: 'cluster',
      which: spec.cluster,
      ...common,
      origin: originOf(decoder.document, [...path, 'cluster']),
    };
  return { kind: 'everyone', ...common };
};

const exceptOutside = (decoder: Decoder, hole: Prefix, prefix: Prefix, path: Path): null =>
  wrong(
    decoder,
    'except-outside',
    `${formatPrefix(hole)} does not lie in ${formatPrefix(prefix)}`,
    path,
    hole.family === prefix.family
      ? 'An except takes away a part of its cidr'
      : 'An except is of the same family as its cidr',
  );

const inside = (inner: Prefix, outer: Prefix): boolean => {
  const [a, b] = [rangeOf(inner), rangeOf(outer)];
  return a.family === b.family && b.first <= a.first && a.last <= b.last;
};

const decodePeers = (decoder: Decoder, specs: readonly PeerSpec[], path: Path): readonly Peer[] =>
  specs.flatMap((spec, index) => decodePeer(decoder, spec, [...path, index]) ?? []);

const decodePort = (decoder: Decoder, spec: string | number, path: Path): PortItem | null => {
  const origin = originOf(decoder.document, path);
  const text = String(spec);
  // A Service port's name is a label: it has a letter in it (RFC 6335, 5.1), and neither a slash nor a range of digits.
  if (/[a-z]/i.test(text.split('/')[0] ?? '')) {
    if (/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text)) return { kind: 'name', name: text, origin };
    return wrong(
      decoder,
      'port-syntax',
      `${JSON.stringify(text.slice(0, 40))} is neither a port name nor a port`,
      path,
      'Write a Service port name, 30001, "30010-30019" or "30001/udp"',
    );
  }
  const spec2 = readAt(decoder, text, path, parsePorts);
  return spec2 === null ? null : { kind: 'ports', ...spec2, origin };
};

const decodePorts = (decoder: Decoder, specs: readonly (string | number)[], path: Path): readonly PortItem[] =>
  specs.flatMap((spec, index) => decodePort(decoder, spec, [...path, index]) ?? []);

const decodeSelector = (decoder: Decoder, spec: SelectorSpec | undefined, path: Path): LabelSelector => ({
  matchLabels: spec?.matchLabels ?? {},
  matchExpressions: (spec?.matchExpressions ?? []).map(({ key, operator, values = [] }, index) => {
    const needsValues = operator === 'In' || operator === 'NotIn';
    if (needsValues !== values.length > 0)
      wrong(
        decoder,
        'selector-values',
        `${operator} ${needsValues ? 'needs' : 'takes no'} values`,
        [...path, 'matchExpressions', index],
        needsValues ? 'Add values' : 'Remove values',
      );
    return { key, operator, values };
  }),
});

/** The model of a NodePortPolicy whose shape has been checked. */
export const decodeNodePortPolicy = (
  decoder: Decoder,
  namespace: string,
  name: string,
  spec: NodePortPolicySpec,
  path: Path,
): NodePortPolicy => {
  if (spec.services !== undefined && spec.serviceSelector !== undefined)
    wrong(
      decoder,
      'services-twice',
      'both services and serviceSelector are given',
      [...path, 'serviceSelector'],
      'Keep one of them',
    );
  return {
    kind: 'NodePortPolicy',
    namespace,
    name,
    origin: originOf(decoder.document, ['metadata', 'name']),
    services:
      spec.services !== undefined
        ? { kind: 'names', names: spec.services }
        : spec.serviceSelector !== undefined
          ? { kind: 'labels', selector: decodeSelector(decoder, spec.serviceSelector, [...path, 'serviceSelector']) }
          : { kind: 'all' },
    ports: spec.ports === undefined ? null : decodePorts(decoder, spec.ports, [...path, 'ports']),
    exposures: spec.exposures,
    allow: decodePeers(decoder, spec.allow, [...path, 'allow']),
    otherwise: spec.otherwise,
    mode: spec.mode,
  };
};

const decodeSubject = (
  decoder: Decoder,
  { services, ports }: ClusterNodePortPolicySpec['subject'],
  path: Path,
): ClusterNodePortPolicy['subject'] => {
  if ((services === undefined) === (ports === undefined))
    wrong(
      decoder,
      services === undefined ? 'subject-empty' : 'subject-twice',
      services === undefined ? 'the subject selects nothing' : 'the subject names services and ports',
      path,
      'Write exactly one of services and ports',
    );
  if (ports !== undefined) return { kind: 'ports', items: decodePorts(decoder, ports, [...path, 'ports']) };
  return {
    kind: 'services',
    namespaceSelector: decodeSelector(decoder, services?.namespaceSelector, [...path, 'services', 'namespaceSelector']),
    serviceSelector: decodeSelector(decoder, services?.serviceSelector, [...path, 'services', 'serviceSelector']),
  };
};

/** The model of a ClusterNodePortPolicy whose shape has been checked. */
export const decodeClusterNodePortPolicy = (
  decoder: Decoder,
  name: string,
  spec: ClusterNodePortPolicySpec,
  path: Path,
): ClusterNodePortPolicy => {
  if (spec.tier !== 'Admin' && spec.allowFailsafePorts !== undefined)
    wrong(
      decoder,
      'failsafe-not-admin',
      'only a policy of tier Admin may guard failsafe ports',
      [...path, 'allowFailsafePorts'],
      'Write tier: Admin, or remove allowFailsafePorts',
    );
  return {
    kind: 'ClusterNodePortPolicy',
    name,
    origin: originOf(decoder.document, ['metadata', 'name']),
    tier: spec.tier,
    priority: spec.priority,
    subject: decodeSubject(decoder, spec.subject, [...path, 'subject']),
    exposures: spec.exposures,
    nodeSelector: decodeSelector(decoder, spec.nodeSelector, [...path, 'nodeSelector']),
    rules: spec.rules.map(({ action, from }, index) => ({
      action,
      from: decodePeers(decoder, from, [...path, 'rules', index, 'from']),
      origin: originOf(decoder.document, [...path, 'rules', index]),
    })),
    otherwise: spec.otherwise,
    mode: spec.mode,
    allowFailsafePorts: spec.allowFailsafePorts ?? [],
  };
};

/** The model of an AddressGroup whose shape has been checked. */
export const decodeAddressGroup = (
  decoder: Decoder,
  name: string,
  spec: { readonly cidrs: readonly string[] },
  path: Path,
): AddressGroup => ({
  kind: 'AddressGroup',
  name,
  origin: originOf(decoder.document, ['metadata', 'name']),
  addresses: addressSet(decodePrefixes(decoder, spec.cidrs, [...path, 'cidrs'])),
});
