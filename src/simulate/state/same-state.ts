import type { Assumption } from './outcome.ts';
import type { Connection, Grown, Ports, State } from './state.ts';

const samePorts = (a: Ports, b: Ports): boolean =>
  a === b ||
  (a.length === b.length && a.every(({ first, last }, index) => b[index]?.first === first && b[index].last === last));

const sameConnection = (a: State['connection'], b: State['connection']): boolean => {
  if (a === b) return true;
  if (a === null || b === null || typeof a === 'string' || typeof b === 'string') return false;
  const plain: readonly (keyof Connection)[] = ['state', 'dnatDone', 'snatDone', 'dnat', 'snat', 'mark', 'zone'];
  return (
    plain.every((key) => a[key] === b[key]) &&
    a.reply.source === b.reply.source &&
    a.reply.destination === b.reply.destination &&
    samePorts(a.reply.sourcePort, b.reply.sourcePort)
  );
};

/** Whether two routes lead the same way. Marks that led to one may be gone again. */
export const sameRoute = (a: State['route'], b: State['route']): boolean =>
  a === b || (a !== null && b !== null && a.local === b.local && a.device === b.device && a.nextHop === b.nextHop);

const sameAssuming = (a: Grown<Assumption> | null, b: Grown<Assumption> | null): boolean => {
  if (a === b) return true;
  if (a === null || b === null) return false;
  return (
    a.last.what === b.last.what &&
    a.last.holds === b.last.holds &&
    a.last.at.kind === 'rule' &&
    b.last.at.kind === 'rule' &&
    a.last.at.chain === b.last.at.chain &&
    a.last.at.number === b.last.at.number &&
    sameAssuming(a.before, b.before)
  );
};

/** Whether the packets of two states will fare alike from here on, whatever rules follow. */
export const sameFuture = (a: State, b: State): boolean =>
  a.source === b.source &&
  a.destination === b.destination &&
  a.destinationPort === b.destinationPort &&
  a.mark === b.mark &&
  a.out === b.out &&
  a.in === b.in &&
  a.ttl === b.ttl &&
  a.dscp === b.dscp &&
  a.length === b.length &&
  a.template?.zone === b.template?.zone &&
  (a.template === null) === (b.template === null) &&
  a.ipvs === b.ipvs &&
  a.hasSocket === b.hasSocket &&
  sameRoute(a.route, b.route) &&
  samePorts(a.sourcePort, b.sourcePort) &&
  sameConnection(a.connection, b.connection);

/** Whether two states differ in their sources alone. */
export const sameButSources = (a: State, b: State): boolean =>
  sameFuture(a, b) &&
  a.weight.over === b.weight.over &&
  a.weight.of === b.weight.of &&
  a.chances === b.chances &&
  sameAssuming(a.assuming, b.assuming);
