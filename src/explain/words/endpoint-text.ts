import { formatAddress, withPort } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import type { Endpoint } from '../../simulate/state/outcome.ts';

/** `10.244.1.64:8080`, `[fd00::1]:8080`. */
export const endpointText = (family: Family, { address, port }: Endpoint): string => {
  const to = { family, value: address };
  return port === null ? formatAddress(to) : withPort(to, port);
};
