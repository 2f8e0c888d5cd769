import type { IptablesTarget, NatRange } from '../../../ruleset/iptables/target.ts';
import { readAddressMask, readAddressRange, readNumber, readRange } from '../../values/dump-values.ts';
import { has, valueOf, type Options, type TargetReader } from './target-reader.ts';

/**
 * `10.0.0.1`, `10.0.0.1-10.0.0.9:80-90`, `[fd00::1]:80`, `:80`, `10.0.0.1:80-90/8000`; null when it is something else.
 */
export const readNatRange = (text: string): NatRange | null => {
  const quick = text.indexOf(':');
  if (quick > 0 && text.charCodeAt(0) !== 91 && text.indexOf(':', quick + 1) === -1 && !text.includes('/')) {
    const addresses = readAddressRange(text.slice(0, quick));
    const ports = readRange(text.slice(quick + 1), 65_535, '-');
    return addresses === null || ports === null ? null : { addresses, ports, basePort: null };
  }
  const bracket = /^\[([^\]]*)\](?:-\[([^\]]*)\])?(?::(.*))?$/.exec(text);
  let addressText: string;
  let portText: string | undefined;
  if (bracket !== null) {
    addressText = bracket[2] === undefined ? (bracket[1] ?? '') : `${bracket[1]}-${bracket[2]}`;
    portText = bracket[3];
  } else {
    // An IPv6 address without brackets has no port behind it.
    const colon = text.indexOf(':');
    const plain = colon === -1 || text.includes(':', colon + 1);
    addressText = plain ? text : text.slice(0, colon);
    portText = plain ? undefined : text.slice(colon + 1);
  }
  const addresses = addressText === '' ? null : readAddressRange(addressText);
  if (addressText !== '' && addresses === null) return null;
  if (portText === undefined) return { addresses, ports: null, basePort: null };
  const slash = portText.indexOf('/');
  const ports = readRange(slash === -1 ? portText : portText.slice(0, slash), 65_535, '-');
  const basePort = slash === -1 ? null : readNumber(portText.slice(slash + 1), 65_535);
  return ports === null || (slash !== -1 && basePort === null) ? null : { addresses, ports, basePort };
};

const nat = (
  options: Options,
  how: 'dnat' | 'snat' | 'masquerade' | 'redirect',
  to: NatRange | null,
): IptablesTarget => ({
  kind: 'nat',
  how,
  to,
  random: has(options, '--random'),
  fullyRandom: has(options, '--random-fully'),
  persistent: has(options, '--persistent'),
});

/** `-j DNAT` and `-j SNAT`; null when the option is not understood. */
export const rewriting =
  (how: 'dnat' | 'snat', option: string): TargetReader =>
  (options) => {
    // Kernels since 2.6.11 take one range only; old dumps can hold several.
    const written = options.filter(({ name }) => name === option);
    const to = written.length === 1 ? readNatRange(written[0]?.values[0] ?? '') : null;
    return to === null ? null : nat(options, how, to);
  };

/** `-j MASQUERADE` and `-j REDIRECT`. */
export const toPorts =
  (how: 'masquerade' | 'redirect'): TargetReader =>
  (options) => {
    const text = valueOf(options, '--to-ports');
    if (text === null) return nat(options, how, null);
    const to = readNatRange(`:${text}`);
    return to === null ? null : nat(options, how, to);
  };

/** `-j NETMAP`; null when it is not understood. */
export const netmap: TargetReader = (options) => {
  const network = readAddressMask(valueOf(options, '--to') ?? '');
  if (network === null) return null;
  const { family, address, mask } = network;
  const hosts = ((1n << (family === 4 ? 32n : 128n)) - 1n) ^ mask;
  // Only a network whose host bits are the last ones can be told by its ends.
  if ((hosts & (hosts + 1n)) !== 0n) return null;
  return {
    kind: 'nat',
    how: 'netmap',
    to: { addresses: { family, first: address, last: address | hosts }, ports: null, basePort: null },
    random: false,
    fullyRandom: false,
    persistent: false,
  };
};
