import type { TraceEvent } from '../parse/kernel-trace.ts';
import { lower } from '../ruleset/lower.ts';
import type { Ruleset } from '../ruleset/ruleset.ts';
import type { NatStep, Step } from '../ruleset/step.ts';
import type { AnyChain, AnyTable } from '../ruleset/table.ts';
import type { Verdict } from '../ruleset/verdict.ts';
import { refOf, type Place } from '../simulate/place.ts';
import { chainPurpose, shortChain } from './chain-purpose.ts';
import { verdictWords } from './step-words.ts';
import type { TreeLine } from './tree-line.ts';

const line = (kind: TreeLine['kind'], head: string, words: string, level = 0): TreeLine => ({
  kind,
  depth: 0,
  level,
  head,
  words,
});

const tableOf = ({ tables }: Ruleset, { family, table }: TraceEvent): AnyTable | undefined =>
  tables.find((one) => one.family === family && one.name === table && one.engine !== 'iptables-legacy');

const numberOf = (chain: AnyChain | undefined, handle: number | null): number | null => {
  const at = chain?.rules.findIndex((rule) => handle !== null && rule.handle === handle) ?? -1;
  return at === -1 ? null : at + 1;
};

/** `jump services`, `accept`: the kernel's words for a verdict. */
const readVerdict = (text: string | null): Verdict | null => {
  const [kind = '', chain = ''] = (text ?? '').split(' ');
  if (kind === 'jump' || kind === 'goto') return { kind, chain };
  return kind === 'accept' || kind === 'drop' || kind === 'return' || kind === 'continue' ? { kind } : null;
};

/** What the kernel told about one packet, as the lines of the same tree in which simulations are shown. */
export const kernelTree = (ruleset: Ruleset, events: readonly TraceEvent[]): readonly TreeLine[] => {
  const lines: TreeLine[] = [];
  let hook = '';
  let levels = new Map<string, number>();
  for (const [index, event] of events.entries()) {
    const table = tableOf(ruleset, event);
    const chain = table?.chains.get(event.chain);
    switch (event.event.kind) {
      case 'packet': {
        const own = chain?.base?.hook ?? '';
        const { header } = event;
        const after = events[index + 1]?.event;
        const words = `${(chain?.base?.type ?? '').padEnd(7)}${event.family} ${event.table} ${shortChain(event.chain)}`;
        const packet =
          header === null
            ? ''
            : `   ${header.source} → ${header.destination}${header.destinationPort === null ? '' : `:${header.destinationPort}`}`;
        const silent = after?.kind === 'policy' ? `   no match, policy ${after.verdict ?? 'accept'}` : '';
        lines.push(line('hook', own === hook ? '' : own, `${words}${packet}${silent}`));
        hook = own;
        levels = new Map([[event.chain, 0]]);
        break;
      }
      case 'rule': {
        const level = levels.get(event.chain) ?? 0;
        const verdict = readVerdict(event.event.verdict);
        if (verdict !== null && 'chain' in verdict) levels.set(verdict.chain, level + 1);
        const number = event.event.number ?? numberOf(chain, event.event.handle);
        const name = `${level === 0 ? 'rule' : shortChain(event.chain)} ${number ?? `(handle ${event.event.handle})`}`;
        const place: Extract<Place, { kind: 'rule' }> | null =
          table === undefined || chain === undefined || number === null ? null : { kind: 'rule', table, chain, number };
        const words =
          verdict === null || table === undefined
            ? (event.event.verdict ?? 'matches')
            : verdict.kind === 'continue'
              ? 'matches, and goes on'
              : 'chain' in verdict
                ? `→ ${shortChain(verdict.chain)}${purpose(table, verdict.chain)}`
                : place === null
                  ? verdict.kind
                  : (rewriting(place) ?? verdictWords(verdict, place));
        lines.push(
          line('rule', name, words, level),
          line('rule-text', '', place === null ? event.event.text : refOf(place).text, level + 1),
        );
        break;
      }
      case 'policy':
        if (event.event.verdict === 'drop') lines.push(line('rule', 'policy', 'DROP: no rule accepted it'));
        break;
      case 'return':
        break;
    }
  }
  return lines;
};

/** The kernel calls a rewriting an accept; what it wrote stands at the next hook. */
const rewriting = ({ chain, number }: Extract<Place, { kind: 'rule' }>): string | null => {
  const rule = number === 'policy' ? undefined : chain.rules[number - 1];
  const nat = rule === undefined ? undefined : natOf(lower(rule));
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
  const words = chainPurpose(table, chain);
  return words === null ? '' : `: ${words}`;
};
