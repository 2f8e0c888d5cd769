import type { Family } from '../../net/family.ts';
import type { IptablesRule } from '../../ruleset/iptables/rule.ts';

interface Rules {
  readonly name: string;
  readonly rules: readonly IptablesRule[];
}

const familyOf = ({ matches, target }: IptablesRule): Family | null => {
  for (const match of matches) {
    if (match.kind === 'address') return match.address.family;
    if (match.kind === 'icmp') return match.version;
    if (match.kind === 'extension-header') return 6;
    if (match.kind === 'protocol' && match.protocol === 58) return 6;
    if (match.kind === 'ttl') return match.module === 'hl' ? 6 : 4;
  }
  if (target?.kind === 'reject' && target.word !== 'tcp-reset' && target.word !== '')
    return target.word.startsWith('icmp6') ? 6 : 4;
  if (target?.kind === 'nat') return target.to?.addresses?.family ?? null;
  return null;
};

/** The family that the first rule with an address names; null: no rule names any. */
export const guessFamily = (chains: readonly Rules[]): Family | null => {
  for (const { rules } of chains)
    for (const rule of rules) {
      const family = familyOf(rule);
      if (family !== null) return family;
    }
  return null;
};

/** The table that rules without one come from, by what only one table can hold. */
export const guessTable = (chains: readonly Rules[]): string => {
  const names = new Set(chains.map(({ name }) => name));
  const holds = (test: (rule: IptablesRule) => boolean): boolean => chains.some(({ rules }) => rules.some(test));
  if (holds(({ target }) => target?.kind === 'nat')) return 'nat';
  if (holds(({ target }) => target?.kind === 'ct')) return 'raw';
  if (holds(({ target }) => target?.kind === 'tproxy')) return 'mangle';
  if (names.has('FORWARD') && !names.has('PREROUTING')) return 'filter';
  if (names.has('FORWARD')) return 'mangle';
  if (names.has('POSTROUTING')) return 'nat';
  return names.has('PREROUTING') ? 'raw' : 'filter';
};
