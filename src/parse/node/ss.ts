import { ok, type Result, type Source } from '../../diagnostic/diagnostic.ts';
import type { Family } from '../../net/family.ts';
import type { Listener } from '../../ruleset/host.ts';
import { readAddress, readNumber } from '../values/dump-values.ts';
import { doubtsAbout, linesOf } from '../values/lines.ts';

const PROTOCOLS: ReadonlySet<string> = new Set(['tcp', 'udp', 'sctp']);

/** Reads `ss -lntup` (also with -S): sockets that wait for packets. Lines of other protocols are skipped. */
export const parseSs = (source: Source): Result<readonly Listener[]> => {
  const doubts = doubtsAbout(source);
  const listeners: Listener[] = [];
  for (const line of linesOf(source.text)) {
    const words = line.text.split(/\s+/);
    if (words[0] === 'Netid' || words[0] === 'State') continue;
    const named = PROTOCOLS.has(words[0] ?? '');
    const [state = '', , , local = ''] = named ? words.slice(1) : words;
    if (!named && /^[a-z]\w*$/.test(words[0] ?? '')) continue;
    if (state !== 'LISTEN' && state !== 'UNCONN') {
      doubts.note('not-a-socket', 'this line is not understood', line);
      continue;
    }
    const listener = readLocal(local);
    if (listener === null) doubts.note('socket-unknown', 'this local address is not understood', line);
    else
      listeners.push({
        // Without -t, -u and the like ss omits the first column. A listening socket is then one of TCP.
        protocol: named ? (words[0] as Listener['protocol']) : state === 'LISTEN' ? 'tcp' : 'udp',
        ...listener,
        programs: [...new Set([...line.text.matchAll(/\("([^"]*)",/g)].map((match) => match[1] ?? ''))],
      });
  }
  return ok(listeners, doubts.all);
};

const BOTH: readonly Family[] = [4, 6];

/** `*:80` is both families, `[::]:80` IPv6 only, `127.0.0.53%lo:53` bound to an interface. */
const readLocal = (text: string): Pick<Listener, 'address' | 'families' | 'port' | 'device'> | null => {
  const colon = text.lastIndexOf(':');
  const port = readNumber(text.slice(colon + 1), 65_535);
  if (colon === -1 || port === null) return null;
  const [host = '', device = null] = text.slice(0, colon).replace(/[[\]]/g, '').split('%');
  if (host === '*') return { address: null, families: BOTH, port, device };
  const address = readAddress(host);
  if (address === null) return null;
  return { address: address.value === 0n ? null : address, families: [address.family], port, device };
};
