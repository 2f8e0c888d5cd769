import { formatAddress } from '../net/address.ts';
import type { Family } from '../net/family.ts';
import { coversFamily, type Hook } from '../ruleset/hook.ts';
import { lower } from '../ruleset/lower.ts';
import { printIptablesRule } from '../ruleset/print-iptables.ts';
import { printRule } from '../ruleset/print-nft.ts';
import { refText } from '../ruleset/rule-ref.ts';
import type { Ruleset } from '../ruleset/ruleset.ts';
import type { Step } from '../ruleset/step.ts';
import type { AnyChain, AnyTable } from '../ruleset/table.ts';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';
import { refOf, type Place } from '../simulate/place.ts';
import type { Header, Trace, TraceStep } from '../simulate/trace.ts';
import { allSteps } from './branches.ts';
import { endpointText } from './trace-json.ts';

/** A rule of the ruleset that somebody asks about. */
export interface AskedRule {
  readonly table: AnyTable;
  readonly chain: AnyChain;
  /** From 1. */
  readonly number: number;
}

const normalize = (text: string): string =>
  text
    .replace(/^(?:sudo\s+)?(?:ip6?tables|nft)\s+/, '')
    .replace(/(?:-t|--table)\s+\S+\s*/, '')
    .replace(/(?:-A|-I|--append|--insert)\s+\S+(?:\s+\d+)?/, '')
    .replace(/["']/g, '')
    .replace(/\/32\b/g, '')
    .replace(/-m (?:tcp|udp|sctp)\s/g, '')
    .replace(/\s+/g, ' ')
    .trim();

const ruleText = ({ chain, number }: AskedRule): string => {
  const rule = chain.rules[number - 1];
  return rule === undefined ? '' : rule.kind === 'iptables' ? printIptablesRule(rule) : printRule(rule);
};

/** `filter INPUT 3`, `ip6 filter INPUT 3`, or a rule's text. */
export const findRule = ({ tables }: Ruleset, family: Family, asked: string): Result<AskedRule> => {
  const own = tables.filter((table) => coversFamily(table.family, family));
  const [, namedFamily, tableName, chainName, numberText] =
    /^(?:(ip|ip6|inet) )?(\S+) (\S+) (\d+)$/.exec(asked.trim()) ?? [];
  if (tableName !== undefined && chainName !== undefined) {
    const candidates = own.filter(
      ({ name, family: one }) => name === tableName && (namedFamily === undefined || one === namedFamily),
    );
    const table = candidates.find(({ chains }) => chains.has(chainName));
    const chain = table?.chains.get(chainName);
    if (table === undefined || chain === undefined)
      return fail(
        error(
          'rule-unknown',
          `there is no chain ${tableName} ${chainName}`,
          undefined,
          `Tables with chains: ${own.map(({ name, chains }) => `${name} (${[...chains.keys()].slice(0, 3).join(', ')}…)`).join(', ')}`,
        ),
      );
    const number = Number(numberText);
    return number >= 1 && number <= chain.rules.length
      ? ok({ table, chain, number })
      : fail(
          error(
            'rule-unknown',
            `${tableName} ${chainName} has ${chain.rules.length} rules`,
            undefined,
            'Rules count from 1, as iptables -L --line-numbers shows',
          ),
        );
  }
  const wanted = normalize(asked);
  for (const table of own)
    for (const chain of table.chains.values())
      for (let number = 1; number <= chain.rules.length; number++)
        if (normalize(ruleText({ table, chain, number })) === wanted) return ok({ table, chain, number });
  return fail(
    error(
      'rule-unknown',
      `no rule reads ${JSON.stringify(asked.slice(0, 80))}`,
      undefined,
      "Name it by its place: --why-not 'filter INPUT 3'; a rule that is not there yet: --with 'iptables -I …'",
    ),
  );
};

/** Base chains from which a chain can be reached by jumps. */
const basesOf = (table: AnyTable, wanted: AnyChain): readonly AnyChain[] => {
  const callers = new Map<string, AnyChain[]>();
  for (const chain of table.chains.values())
    for (const rule of chain.rules)
      for (const step of lower(rule))
        for (const target of targetsOf(step)) callers.set(target, [...(callers.get(target) ?? []), chain]);
  const found = new Set<AnyChain>([wanted]);
  for (const chain of found) for (const caller of callers.get(chain.name) ?? []) found.add(caller);
  return [...found].filter(({ base }) => base !== null);
};

const targetsOf = (step: Step): readonly string[] => {
  if (step.kind === 'verdict') return 'chain' in step.verdict ? [step.verdict.chain] : [];
  if (step.kind === 'verdict-map' && typeof step.map !== 'string')
    return step.map.flatMap(({ verdict }) => ('chain' in verdict ? [verdict.chain] : []));
  return step.kind === 'choose' ? step.arms.flatMap(({ then }) => (then ?? []).flatMap(targetsOf)) : [];
};

const isAt = (place: Place, { table, chain }: { readonly table: AnyTable; readonly chain: AnyChain }): boolean =>
  place.kind === 'rule' && place.table === table && place.chain === chain;

interface Seen {
  /** Headers at the entries of the base chains that lead to the rule. */
  readonly headers: readonly Header[];
  readonly matched: Extract<TraceStep, { kind: 'rule' }> | null;
  /** A rule of the same base chain that decided before. */
  readonly before: Place | null;
  readonly hooks: ReadonlySet<Hook>;
  readonly rewriting: Extract<TraceStep, { kind: 'rule' }> | null;
  readonly natSkipped: boolean;
  readonly refused: Extract<TraceStep, { kind: 'route' }> | null;
}

const look = (trace: Trace, asked: AskedRule, bases: readonly AnyChain[]): Seen => {
  const headers: Header[] = [];
  const hooks = new Set<Hook>();
  let matched: Seen['matched'] = null;
  let before: Place | null = null;
  let rewriting: Seen['rewriting'] = null;
  let natSkipped = false;
  let refused: Seen['refused'] = null;
  let inside = false;
  for (const step of allSteps(trace.root)) {
    if (step.kind === 'hop') {
      hooks.add(step.hook);
      inside = bases.some((chain) => isAt(step.at, { table: asked.table, chain }));
      if (inside) headers.push(step.header);
    } else if (step.kind === 'rule') {
      if (isAt(step.at, asked) && step.at.kind === 'rule' && step.at.number === asked.number) matched ??= step;
      if (step.effects.some((effect) => effect.kind === 'nat' && effect.how !== 'snat' && effect.how !== 'masquerade'))
        rewriting ??= step;
      const final = step.verdict !== null && ['accept', 'drop', 'reject', 'queue'].includes(step.verdict.kind);
      if (inside && final && matched === null) before ??= step.at;
    } else if (step.kind === 'ipvs') hooks.add(step.hook);
    else if (step.kind === 'nat-skipped' && bases.some(({ base }) => base?.hook === step.hook && base.type === 'nat'))
      natSkipped = true;
    else if (step.kind === 'route' && step.decision === 'refused') refused ??= step;
  }
  return { headers, matched, before, hooks, rewriting, natSkipped, refused };
};

const isNamed = (field: unknown): field is string => typeof field === 'string';

/** Which condition of a rule a packet does not meet, from what its header was at the chain's entry; null: it cannot be told simply. */
const unmetCondition = (family: Family, steps: readonly Step[], header: Header): string | null => {
  const values: Readonly<Record<string, { readonly is: bigint | string | null; readonly name: string }>> = {
    source: { is: header.source, name: 'source address' },
    destination: { is: header.destination, name: 'destination address' },
    'source-port': { is: header.sourcePort === null ? null : BigInt(header.sourcePort), name: 'source port' },
    'destination-port': {
      is: header.destinationPort === null ? null : BigInt(header.destinationPort),
      name: 'destination port',
    },
    'in-interface': { is: header.in, name: 'incoming interface' },
    'out-interface': { is: header.out, name: 'outgoing interface' },
    mark: { is: header.mark, name: 'mark' },
  };
  const isAddress = (field: string): boolean => field === 'source' || field === 'destination';
  for (const step of steps) {
    if (step.kind !== 'test' || !isNamed(step.field)) continue;
    const known = values[step.field];
    if (known === undefined || known.is === null) continue;
    const { is, name } = known;
    const hit = step.values.some((value) => {
      if (value.kind === 'range') return typeof is === 'bigint' && value.first <= is && is <= value.last;
      return value.kind === 'symbol' ? value.name === is : typeof is === 'string' && is.startsWith(value.name);
    });
    if (hit !== step.negate) continue;
    const field = step.field;
    const text = (one: bigint | string): string =>
      typeof one === 'string' ? one : isAddress(field) ? formatAddress({ family, value: one }) : String(one);
    const wanted = step.values
      .map((value) =>
        value.kind === 'range'
          ? value.first === value.last
            ? text(value.first)
            : `${text(value.first)}-${text(value.last)}`
          : value.name,
      )
      .join(', ');
    return `it asks for ${name} ${step.negate ? 'other than ' : ''}${wanted}, and there the packet has ${text(is)}`;
  }
  return null;
};

/** The same rule where it would see the packet. */
const workingForm = (asked: AskedRule, port: number | null): readonly string[] => {
  const rule = asked.chain.rules[asked.number - 1];
  const own = port === null ? [] : [`or: portcullis restrict ${port} --from CIDR`];
  if (rule?.kind !== 'iptables') {
    const text = rule === undefined ? '' : printRule(rule);
    return [
      `a chain with "type filter hook prerouting priority -140" sees it: ${text.replace(/\breject\b.*$/, 'drop')}`,
      ...own,
    ];
  }
  const tool = asked.table.family === 'ip6' ? 'ip6tables' : 'iptables';
  const text = printIptablesRule(rule).replace(/-j REJECT.*$/, '-j DROP');
  return [`${tool} -t mangle -I PREROUTING 1 ${text}`, ...own];
};

/** Why a rule did not see, or did not decide, a packet: sentences, and the form that works. */
export const whyNot = (trace: Trace, asked: AskedRule): readonly string[] => {
  const { family } = trace.packet;
  const place: Place = { kind: 'rule', ...asked };
  const name = refText(refOf(place));
  const rule = asked.chain.rules[asked.number - 1];
  const steps = rule === undefined ? [] : lower(rule);
  const bases = basesOf(asked.table, asked.chain);
  const seen = look(trace, asked, bases);
  const port = trace.packet.destinationPort;
  const text = refOf(place).text;
  const intro = [`${name}: ${text}`];
  if (seen.matched !== null) {
    const { verdict } = seen.matched;
    const final = verdict !== null && ['accept', 'drop', 'reject'].includes(verdict.kind);
    const decides = trace.outcomes.some(
      ({ decidedBy }) => isAt(decidedBy, asked) && decidedBy.kind === 'rule' && decidedBy.number === asked.number,
    );
    return [
      ...intro,
      decides
        ? 'It does see the packet, and decides about it.'
        : final && verdict.kind === 'accept'
          ? 'It does see the packet and accepts it; that ends its own base chain alone, and later chains can still decide otherwise.'
          : 'It does see the packet and matches it, but has no final verdict.',
    ];
  }
  if (bases.length === 0) return [...intro, `No base chain leads to ${asked.chain.name}: no packet ever comes to it.`];
  if (seen.refused !== null && seen.headers.length === 0)
    return [...intro, `The packet does not get so far: ${refOf(seen.refused.at).text}.`];
  if (seen.headers.length === 0) {
    const hook = bases[0]?.base?.hook ?? '';
    if (seen.natSkipped)
      return [
        ...intro,
        "Its nat chain is not asked: nat decides once, at a connection's first packet, and this connection was decided before.",
        'An existing connection is not affected by it; conntrack -D ends such connections, a filter rule before nat sees every packet.',
        ...workingForm(asked, port),
      ];
    const { rewriting } = seen;
    if (hook === 'input' && rewriting !== null) {
      const nat = rewriting.effects.find((effect) => effect.kind === 'nat');
      const to = nat?.kind === 'nat' ? endpointText(family, nat.to) : 'a pod';
      return [
        ...intro,
        `The packet never comes to the hook input: before it, ${refText(refOf(rewriting.at))} has rewritten the destination to ${to}${trace.outcomes.length > 1 ? ' (or another endpoint)' : ''}, so routing sends it to forward.`,
        'A rule that shall see it must stand before the rewriting, in prerouting at a priority below -100:',
        ...workingForm(asked, port),
      ];
    }
    return [
      ...intro,
      `The packet never comes to the hook ${hook}: it passes ${[...seen.hooks].join(', ')}.`,
      ...(hook === 'input' ? workingForm(asked, port) : []),
    ];
  }
  const unmet = seen.headers.map((header) => unmetCondition(family, steps, header)).find((words) => words !== null);
  if (seen.before !== null) {
    const earlier = refOf(seen.before);
    return [
      ...intro,
      `${refText(earlier)} decides before it: ${earlier.text}`,
      ...(unmet === undefined ? [] : [`Besides, ${unmet}.`]),
    ];
  }
  if (unmet !== undefined)
    return [
      ...intro,
      `The packet comes to its chain, but the rule does not match: ${unmet}.`,
      ...(seen.rewriting === null
        ? []
        : [`${refText(refOf(seen.rewriting.at))} has rewritten it before.`, ...workingForm(asked, port)]),
    ];
  return [
    ...intro,
    asked.chain.base === null
      ? `The packet passes the hook, but no rule on its way jumps to ${asked.chain.name}, or the rule's conditions do not hold.`
      : 'The packet comes to its chain, but not all of its conditions hold.',
  ];
};
