import { readFileSync } from 'node:fs';
import { STATIONS } from '../../src/lab/address-plan.ts';
import { isMode, type Mode } from '../../src/lab/mode.ts';
import type { Place } from '../../src/lab/place.ts';
import type { Probe, Reached } from '../../src/lab/probe.ts';

/**
 * What connections to a real kube-proxy's node came to: one line of captured-outcomes.tsv for one client and mode. An
 * outcome is a word, or `ENDPOINT<SOURCE` for an answer, `own` being the client's own address. Eight tries were
 * captured for each client: where chance left an endpoint out, it was added from the same client's, or the neighbouring
 * clients', other line. Where the router says that there is no such network, it says so five times and then once a
 * second (net.ipv4.route.error_burst): silence counts too; where a neighbour does not answer, three seconds of silence
 * pass before the host is called unreachable.
 */
export interface Captured {
  readonly mode: Mode;
  readonly probe: Probe;
  /** `all` of the outcomes occur; `one` of them, the same each time (session affinity); `any` of them. */
  readonly how: 'all' | 'one' | 'any';
  readonly outcomes: ReadonlySet<string>;
}

/** The captured outcomes of a mode. `from` is a place, with `@ADDRESS` where the client chose its source. */
export const capturedOutcomes = (mode: Mode): readonly Captured[] =>
  readFileSync(new URL('captured-outcomes.tsv', import.meta.url), 'utf8')
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .flatMap(linesOf)
    .filter((line) => line.mode === mode);

const linesOf = (line: string): Captured[] => {
  const [to = '', port = '', protocol = '', modes = '', clients = '', how = '', outcomes = ''] = line.split('\t');
  return modes
    .split(',')
    .filter(isMode)
    .flatMap((mode) =>
      clients.split(',').map((client) => {
        const [from, source] = client.split('@') as [Place, string?];
        const probe = { from, protocol: protocol as Probe['protocol'], to, port: Number(port) };
        return {
          mode,
          probe: source === undefined ? probe : { ...probe, source },
          how: how as Captured['how'],
          outcomes: new Set(outcomes.split(' ')),
        };
      }),
    );
};

/** A result in the words of the table. */
export const outcomeOf = ({ outcome, endpoint, sourceSeen }: Reached, own: readonly string[]): string =>
  endpoint === null || sourceSeen === null ? outcome : `${endpoint}<${own.includes(sourceSeen) ? 'own' : sourceSeen}`;

/**
 * What `own` stands for. Only where the client is not the node: what the node's own address is seen as, is a fact of
 * its own.
 */
export const ownAddresses = ({ from, source }: Probe): readonly string[] =>
  from === 'node-1'
    ? [source ?? '']
    : (STATIONS.find(({ place }) => place === from)?.addresses ?? []).map((address) => address.split('/')[0] ?? '');
