import { iptablesExposures } from '../../kube-proxy/iptables-exposures.ts';
import { ipvsExposures } from '../../kube-proxy/ipvs-exposures.ts';
import { nftablesExposures } from '../../kube-proxy/nftables-exposures.ts';
import { isAbsent } from '../../ruleset/absent.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import type { UnnamedExposure } from './found.ts';

/** What kube-proxy's own rules and ipsets say that the node answers on, whatever its mode. */
export const ofKubeProxy = ({ tables, ipsets }: Ruleset): readonly UnnamedExposure[] =>
  [
    ...tables.flatMap(iptablesExposures),
    ...tables.flatMap(nftablesExposures),
    ...(isAbsent(ipsets) ? [] : [...ipsets.values()].flatMap(ipvsExposures)),
  ].map((exposure) => ({ ...exposure, from: 'kube-proxy' }));
