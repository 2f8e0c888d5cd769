import type { Family } from '../../net/family.ts';
import type { RoutingRule } from '../../ruleset/host.ts';
import { readMasked, readNumber, readRange } from '../values/dump-values.ts';
import { familyOfTexts, readPrefix } from './ip-facts.ts';
import { after, type Words } from './ip-text-words.ts';

const RULE_WORDS: ReadonlySet<string> = new Set(
  'from to fwmark iif oif ipproto sport dport lookup table goto not proto blackhole unreachable prohibit nop suppress_prefixlength [detached] [unresolved]'.split(
    ' ',
  ),
);

const BARE: ReadonlySet<string> = new Set('not blackhole unreachable prohibit nop [detached] [unresolved]'.split(' '));

/** One line of `ip rule`. `hint`: the family, for a rule without an address. */
export const readRule = (words: Words, text: string, hint: Family): RoutingRule => {
  const unknown: string[] = [];
  for (let at = 1; at < words.length; at++) {
    const word = words[at] ?? '';
    if (!RULE_WORDS.has(word)) unknown.push(word);
    else if (!BARE.has(word)) at++;
  }
  const [from, to, mark] = [after(words, 'from'), after(words, 'to'), after(words, 'fwmark')];
  const family = familyOfTexts(from, to) ?? hint;
  return {
    family,
    priority: Number((words[0] ?? '').replace(':', '')),
    negate: words.includes('not'),
    from: from === null || from === 'all' ? null : readPrefix(from),
    to: to === null || to === 'all' ? null : readPrefix(to),
    mark: mark === null ? null : readMasked(mark),
    in: after(words, 'iif'),
    out: after(words, 'oif'),
    protocol: after(words, 'ipproto'),
    sourcePorts: readRange(after(words, 'sport') ?? '', 65_535, '-'),
    destinationPorts: readRange(after(words, 'dport') ?? '', 65_535, '-'),
    action: ruleAction(words),
    unknown,
    text,
  };
};

const ruleAction = (words: Words): RoutingRule['action'] => {
  const target = readNumber(after(words, 'goto') ?? '');
  if (target !== null) return { kind: 'goto', priority: target };
  for (const kind of ['blackhole', 'unreachable', 'prohibit', 'nop'] as const)
    if (words.includes(kind)) return { kind };
  const table = after(words, 'lookup') ?? after(words, 'table') ?? 'main';
  return { kind: 'lookup', table, suppressPrefixLength: readNumber(after(words, 'suppress_prefixlength') ?? '') };
};
