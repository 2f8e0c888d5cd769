import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { formatPorts, type PortSpec } from '../net/port.ts';
import { formatPrefix, type Prefix } from '../net/prefix.ts';
import type { ClusterNodePortPolicy, Otherwise } from './model.ts';

/** The simplest need: these may come in by some ports, everyone else not. */
export interface Restriction {
  readonly spec: PortSpec;
  readonly from: readonly Prefix[];
  readonly otherwise: Otherwise;
  /** Failsafe ports that it may guard. */
  readonly allowFailsafe: readonly number[];
}

/** `restrict-30001`, `restrict-30001-udp`. */
export const restrictName = ({ ports, protocol }: PortSpec): string =>
  `restrict-${formatPorts(ports)}${protocol === null ? '' : `-${protocol}`}`;

/** Between policies of more and of less urgency; what says more exactly what it means is asked first. */
export const restrictPriority = ({ ports, protocol }: PortSpec): number =>
  500 - (ports.first === ports.last ? 2 : 0) - (protocol === null ? 0 : 1);

/** The policy that a restriction is, of tier Admin. Nobody has written it: it stands in no text. */
export const restrictionPolicy = ({ spec, from, otherwise, allowFailsafe }: Restriction): ClusterNodePortPolicy => {
  const written = { except: [], origin: null };
  return {
    kind: 'ClusterNodePortPolicy',
    name: restrictName(spec),
    origin: null,
    tier: 'Admin',
    priority: restrictPriority(spec),
    subject: { kind: 'ports', items: [{ kind: 'ports', ...spec, origin: null }] },
    exposures: ['NodePort'],
    nodeSelector: { matchLabels: {}, matchExpressions: [] },
    rules: [
      ...(from.length === 0
        ? []
        : [
            {
              action: 'Accept' as const,
              from: from.map((prefix) => ({ kind: 'cidr' as const, prefix, ...written })),
              origin: null,
            },
          ]),
      { action: 'Deny', from: [{ kind: 'everyone', ...written }], origin: null },
    ],
    otherwise,
    mode: 'Enforce',
    allowFailsafePorts: allowFailsafe,
  };
};

/**
 * The list of restrictions with one more, or with the one of the same port replaced. `add`: widened, where there is
 * one.
 */
export const restrictionsWith = (
  restrictions: readonly Restriction[],
  wanted: Restriction,
  add: boolean,
): Result<readonly Restriction[]> => {
  const name = restrictName(wanted.spec);
  const at = restrictions.findIndex(({ spec }) => restrictName(spec) === name);
  const there = restrictions[at];
  if (there === undefined)
    return add
      ? fail(
          error(
            'no-restriction',
            `there is no restriction ${name} to add to`,
            undefined,
            `Without --add these are the first to be let in${restrictions.length === 0 ? '' : `; there are: ${namesOf(restrictions)}`}`,
          ),
        )
      : ok([...restrictions, wanted]);
  if (!add) return ok(restrictions.with(at, wanted));
  const seen = new Set(there.from.map(formatPrefix));
  const from = [...there.from, ...wanted.from.filter((prefix) => !seen.has(formatPrefix(prefix)))];
  return ok(restrictions.with(at, { ...wanted, from }));
};

const namesOf = (restrictions: readonly Restriction[]): string =>
  restrictions.map(({ spec }) => restrictName(spec)).join(', ');

/** The list without the restriction of a port. */
export const restrictionsWithout = (
  restrictions: readonly Restriction[],
  unwanted: PortSpec,
): Result<readonly Restriction[]> => {
  const name = restrictName(unwanted);
  const rest = restrictions.filter(({ spec }) => restrictName(spec) !== name);
  return rest.length < restrictions.length
    ? ok(rest)
    : fail(
        error(
          'no-restriction',
          `there is no restriction ${name}`,
          undefined,
          restrictions.length === 0
            ? 'Policies of apply are taken away by the next apply, or all by: portcullis remove'
            : `There are: ${namesOf(restrictions)}`,
        ),
      );
};
