import { warning, type Diagnostic } from '../diagnostic/diagnostic.ts';
import { isAbsent } from '../ruleset/absent.ts';
import type { Ruleset } from '../ruleset/ruleset.ts';

/**
 * What the simulation takes as a Kubernetes node usually has it, because no dump tells it. It changes where packets go
 * on few nodes, but there it does: so it is said.
 */
export const assumedOf = ({ host: { sysctls, rules } }: Ruleset): readonly Diagnostic[] => [
  ...(isAbsent(sysctls)
    ? [
        warning(
          'assumed-sysctls',
          `${sysctls.why}: the node is taken to forward packets and to take them from any interface (rp_filter 0)`,
          undefined,
          'sysctl -a tells it',
        ),
      ]
    : []),
  ...(isAbsent(rules)
    ? [
        warning(
          'assumed-rules',
          `${rules.why}: routes are taken from the tables local, main and default alone`,
          undefined,
          'ip -j rule tells it',
        ),
      ]
    : []),
];
