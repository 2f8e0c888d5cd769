import type { Command } from './command.ts';
import { namespaceOf } from './place.ts';
import { perl } from './program.ts';
import { servers, type Server } from './servers.ts';

/**
 * The command that starts the lab's servers, one process for each place that has some. It ends when all of them listen.
 * They end with the lab. Without `sctp` the SCTP servers are left out, because their kernel cannot open such a socket.
 */
export const serverCommand = (lab: string, { sctp }: { readonly sctp: boolean }): Command => {
  const wanted = servers().filter(({ protocol }) => sctp || protocol !== 'sctp');
  const byPlace = Map.groupBy(wanted, ({ place }) => place);
  return {
    argv: perl(
      'echo.pl',
      ...[...byPlace].map(([place, its]) => [namespaceOf(lab, place), ...its.map(argumentOf)].join(' ')),
    ),
  };
};

const argumentOf = ({ protocol, address, port, name }: Server): string =>
  [protocol, address, port, ...(name === undefined ? [] : [name])].join(',');
