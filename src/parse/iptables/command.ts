import {
  error,
  fail,
  ok,
  warning,
  type Diagnostic,
  type Result,
  type Source,
  type Span,
} from '../../diagnostic/diagnostic.ts';
import type { IptablesChange } from '../../change-ruleset/iptables-change.ts';
import type { IptablesRule } from '../../ruleset/iptables/rule.ts';
import { ruleReader, variantsOf } from './rule-reader.ts';
import { readRule } from './rule.ts';
import { emptyWords, splitWords, type Words } from './words.ts';

const HINT =
  'For example: iptables -t nat -I PREROUTING -p tcp ! -s 198.51.100.0/30 --dport 30001 -j REDIRECT --to-ports 65535';

const ACTIONS: Readonly<Record<string, string>> = {
  '--append': '-A',
  '--insert': '-I',
  '--delete': '-D',
  '--replace': '-R',
  '--new-chain': '-N',
  '--policy': '-P',
  '--flush': '-F',
  '--delete-chain': '-X',
};

/** Options that say how the command works, not what it does, with the number of their values. */
const MANNERS: Readonly<Record<string, number>> = {
  '-w': 0,
  '--wait': 0,
  '-n': 0,
  '-v': 0,
  '--verbose': 0,
  '-4': 0,
  '-6': 0,
};

/**
 * Reads one iptables command as a person would type it, `sudo` and quotes included; nothing is run. Problems have their
 * place.
 */
export const parseIptablesCommand = (source: Source): Result<IptablesChange> => {
  const { text } = source;
  const words = emptyWords();
  splitWords(words, text, 0, text.length, true);
  const problem = (code: string, message: string, from: number, to = from) =>
    fail({ ...error(code, message, spanOf(words, from, to), HINT), source });
  let at = words.list[0] === 'sudo' ? 1 : 0;
  const program = /^(?:.*\/)?(ip6?tables)(-nft|-legacy)?$/.exec(words.list[at] ?? '');
  if (program === null) return problem('not-iptables', 'this is no iptables command', at);
  const family = program[1] === 'ip6tables' ? 6 : 4;
  const engine = program[2] === undefined ? null : program[2] === '-nft' ? 'iptables-nft' : 'iptables-legacy';
  let table = 'filter';
  for (at++; at < words.count; at++) {
    const word = words.list[at] ?? '';
    if (word === '-t' || word === '--table') table = words.list[++at] ?? '';
    else if (!(word in MANNERS)) break;
  }
  const word = words.list[at] ?? '';
  const action = ACTIONS[word] ?? word;
  const chain = words.list[at + 1];
  if (!Object.values(ACTIONS).includes(action))
    return problem('no-change', 'this command changes nothing, or in a way that is not known', at);
  if (chain === undefined) return problem('no-chain', 'the chain is missing', at);
  const base = { family, engine, chain } as const;
  // The table can also stand behind the rule.
  const late = words.list.indexOf('-t', at + 2);
  if (late !== -1 && late + 1 < words.count) {
    table = words.list[late + 1] ?? table;
    words.list.splice(late, 2);
    words.starts.splice(late, 2);
    words.ends.splice(late, 2);
    words.count -= 2;
  }
  switch (action) {
    case '-N':
    case '-F':
    case '-X': {
      const kind = action === '-N' ? 'new-chain' : action === '-F' ? 'flush' : 'delete-chain';
      return ok({ ...base, table, what: { kind } });
    }
    case '-P': {
      const policy = words.list[at + 2];
      if (policy !== 'ACCEPT' && policy !== 'DROP') return problem('no-policy', 'a policy is ACCEPT or DROP', at + 2);
      return ok({ ...base, table, what: { kind: 'policy', policy: policy === 'DROP' ? 'drop' : 'accept' } });
    }
    default:
      break;
  }
  const number = action === '-A' ? null : /^[1-9]\d*$/.exec(words.list[at + 2] ?? '');
  const position = number === null ? null : Number(number[0]);
  if (action === '-D' && position !== null) return ok({ ...base, table, what: { kind: 'delete-number', position } });
  const { rules, diagnostics } = readRules(words, at + (position === null ? 2 : 3), source);
  const wrong = diagnostics.filter(({ severity }) => severity === 'error');
  if (wrong.length > 0) return fail(...diagnostics);
  if (action === '-R') {
    if (position === null) return problem('no-position', 'the number of the rule to replace is missing', at + 1);
    return ok({ ...base, table, what: { kind: 'replace', position, rules } }, diagnostics);
  }
  if (action === '-I')
    return ok({ ...base, table, what: { kind: 'insert', position: position ?? 1, rules } }, diagnostics);
  return ok({ ...base, table, what: { kind: action === '-A' ? 'append' : 'delete', rules } }, diagnostics);
};

const spanOf = ({ starts, ends, count }: Words, from: number, to: number): Span =>
  from < count
    ? { start: starts[from] ?? 0, end: ends[Math.min(to, count - 1)] ?? 0 }
    : { start: ends[count - 1] ?? 0, end: (ends[count - 1] ?? 0) + 1 };

/** In a command, what iptables would refuse is an error; a module that we do not know may be known to iptables. */
const readRules = (words: Words, from: number, source: Source) => {
  const reader = ruleReader(source.text, words);
  // A name in capitals that is no target is taken for a chain; whether it is there is seen when the command is applied.
  readRule(reader, from);
  const diagnostics = reader.problems.map((one): Diagnostic => {
    const span = spanOf(words, one.from, one.to);
    if (one.code === 'module-unknown' || one.code === 'target-unknown')
      return { ...warning(one.code, 'what this does is not known: the outcome has an unknown in it', span), source };
    return { ...error(one.code, 'this part of the rule is not understood', span, HINT), source };
  });
  const rules = variantsOf(reader).map((matches): IptablesRule => ({
    kind: 'iptables',
    matches,
    target: reader.target,
    counter: null,
    line: 0,
  }));
  return { rules, diagnostics };
};
