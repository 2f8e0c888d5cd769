import type { Address } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import { SERVICE_LINK } from '../../kube-proxy/well-known.ts';
import { isAbsent } from '../../ruleset/absent.ts';
import type { Host } from '../../ruleset/host.ts';

/** Interfaces that only carry packets of this machine itself or of its pods. */
const INNER = /^(?:lo|cni|cali|veth|lxc|docker|br-|flannel|cilium|kube-|nodelocaldns|dummy|tunl|vxlan|geneve)/;

/**
 * The interfaces by which the outside comes in: those of the default routes, else every one that does not look like a
 * pod's.
 */
export const outerInterfaces = (
  { routes, links, addresses }: Pick<Host, 'routes' | 'links' | 'addresses'>,
  family: Family,
): readonly string[] => {
  const defaults = isAbsent(routes)
    ? []
    : routes
        .filter((route) => route.family === family && route.type === 'unicast' && route.to.length === 0)
        .flatMap(({ device, hops }) => [device, ...hops.map((hop) => hop.device)]);
  const named = [...new Set(defaults.flatMap((name) => name ?? []))];
  if (named.length > 0) return named;
  const all = !isAbsent(links)
    ? links.filter(({ up }) => up).map(({ name }) => name)
    : isAbsent(addresses)
      ? []
      : addresses.map(({ link }) => link);
  return [...new Set(all)].filter((name) => !INNER.test(name));
};

/** The node's own addresses that others can reach it by, those of its outer interfaces first. */
export const nodeAddresses = (host: Host, family: Family): readonly Address[] => {
  const { addresses } = host;
  if (isAbsent(addresses)) return [];
  const outer = outerInterfaces(host, family);
  const rank = (link: string): number => (outer.includes(link) ? 0 : link === SERVICE_LINK ? 2 : 1);
  return addresses
    .filter(({ address, scope }) => address.family === family && scope === 'global')
    .toSorted((a, b) => rank(a.link) - rank(b.link) || Number(a.secondary) - Number(b.secondary))
    .map(({ address }) => address);
};
