import { printIptablesRule } from '../../print/iptables.ts';
import { printRule } from '../../print/nft.ts';
import { ruleRef, type RuleRef } from '../../lower/rule-ref.ts';
import type { VirtualServer } from '../../ruleset/ipvs.ts';
import type { AnyChain, AnyTable } from '../../ruleset/table.ts';

/** Where something is decided. Its text is made only where somebody reads it ({@link refOf}). */
export type Place =
  | { readonly kind: 'rule'; readonly table: AnyTable; readonly chain: AnyChain; readonly number: number | 'policy' }
  | { readonly kind: 'ipvs'; readonly server: VirtualServer }
  /** A routing decision: the route, the policy rule or the check, as text; `device`: the one that the route names. */
  | {
      readonly kind: 'routing';
      readonly family: 4 | 6;
      readonly table: string;
      readonly text: string;
      readonly device?: string | null;
    }
  | { readonly kind: 'socket'; readonly family: 4 | 6; readonly text: string };

const textOf = ({ chain, number }: Extract<Place, { kind: 'rule' }>): string => {
  if (number === 'policy') return `policy ${chain.base?.policy ?? 'accept'}`;
  const rule = chain.rules[number - 1];
  if (rule === undefined) return '';
  return rule.kind === 'iptables' ? `-A ${chain.name} ${printIptablesRule(rule)}` : printRule(rule);
};

/** The reference of a place, with its text. */
export const refOf = (place: Place): RuleRef => {
  switch (place.kind) {
    case 'rule':
      return ruleRef(place.table, place.chain, place.number, textOf(place));
    case 'ipvs': {
      const { server } = place;
      return {
        engine: 'ipvs',
        family: server.at?.address.family === 6 ? 'ip6' : 'ip',
        table: '',
        chain: '',
        rule: 'policy',
        ...(server.file === undefined ? {} : { file: server.file }),
        ...(server.line === undefined ? {} : { line: server.line }),
        text: server.text,
        verdict: 'balance',
      };
    }
    case 'routing':
    case 'socket':
      return {
        engine: place.kind,
        family: place.family === 6 ? 'ip6' : 'ip',
        table: place.kind === 'routing' ? place.table : '',
        chain: '',
        rule: 'policy',
        text: place.text,
        verdict: null,
      };
  }
};

/** Equal for equal places. */
export const placeKey = (place: Place): string => {
  switch (place.kind) {
    case 'rule':
      return `${place.table.engine} ${place.table.family} ${place.table.name} ${place.chain.name} ${place.number}`;
    case 'ipvs':
      return `ipvs ${place.server.text}`;
    case 'routing':
    case 'socket':
      return `${place.kind} ${place.family} ${place.text}`;
  }
};
