import type { TraceEvent } from '../../kernel-trace/nft-trace.ts';
import { lower } from '../../lower/lower.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import type { NatStep, Step } from '../../lower/step.ts';
import type { AnyChain, AnyTable } from '../../ruleset/table.ts';
import type { Verdict } from '../../ruleset/values/verdict.ts';
import { tableOf, type KernelHop } from '../../kernel-trace/kernel-hops.ts';
import { refOf, type Place } from '../../simulate/state/place.ts';
import { shortChain } from '../../kube-proxy/names.ts';
import { chainPurpose, purposeWords } from './chain-purpose.ts';
import { verdictWords } from './step-words.ts';
import { line as lineAt, type TreeLine } from '../words/tree-line.ts';

type RulePlace = Extract<Place, { kind: 'rule' }>;

const line = (kind: TreeLine['kind'], head: string, words: string, level = 0): TreeLine =>
  lineAt(kind, 0, head, words, level);

/** The place of a rule; null: the event belongs to no rule, or the rule is in no dump. */
const numberOf = (chain: AnyChain | undefined, { event }: TraceEvent): number | null => {
  if (event.kind === 'packet') return null;
  // Legacy iptables reports a rule without conditions as a policy or a return, but with its number.
  if (event.number != null) return event.number <= (chain?.rules.length ?? 0) ? event.number : null;
  if (event.kind !== 'rule' || event.handle === null) return null;
  const at = chain?.rules.findIndex(({ handle }) => handle === event.handle) ?? -1;
  return at === -1 ? null : at + 1;
};

/** `jump services`, `accept`: the kernel's words for a verdict. */
const readVerdict = (text: string): Verdict | null => {
  const [kind = '', chain = ''] = text.split(' ');
  if (kind === 'jump' || kind === 'goto') return { kind, chain };
  return kind === 'accept' || kind === 'drop' || kind === 'return' || kind === 'continue' ? { kind } : null;
};

/** nft reports the verdict. Legacy iptables does not, so that it is the one of the rule itself. */
const verdictOf = ({ engine, event }: TraceEvent, place: RulePlace | null): Verdict | null => {
  if (engine === 'nft') return event.kind === 'rule' && event.verdict !== null ? readVerdict(event.verdict) : null;
  const step = place === null ? undefined : stepsOf(place).find(({ kind }) => kind === 'verdict');
  return step?.kind === 'verdict' ? step.verdict : place === null ? null : { kind: 'continue' };
};

const wordsOf = (table: AnyTable | undefined, event: TraceEvent, place: RulePlace | null): string => {
  const verdict = verdictOf(event, place);
  if (verdict === null || table === undefined)
    return (event.event.kind === 'rule' ? event.event.verdict : null) ?? 'matches';
  if ('chain' in verdict) return `→ ${shortChain(verdict.chain)}${purpose(table, verdict.chain)}`;
  const rewritten = place === null ? null : rewriting(place);
  if (rewritten !== null) return rewritten;
  if (verdict.kind === 'continue') return 'matches, and goes on';
  return place === null ? verdict.kind : verdictWords(verdict, null);
};

/** Most names of chains are shorter. */
const HEAD = 38;

const headOf = ({ engine, family, table, chain, header, events }: KernelHop, known: AnyChain | undefined): string => {
  const flavour = engine === 'iptables-legacy' ? ' (legacy)' : '';
  const words = `${(known?.base?.type ?? '').padEnd(7)}${family} ${table} ${shortChain(chain)}${flavour}`;
  const port = header?.destinationPort == null ? '' : `:${header.destinationPort}`;
  const packet = header === null ? '' : ` ${header.source} → ${header.destination}${port}`;
  const [first] = events;
  const isSilent = first?.event.kind === 'policy' && numberOf(known, first) === null;
  const policy = first?.event.kind === 'policy' ? (first.event.verdict ?? known?.base?.policy ?? 'accept') : '';
  return `${words.padEnd(HEAD)}${packet}${isSilent ? `   no match, policy ${policy}` : ''}`;
};

const hopLines = (ruleset: Ruleset, hop: KernelHop): readonly TreeLine[] => {
  const table = tableOf(ruleset, hop);
  const levels = new Map([[hop.chain, 0]]);
  return hop.events.flatMap((event) => {
    const chain = table?.chains.get(event.chain);
    const number = numberOf(chain, event);
    if (event.event.kind !== 'rule' && number === null) {
      const policy = event.event.kind === 'policy' ? (event.event.verdict ?? chain?.base?.policy) : null;
      return policy === 'drop' ? [line('rule', 'policy', 'DROP: no rule accepted it')] : [];
    }
    const place =
      table === undefined || chain === undefined || number === null
        ? null
        : ({ kind: 'rule', table, chain, number } as const);
    const level = levels.get(event.chain) ?? 0;
    const verdict = verdictOf(event, place);
    if (verdict !== null && 'chain' in verdict) levels.set(verdict.chain, level + 1);
    const { handle, text } = event.event.kind === 'rule' ? event.event : { handle: null, text: '' };
    const shown = number ?? (handle === null ? '' : `(handle ${handle})`);
    const head = `${level === 0 ? 'rule' : shortChain(event.chain)} ${shown}`.trimEnd();
    const written = place === null ? text : refOf(place).text;
    return [
      line('rule', head, wordsOf(table, event, place), level),
      ...(written === '' ? [] : [line('rule-text', '', written, level + 1)]),
    ];
  });
};

/** What the kernel reported about one packet, as lines of the same tree that shows simulations. */
export const kernelTree = (ruleset: Ruleset, hops: readonly KernelHop[]): readonly TreeLine[] => {
  let hook = '';
  return hops.flatMap((hop) => {
    const chain = tableOf(ruleset, hop)?.chains.get(hop.chain);
    const own = chain?.base?.hook ?? '';
    const head = line('hook', own === hook ? '' : own, headOf(hop, chain));
    hook = own;
    return [head, ...hopLines(ruleset, hop)];
  });
};

const stepsOf = ({ chain, number }: RulePlace): readonly Step[] => {
  const rule = number === 'policy' ? undefined : chain.rules[number - 1];
  return rule === undefined ? [] : lower(rule);
};

/** The kernel reports a rewriting as an accept. What it wrote is visible at the next hook. */
const rewriting = (place: RulePlace): string | null => {
  const nat = natOf(stepsOf(place));
  if (nat === undefined) return null;
  return nat.how === 'snat' || nat.how === 'masquerade' ? 'rewrites the source' : 'rewrites the destination';
};

const natOf = (steps: readonly Step[]): NatStep | undefined => {
  for (const step of steps) {
    if (step.kind === 'nat') return step;
    if (step.kind !== 'choose') continue;
    for (const { then } of step.arms) {
      const inner = then === null ? undefined : natOf(then);
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
};

const purpose = (table: AnyTable, chain: string): string => {
  const found = chainPurpose(table, chain);
  return found === null ? '' : `: ${purposeWords(found)}`;
};
