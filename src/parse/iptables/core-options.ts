/** What an option that belongs to no module says. */
export type CoreOption =
  'match' | 'jump' | 'goto' | 'source' | 'destination' | 'in' | 'out' | 'protocol' | 'fragment' | 'counters' | 'family';

/** The options of iptables itself (iptables(8), PARAMETERS). */
export const CORE_OPTIONS: ReadonlyMap<string, CoreOption> = new Map<string, CoreOption>([
  ['-m', 'match'],
  ['--match', 'match'],
  ['-j', 'jump'],
  ['--jump', 'jump'],
  ['-g', 'goto'],
  ['--goto', 'goto'],
  ['-s', 'source'],
  ['--source', 'source'],
  ['--src', 'source'],
  ['-d', 'destination'],
  ['--destination', 'destination'],
  ['--dst', 'destination'],
  ['-i', 'in'],
  ['--in-interface', 'in'],
  ['-o', 'out'],
  ['--out-interface', 'out'],
  ['-p', 'protocol'],
  ['--protocol', 'protocol'],
  ['--proto', 'protocol'],
  ['-f', 'fragment'],
  ['--fragment', 'fragment'],
  ['-c', 'counters'],
  ['--set-counters', 'counters'],
  ['-4', 'family'],
  ['--ipv4', 'family'],
  ['-6', 'family'],
  ['--ipv6', 'family'],
]);
