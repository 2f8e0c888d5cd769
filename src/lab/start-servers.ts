import { spawn } from 'node:child_process';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { namespaceOf, type Place } from './place.ts';
import { programPath } from './program.ts';
import { servers, type Server } from './servers.ts';

/**
 * Starts the lab's servers, one process for each place that has some, and waits until all listen. They outlive this process and
 * end with the lab. Without `sctp` those servers are left out (their kernel cannot open such a socket).
 */
export const startServers = async (lab: string, { sctp }: { readonly sctp: boolean }): Promise<Result<null>> => {
  const wanted = servers().filter(({ protocol }) => sctp || protocol !== 'sctp');
  const places = [...new Set(wanted.map(({ place }) => place))];
  const started = await Promise.all(
    places.map((place) =>
      startIn(
        lab,
        place,
        wanted.filter((it) => it.place === place),
      ),
    ),
  );
  const problems = started.flatMap((result) => (result.ok ? [] : result.problems));
  return problems.length > 0 ? fail(...problems) : ok(null);
};

const argumentOf = ({ protocol, address, port, name }: Server): string =>
  [protocol, address, port, ...(name === undefined ? [] : [name])].join(',');

const startIn = (lab: string, place: Place, wanted: readonly Server[]): Promise<Result<null>> =>
  new Promise((resolve) => {
    const server = ['perl', programPath('echo.pl'), ...wanted.map(argumentOf)];
    const child = spawn('ip', ['netns', 'exec', namespaceOf(lab, place), ...server], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    const failed = (why: string): void =>
      resolve(fail(error('server-not-started', `the servers of ${place} did not start: ${why.trim()}`)));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.on('error', (problem) => failed(problem.message));
    child.on('close', (status) => failed(said === '' ? `status ${status}` : said));
    child.stdout.once('data', () => {
      // From here on it is on its own: nothing of it keeps this process alive.
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      resolve(ok(null));
    });
  });
