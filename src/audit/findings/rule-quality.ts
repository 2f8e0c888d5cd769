import { isAbsent } from '../../ruleset/absent.ts';
import { lower } from '../../lower/lower.ts';
import { refText } from '../../lower/rule-ref.ts';
import { refOf } from '../../simulate/state/place.ts';
import { isWrittenByKubernetes } from '../../kube-proxy/chain-role.ts';
import type { Finding, Findings } from './finding.ts';
import { conditionsOf } from '../../lower/rule-conditions.ts';
import { isFinal, matchesAllOf, plainRule, type PlainRule } from './rule-tests.ts';

/**
 * Longer chains are written by programs, which do not shadow their own rules; comparing each with each would take too
 * long.
 */
const MOST_RULES = 500;
const PROGRAMS = /^(?:cali-|CILIUM|cali\w+-)/;

/** Rules that an earlier one leaves no packet: shadowed, or contradicting where both decide differently. */
export const shadowedRules = ({ ruleset }: Findings): readonly Finding[] =>
  ruleset.tables.flatMap((table) =>
    [...table.chains.values()].flatMap((chain) => {
      if (
        chain.rules.length > MOST_RULES ||
        PROGRAMS.test(chain.name) ||
        isWrittenByKubernetes(table, chain.name) ||
        table.name === 'portcullis'
      )
        return [];
      const earlier: { readonly number: number; readonly rule: PlainRule }[] = [];
      return chain.rules.flatMap((rule, index): Finding[] => {
        const plain = plainRule(rule);
        if (plain === null) return [];
        const above = plain.verdict === null ? undefined : earlier.find((one) => matchesAllOf(one.rule, plain));
        if (isFinal(plain.verdict)) earlier.push({ number: index + 1, rule: plain });
        if (above === undefined || plain.verdict === null) return [];
        const first = refText(refOf({ kind: 'rule', table, chain, number: above.number }));
        const contradicts = isFinal(plain.verdict) && plain.verdict.kind !== above.rule.verdict?.kind;
        return [
          {
            id: contradicts ? 'rules-contradict' : 'rule-shadowed',
            severity: contradicts ? 'medium' : 'low',
            ref: refOf({ kind: 'rule', table, chain, number: index + 1 }),
            exposures: [],
            reason: contradicts
              ? `${first} decides otherwise about every packet that this rule matches, and stands before it`
              : `${first} decides about every packet that this rule matches, and stands before it`,
            cure: contradicts ? 'decide which of the two is meant, and delete the other' : 'delete this rule',
          },
        ];
      });
    }),
  );

/** The classic rule sends refused clients to a port on which nothing must listen. */
export const redirectToListener = ({ ruleset }: Findings): readonly Finding[] => {
  const { listeners } = ruleset.host;
  if (isAbsent(listeners)) return [];
  return ruleset.tables.flatMap((table) =>
    [...table.chains.values()].flatMap((chain) =>
      chain.base?.hook !== 'prerouting'
        ? []
        : chain.rules.flatMap((rule, index): Finding[] => {
            for (const step of lower(rule)) {
              if (step.kind !== 'nat' || step.how !== 'redirect') continue;
              const { port } = step.to;
              if (port === null || typeof port === 'string' || port.kind !== 'constant' || port.value.kind !== 'range')
                continue;
              const number = Number(port.value.first);
              const { protocol } = conditionsOf(rule, table.family === 'ip6' ? 6 : 4);
              const listener = listeners.find(
                (one) => one.port === number && (protocol === null || one.protocol === protocol),
              );
              if (listener === undefined) continue;
              const who = listener.programs.length === 0 ? 'something' : listener.programs.join(', ');
              return [
                {
                  id: 'redirect-to-listener',
                  severity: 'high',
                  ref: refOf({ kind: 'rule', table, chain, number: index + 1 }),
                  exposures: [],
                  reason: `this rule redirects to port ${number}, on which ${who} listens: who is redirected there is let in to it`,
                  cure: 'redirect to a port on which nothing listens, or refuse with portcullis restrict',
                },
              ];
            }
            return [];
          }),
    ),
  );
};
