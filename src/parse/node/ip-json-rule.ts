import type { Family } from '../../net/family.ts';
import type { RoutingRule } from '../../ruleset/host.ts';
import { readNumber } from '../values/dump-values.ts';
import { everything, familyOfTexts, readPrefix } from './ip-facts.ts';
import { number, text, type Json } from '../values/json-fields.ts';

const KNOWN_KEYS: ReadonlySet<string> = new Set(
  'priority not src srclen dst dstlen fwmark fwmask iif oif ipproto table sport sport_start sport_end dport dport_start dport_end goto action protocol suppress_prefixlen iif_detached oif_detached unresolved nop'.split(
    ' ',
  ),
);

/** One rule of `ip -j rule`; none where it has no priority. `hint`: the family, for a rule without an address. */
export const readRule = (json: Json, hint: Family): readonly RoutingRule[] => {
  const priority = number(json, 'priority');
  if (priority === null) return [];
  const [from, to] = [text(json, 'src'), text(json, 'dst')];
  const family = familyOfTexts(from, to) ?? hint;
  const mark = text(json, 'fwmark');
  return [
    {
      family,
      priority,
      negate: 'not' in json,
      from: rulePrefix(from, number(json, 'srclen'), family),
      to: rulePrefix(to, number(json, 'dstlen'), family),
      mark:
        mark === null
          ? null
          : { value: readNumber(mark) ?? 0, mask: readNumber(text(json, 'fwmask') ?? '0xffffffff') ?? 0xffff_ffff },
      in: text(json, 'iif'),
      out: text(json, 'oif'),
      protocol: text(json, 'ipproto'),
      sourcePorts: rulePorts(json, 'sport'),
      destinationPorts: rulePorts(json, 'dport'),
      action: ruleAction(json),
      unknown: Object.keys(json).filter((key) => !KNOWN_KEYS.has(key)),
      text: ruleText(json),
    },
  ];
};

const rulePrefix = (address: string | null, length: number | null, family: Family) =>
  address === null || address === 'all'
    ? null
    : (readPrefix(length === null ? address : `${address}/${length}`) ?? everything(family));

const rulePorts = (json: Json, key: 'sport' | 'dport') => {
  const one = number(json, key);
  const [first, last] = [number(json, `${key}_start`) ?? one, number(json, `${key}_end`) ?? one];
  return first === null || last === null ? null : { first, last };
};

const ruleAction = (json: Json): RoutingRule['action'] => {
  const target = number(json, 'goto') ?? readNumber(text(json, 'goto') ?? '');
  if (target !== null) return { kind: 'goto', priority: target };
  const action = text(json, 'action');
  if (action === 'blackhole' || action === 'unreachable' || action === 'prohibit' || action === 'nop')
    return { kind: action };
  const suppress = number(json, 'suppress_prefixlen');
  return {
    kind: 'lookup',
    table: text(json, 'table') ?? String(number(json, 'table') ?? 'main'),
    suppressPrefixLength: suppress,
  };
};

const ruleText = (json: Json): string =>
  [
    `${number(json, 'priority')}:`,
    ...('not' in json ? ['not'] : []),
    'from',
    `${text(json, 'src') ?? 'all'}${number(json, 'srclen') === null ? '' : `/${number(json, 'srclen')}`}`,
    ...(text(json, 'dst') === null ? [] : ['to', text(json, 'dst')]),
    ...(text(json, 'fwmark') === null ? [] : ['fwmark', text(json, 'fwmark')]),
    ...(text(json, 'iif') === null ? [] : ['iif', text(json, 'iif')]),
    ...(text(json, 'oif') === null ? [] : ['oif', text(json, 'oif')]),
    ...('goto' in json ? ['goto', String(json['goto'])] : []),
    ...(text(json, 'table') === null ? [] : ['lookup', text(json, 'table')]),
    ...(text(json, 'action') === null ? [] : [text(json, 'action')]),
  ].join(' ');
