import { readDestination, readSender } from '../../src/explain/question/packet-request.ts';
import { resolvePacket } from '../../src/explain/question/resolve-packet.ts';
import { withCommand } from '../../src/explain/why/what-if.ts';
import { whoWords } from '../../src/explain/question/who-words.ts';
import type { Ruleset } from '../../src/ruleset/ruleset.ts';
import type { ConnectionState } from '../../src/simulate/state/packet-set.ts';
import { simulate } from '../../src/simulate/simulate.ts';
import type { Trace } from '../../src/simulate/state/trace.ts';
import { good } from './good.ts';

/** The way of a packet that is asked for as at the command line, and the words for who sends what. */
export const ask = (
  ruleset: Ruleset,
  from: string,
  to: string,
  { state = 'new', entry = null }: { readonly state?: ConnectionState; readonly entry?: string | null } = {},
): { readonly trace: Trace; readonly who: string } => {
  const request = { from: good(readSender(from)), ...good(readDestination(to)), in: entry, state, sourcePort: null };
  return { trace: simulate(ruleset, good(resolvePacket(ruleset, request))), who: whoWords(ruleset, request) };
};

/** A ruleset after commands of iptables and nft. */
export const after = (ruleset: Ruleset, ...commands: readonly string[]): Ruleset =>
  commands.reduce((now, command) => good(withCommand(now, command)), ruleset);
