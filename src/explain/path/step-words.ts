import type { Family } from '../../net/family.ts';
import { formatAddress } from '../../net/address.ts';
import type { AnyRule } from '../../ruleset/table.ts';
import type { Verdict } from '../../ruleset/values/verdict.ts';
import type { Place } from '../../simulate/state/place.ts';
import type { Effect, TraceStep } from '../../simulate/state/trace.ts';
import { chainPurpose, shortChain } from './chain-purpose.ts';
import { markText } from '../words/number-words.ts';
import { endpointText } from './trace-json.ts';

/** kube-proxy's mark for packets to be masqueraded (--iptables-masquerade-bit 14). */
const MASQUERADE_MARK = 0x4000n;

const effectWords = (family: Family, effect: Effect): string | null => {
  switch (effect.kind) {
    case 'mark': {
      const bit = (effect.to & MASQUERADE_MARK) !== 0n && (effect.from & MASQUERADE_MARK) === 0n;
      if (bit) return `mark ${markText(effect.to)}: will be masqueraded`;
      return effect.from === effect.to ? null : `mark ${markText(effect.from)} becomes ${markText(effect.to)}`;
    }
    case 'ct-mark':
      return effect.from === effect.to ? null : `connection mark becomes ${markText(effect.to)}`;
    case 'write':
      return `sets ${effect.field}`;
    case 'notrack':
      return 'is taken from connection tracking';
    case 'nat':
      return natWords(family, effect);
    case 'set':
      return null;
    case 'record':
      return effect.what === 'recent' || effect.what === 'dynamic-set'
        ? `the client is remembered in ${shortChain(effect.name)}`
        : null;
    case 'note':
      return effect.what === 'log' ? 'is logged' : effect.what === 'copy' ? 'a copy is sent elsewhere' : null;
  }
};

const natWords = (family: Family, { how, from, to }: Extract<Effect, { kind: 'nat' }>): string => {
  const isSource = how === 'snat' || how === 'masquerade';
  const side = isSource ? 'source' : 'destination';
  // The port that masquerade gives is the kernel's choice.
  const target = how === 'masquerade' ? formatAddress({ family, value: to.address }) : endpointText(family, to);
  return from.address === to.address && from.port === to.port && how !== 'masquerade'
    ? `${side} stays ${target}`
    : `${side} becomes ${target}`;
};

/** A verdict in words; a jump with what the chain is for. */
export const verdictWords = (verdict: Verdict, at: Extract<Place, { kind: 'rule' }>): string => {
  switch (verdict.kind) {
    case 'accept':
      return 'ACCEPT (of this base chain)';
    case 'drop':
      return 'DROP';
    case 'reject':
      return `REJECT with ${verdict.with}`;
    case 'jump':
    case 'goto': {
      const purpose = chainPurpose(at.table, verdict.chain);
      return `→ ${shortChain(verdict.chain)}${purpose === null ? '' : `: ${purpose}`}`;
    }
    case 'return':
      return 'back to the calling chain';
    case 'continue':
      return 'goes on';
    case 'queue':
      return `given to a program (queue ${verdict.first})`;
  }
};

/** What a matched rule does, in words. */
export const ruleWords = (family: Family, step: Extract<TraceStep, { kind: 'rule' }>): string => {
  const effects = step.effects.map((effect) => effectWords(family, effect)).filter((words) => words !== null);
  const rewrites = step.effects.some(({ kind }) => kind === 'nat');
  const verdict =
    step.verdict === null || step.at.kind !== 'rule' || (rewrites && step.verdict.kind === 'accept')
      ? []
      : [verdictWords(step.verdict, step.at)];
  const words = [...effects, ...verdict];
  return words.length === 0 ? 'matches, and goes on' : words.join(', ');
};

/** How often the kernel says a rule has matched; null where the dump does not tell. */
export const packetsOf = (place: Place): bigint | null => {
  if (place.kind !== 'rule' || place.number === 'policy') return null;
  const rule: AnyRule | undefined = place.chain.rules[place.number - 1];
  if (rule === undefined) return null;
  if (rule.kind === 'iptables') return rule.counter?.packets ?? null;
  for (const statement of rule.statements) if (statement.kind === 'counter') return statement.counter.packets;
  return null;
};
