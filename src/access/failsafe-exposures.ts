import { warning, type Diagnostic } from '../diagnostic/diagnostic.ts';
import { addressUnion, hasAddress } from '../net/address-set.ts';
import { formatPorts } from '../net/port.ts';
import type { Protocol } from '../net/protocol.ts';
import type { Declared, Policy } from '../policy/model.ts';
import { policyName } from './evaluate.ts';
import { nameOf, type ServiceExposure } from './exposures.ts';
import { failsafeAt, failsafesOf, isNumber, permittedFailsafes } from './failsafes.ts';
import type { AccessOptions } from './model.ts';
import { atOrigin } from '../policy/origin.ts';

/** Whether a policy that selects an exposure may judge it, and what was passed over so far. */
export interface FailsafeGuard {
  readonly mayJudge: (policy: Policy, exposure: ServiceExposure) => boolean;
  readonly warnings: readonly Diagnostic[];
}

/**
 * No selection covers a failsafe port of the node, also where a Service uses it: only a policy that names it as a
 * single number, with leave. A VIP's ports are not the node's, unless the VIP is an address of a Node.
 */
export const failsafeGuard = (declared: Declared, options: AccessOptions): FailsafeGuard => {
  const failsafes = failsafesOf(options);
  const nodes = addressUnion(...declared.nodes.map(({ addresses }) => addresses));
  const warnings: Diagnostic[] = [];
  return {
    warnings,
    mayJudge: (policy, { protocol, port, address, service }) => {
      const safe = address === null || hasAddress(nodes, address) ? failsafeAt(failsafes, protocol, port) : null;
      if (safe === null || (namesIt(policy, port, protocol) && permittedFailsafes(policy, options).includes(port)))
        return true;
      warnings.push(
        atOrigin(
          warning(
            'failsafe-passed-over',
            `${policyName(policy)} passes over ${formatPorts({ first: port, last: port }, protocol)} (${safe.what}) of ${nameOf(service)}`,
            undefined,
            'Name it as a single number with --allow-failsafe to guard it',
          ),
          policy.origin,
        ),
      );
      return false;
    },
  };
};

const namesIt = (policy: Policy, port: number, protocol: Protocol): boolean => {
  const items =
    policy.kind === 'NodePortPolicy' ? policy.ports : policy.subject.kind === 'ports' ? policy.subject.items : null;
  return (items ?? []).some((item) => isNumber(item, port, protocol));
};
