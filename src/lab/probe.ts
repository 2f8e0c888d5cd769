import { ok, type Result } from '../diagnostic/diagnostic.ts';
import { runOrFail } from './command.ts';
import { namespaceOf, type Place } from './place.ts';
import { perl } from './program.ts';

/** One attempt to reach a server: from a place, over a protocol, to an address and port. */
export interface Probe {
  readonly from: Place;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly to: string;
  readonly port: number;
  /** Default: the kernel chooses it. */
  readonly source?: string;
  readonly sourcePort?: number;
  /** Silence for this long, in milliseconds, is a `timeout`; default 500. */
  readonly timeoutMs?: number;
}

/**
 * The result of a probe. `outcome`: `connected` (and answered), `refused` (a reset or ICMP port unreachable),
 * `timeout`, `host-unreachable`, `net-unreachable`, `not-permitted`, `connected-no-answer:` and why, or `error: ` and
 * the system's message.
 */
export interface Reached {
  readonly outcome: string;
  /** The name that the answering server gives itself; null where none answered. */
  readonly endpoint: string | null;
  /** The source address that the server saw. */
  readonly sourceSeen: string | null;
}

/**
 * Runs probes in a lab of this kernel, all at the same time, with one process for each place. Results are in the order
 * of the probes.
 */
export const probe = async (lab: string, probes: readonly Probe[]): Promise<Result<readonly Reached[]>> => {
  const stdin = probes.map((it, index) => `${lineOf(lab, it, index)}\n`).join('');
  const said = await runOrFail({ argv: perl('probe.pl'), stdin });
  if (!said.ok) return said;
  const lines = said.value.split('\n').filter((line) => line !== '');
  const reached = new Map(lines.map(reachedOf));
  return ok(probes.map((_, index) => reached.get(index) ?? SILENCE));
};

const SILENCE: Reached = { outcome: 'error: the probe did not report', endpoint: null, sourceSeen: null };

const lineOf = (
  lab: string,
  { from, protocol, source = '', sourcePort, to, port, timeoutMs = 500 }: Probe,
  id: number,
): string => [namespaceOf(lab, from), id, protocol, source, sourcePort ?? '', to, port, timeoutMs].join('\t');

const reachedOf = (line: string): [number, Reached] => {
  const [id = '', outcome = '', endpoint = '-', source = '-'] = line.split('\t');
  return [Number(id), { outcome, endpoint: orNull(endpoint), sourceSeen: orNull(source) }];
};

const orNull = (text: string): string | null => (text === '-' ? null : text);
