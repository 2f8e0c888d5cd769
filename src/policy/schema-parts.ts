import * as z from 'zod';

/**
 * Rules that the API server checks itself are written beside their fields as CEL (`x-kubernetes-validations`).
 * decode.ts checks the same rules with positions and hints.
 */
export const cel = (...rules: readonly (readonly [rule: string, message: string])[]) => ({
  'x-kubernetes-validations': rules.map(([rule, message]) => ({ rule, message })),
});

/** A list that is replaced as a whole when several writers apply it. */
const ATOMIC = { 'x-kubernetes-list-type': 'atomic' };
/** A list of different values that several writers may add to. */
const SET = { 'x-kubernetes-list-type': 'set' };

/**
 * The API server refuses a CRD whose CEL rules might cost too much in all (10,000,000 per rule, about 70 for one check
 * of a prefix). So it must know how long lists can be. Files on one machine have no such bounds.
 */
export type Bound = <T extends z.ZodArray>(list: T, most: number) => T;

export const name = z.string().min(1).max(253);

/** An IPv6 prefix is at most 49 characters long with all zeros and an IPv4 tail written out. */
const cidr = z
  .string()
  .max(49)
  .meta({
    description: 'A prefix without host bits, such as 203.0.113.0/24 or 2001:db8::/32.',
    ...cel([
      'isCIDR(self) && cidr(self).masked() == cidr(self)',
      'must be a prefix without host bits, such as 203.0.113.0/24',
    ]),
  });

/** A list of prefixes. */
export const cidrs = (bound: Bound, most: number, description: string) =>
  bound(z.array(cidr), most).meta({ description, ...ATOMIC });

const peer = (bound: Bound) =>
  z
    .strictObject({
      cidr: cidr.optional(),
      addressGroup: name.meta({ description: 'The name of an AddressGroup.' }).optional(),
      cluster: z
        .enum(['Nodes', 'Pods'])
        .meta({ description: 'Nodes: the addresses of all Nodes. Pods: the podCIDRs of all Nodes.' })
        .optional(),
      everyone: z.literal(true).meta({ description: 'Every address of both families.' }).optional(),
      except: cidrs(bound, 16, 'Prefixes that are not meant; with cidr, parts of it.').optional(),
    })
    .meta({
      description: 'Source addresses: exactly one of cidr, addressGroup, cluster and everyone.',
      ...cel(
        [
          '(has(self.cidr) ? 1 : 0) + (has(self.addressGroup) ? 1 : 0) + (has(self.cluster) ? 1 : 0) + (has(self.everyone) ? 1 : 0) == 1',
          'name exactly one of cidr, addressGroup, cluster and everyone',
        ],
        [
          '!has(self.cidr) || !has(self.except) || !isCIDR(self.cidr) || self.except.all(e, isCIDR(e) && cidr(self.cidr).containsCIDR(e))',
          'every except must lie inside cidr',
        ],
      ),
    });

/** A list of sources. */
export const peers = (bound: Bound, most: number, description: string) =>
  bound(z.array(peer(bound)), most).meta({ description, ...ATOMIC });

/** meta/v1 LabelSelector. */
export const selector = (description: string) =>
  z
    .strictObject({
      matchLabels: z.record(z.string(), z.string()).meta({ description: 'Labels that must all be there.' }).optional(),
      matchExpressions: z
        .array(
          z
            .strictObject({
              key: z.string().meta({ description: 'The label.' }),
              operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
              values: z.array(z.string()).max(64).meta(ATOMIC).optional(),
            })
            .meta(
              cel([
                "(self.operator == 'In' || self.operator == 'NotIn') == (has(self.values) && self.values.size() > 0)",
                'In and NotIn need values, Exists and DoesNotExist take none',
              ]),
            ),
        )
        .max(32)
        .meta({ description: 'Requirements that must all hold.', ...ATOMIC })
        .optional(),
    })
    .meta({ description });

/** A pattern checks it, not CEL: for the cost of CEL the text of an int-or-string could have any length. */
const port = z.union([z.int().min(1).max(65_535), z.string().min(1).max(63)]).meta({
  description: 'A Service port name, a node port, or a text such as "30010-30019" or "30001/udp".',
  'x-kubernetes-int-or-string': true,
  pattern: '^([0-9-]*[a-z][-a-z0-9]*|[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?(/(tcp|udp|sctp))?)$',
});

/** A list of ports. */
export const ports = (description: string) =>
  z
    .array(port)
    .min(1)
    .max(4096)
    .meta({ description, ...ATOMIC });

/** Names of Services. */
export const serviceNames = z
  .array(name)
  .min(1)
  .max(256)
  .meta({ description: 'Names of Services of the namespace.', ...SET });

export const exposures = z
  .array(z.enum(['NodePort', 'LoadBalancer', 'ExternalIP']))
  .min(1)
  .max(3)
  .meta({
    description:
      'Which exposures of the selected Services are meant; a LoadBalancer or ExternalIP only when it is named.',
    ...SET,
  });

export const otherwise = (description: string) => z.enum(['Drop', 'Reject']).meta({ description });

export const mode = z.enum(['Enforce', 'Audit']).meta({
  description: 'Audit: count and record whom the policy would refuse, and refuse nobody.',
});

/** Ports that a typing error must not close. */
export const failsafePorts = z
  .array(z.int().min(1).max(65_535))
  .max(16)
  .meta({
    description:
      'Failsafe ports (22, 6443, 10250, …) that this policy may judge where it names them as single numbers. Only in tier Admin.',
    ...SET,
  });
