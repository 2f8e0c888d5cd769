import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { formatPorts, type PortSpec } from '../net/port.ts';
import { formatPrefix, parsePrefix, type Prefix } from '../net/prefix.ts';
import type { Otherwise } from './model.ts';
import { API_VERSION } from './schema.ts';

/** The manifest of a policy that `restrict` writes: plain data, as it would stand in a YAML file. */
export type Manifest = Readonly<Record<string, unknown>>;

/** `restrict-30001`, `restrict-30001-udp`. */
export const restrictName = ({ ports, protocol }: PortSpec): string =>
  `restrict-${formatPorts(ports)}${protocol === null ? '' : `-${protocol}`}`;

/** Between policies of more and of less urgency; what says more exactly what it means is asked first. */
const priorityOf = ({ ports, protocol }: PortSpec): number =>
  500 - (ports.first === ports.last ? 2 : 0) - (protocol === null ? 0 : 1);

/** The Admin policy for the simplest need: these may come in, everyone else not. */
export const restrictManifest = (
  spec: PortSpec,
  from: readonly Prefix[],
  otherwise: Otherwise,
  allowFailsafe: readonly number[],
): Manifest => ({
  apiVersion: API_VERSION,
  kind: 'ClusterNodePortPolicy',
  metadata: { name: restrictName(spec) },
  spec: {
    tier: 'Admin',
    priority: priorityOf(spec),
    subject: { ports: [formatPorts(spec.ports, spec.protocol)] },
    rules: [
      ...(from.length === 0
        ? []
        : [{ action: 'Accept', from: from.map((prefix) => ({ cidr: formatPrefix(prefix) })) }]),
      { action: 'Deny', from: [{ everyone: true }] },
    ],
    otherwise,
    ...(allowFailsafe.length === 0 ? {} : { allowFailsafePorts: allowFailsafe }),
  },
});

/** What `restrict` was asked for. */
export interface Restriction {
  readonly spec: PortSpec;
  readonly from: readonly Prefix[];
  readonly otherwise: Otherwise;
  readonly allowFailsafe: readonly number[];
  /** Let these in besides those of the restriction that is there. */
  readonly add: boolean;
}

const nameOf = (manifest: Manifest): unknown => {
  const { metadata } = manifest;
  return typeof metadata === 'object' && metadata !== null && 'name' in metadata ? metadata.name : undefined;
};

/** The prefixes that a manifest of {@link restrictManifest} accepts. */
const acceptedBy = ({ spec }: Manifest): readonly string[] => {
  const { rules } = spec as { rules: readonly { action: string; from: readonly { cidr?: string }[] }[] };
  return rules
    .filter(({ action }) => action === 'Accept')
    .flatMap(({ from }) => from.flatMap(({ cidr }) => cidr ?? []));
};

/** The list of restrictions with one more, or with the one of the same port replaced or widened. */
export const restrictionsWith = (
  restrictions: readonly Manifest[],
  { spec, from, otherwise, allowFailsafe, add }: Restriction,
): Result<readonly Manifest[]> => {
  const name = restrictName(spec);
  const at = restrictions.findIndex((manifest) => nameOf(manifest) === name);
  const there = restrictions[at];
  if (there === undefined)
    return add
      ? fail(
          error(
            'no-restriction',
            `there is no restriction ${name} to add to`,
            undefined,
            `Without --add these are the first to be let in${namesHint(restrictions)}`,
          ),
        )
      : ok([...restrictions, restrictManifest(spec, from, otherwise, allowFailsafe)]);
  const known = add ? acceptedBy(there).map(parsePrefix) : [];
  const old = known.flatMap((prefix) => (prefix.ok ? [prefix.value] : []));
  const seen = new Set(old.map(formatPrefix));
  const all = [...old, ...from.filter((prefix) => !seen.has(formatPrefix(prefix)))];
  return ok(restrictions.with(at, restrictManifest(spec, all, otherwise, allowFailsafe)));
};

const namesHint = (restrictions: readonly Manifest[]): string =>
  restrictions.length === 0
    ? ''
    : `; there are: ${restrictions.map((manifest) => String(nameOf(manifest))).join(', ')}`;

/** The list without the restriction of a port. */
export const restrictionsWithout = (restrictions: readonly Manifest[], spec: PortSpec): Result<readonly Manifest[]> => {
  const name = restrictName(spec);
  const rest = restrictions.filter((manifest) => nameOf(manifest) !== name);
  return rest.length < restrictions.length
    ? ok(rest)
    : fail(
        error(
          'no-restriction',
          `there is no restriction ${name}`,
          undefined,
          restrictions.length === 0
            ? 'Policies of apply are taken away by the next apply, or all by: portcullis remove'
            : `There are: ${restrictions.map((manifest) => String(nameOf(manifest))).join(', ')}`,
        ),
      );
};
