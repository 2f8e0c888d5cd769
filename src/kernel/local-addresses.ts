import { parseAddress, type Address } from '../net/address.ts';
import { runCommand } from './command.ts';

/** Tells the addresses that the kernel counts as this node's own: all in its local routing tables (ip-route(8)). */
export const localAddresses = async (): Promise<(address: Address) => boolean> => {
  const results = await Promise.all(
    ['-4', '-6'].map((family) => runCommand(['ip', family, 'route', 'show', 'table', 'local', 'type', 'local'])),
  );
  const known = new Set<string>();
  for (const result of results) {
    if (result.kind !== 'done') continue;
    for (const word of result.stdout.split(/\s+/)) {
      const parsed = parseAddress(word);
      if (parsed.ok) known.add(`${parsed.value.family} ${parsed.value.value}`);
    }
  }
  return ({ family, value }) => known.has(`${family} ${value}`) || (family === 4 && value >> 24n === 127n);
};
