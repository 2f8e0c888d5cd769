import type { Family } from '../../net/family.ts';
import { formatAddress } from '../../net/address.ts';
import { MASQUERADE_MARK } from '../../kube-proxy/well-known.ts';
import type { Verdict } from '../../ruleset/values/verdict.ts';
import type { Effect } from '../../simulate/state/trace.ts';
import { purposeWords, type ChainPurpose } from './chain-purpose.ts';
import { endpointText } from '../words/endpoint-text.ts';
import { markText } from '../words/number-words.ts';
import { BY_NAME, type Naming } from './naming.ts';
import { changesNothing, isOfSource, type RuleView } from './trace-view.ts';

const effectWords = (family: Family, effect: Effect, naming: Naming): string | null => {
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
      return natWords(family, effect, naming);
    case 'set':
      return null;
    case 'record':
      return effect.what === 'recent' || effect.what === 'dynamic-set'
        ? `the client is remembered in ${naming.memory(effect.name)}`
        : null;
    case 'note':
      return effect.what === 'log' ? 'is logged' : effect.what === 'copy' ? 'a copy is sent elsewhere' : null;
  }
};

const natWords = (family: Family, effect: Extract<Effect, { kind: 'nat' }>, naming: Naming): string => {
  const { how, to } = effect;
  // The kernel chooses the port that masquerade writes.
  const target = naming.endpoint(
    how === 'masquerade' ? formatAddress({ family, value: to.address }) : endpointText(family, to),
  );
  return `${isOfSource(effect) ? 'source' : 'destination'} ${changesNothing(effect) ? 'stays' : 'becomes'} ${target}`;
};

/** A verdict in words. A jump has the purpose of its chain (`purpose`). */
export const verdictWords = (verdict: Verdict, purpose: ChainPurpose | null, naming: Naming = BY_NAME): string => {
  switch (verdict.kind) {
    case 'accept':
      return 'ACCEPT (of this base chain)';
    case 'drop':
      return 'DROP';
    case 'reject':
      return `REJECT with ${verdict.with}`;
    case 'jump':
    case 'goto':
      return `→ ${naming.chain(verdict.chain)}${purpose === null ? '' : `: ${purposeWords(purpose, naming)}`}`;
    case 'return':
      return 'back to the calling chain';
    case 'continue':
      return 'goes on';
    case 'queue':
      return `given to a program (queue ${verdict.first})`;
  }
};

/** What a matched rule does, one text for each action. */
export const ruleDeeds = (family: Family, step: RuleView, naming: Naming = BY_NAME): readonly string[] => {
  const effects = step.effects.map((effect) => effectWords(family, effect, naming)).filter((words) => words !== null);
  const rewrites = step.effects.some(({ kind }) => kind === 'nat');
  const { verdict } = step;
  return verdict === null || (rewrites && verdict.kind === 'accept')
    ? effects
    : [...effects, verdictWords(verdict, step.purpose, naming)];
};

/** What a matched rule does, in words. */
export const ruleWords = (family: Family, step: RuleView, naming: Naming): string =>
  ruleDeeds(family, step, naming).join(', ') || 'matches, and goes on';
