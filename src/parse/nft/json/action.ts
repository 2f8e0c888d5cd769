import type { Expression } from '../../../ruleset/nft/expression.ts';
import type { NatStatement, Statement } from '../../../ruleset/nft/statement.ts';
import { isRecord } from '../../values/json.ts';
import { readExpression } from './expression.ts';

type Json = Record<string, unknown>;

const wordsOf = (json: unknown): readonly string[] =>
  (Array.isArray(json) ? (json as readonly unknown[]) : [json]).filter((word) => typeof word === 'string');

const optional = (json: unknown): Expression | null | undefined => {
  if (json === undefined) return null;
  return readExpression(json) ?? undefined;
};

const readNat = (how: NatStatement['how'], json: unknown): NatStatement | null => {
  const { addr, port: portJson, family, flags, type_flags: typeFlags } = isRecord(json) ? json : ({} as Json);
  const [address, port] = [optional(addr), optional(portJson)];
  if (address === undefined || port === undefined) return null;
  return {
    kind: 'nat',
    how,
    family: family === 'ip' || family === 'ip6' ? family : null,
    address,
    port,
    flags: [...wordsOf(typeFlags).filter((word) => word === 'prefix'), ...wordsOf(flags)],
    both: address?.kind === 'concat' || (address?.kind === 'map' && holdsTwoParts(address)),
  };
};

/**
 * Whether the data of a map has two parts. A map in a rule shows it; for a named one the statement's `concat` type flag
 * or the map itself does.
 */
const holdsTwoParts = ({ map }: Extract<Expression, { kind: 'map' }>): boolean =>
  map.kind === 'inline' && map.elements.some(({ data }) => data.length === 2);

const readLimit = (json: unknown): Statement | null => {
  if (typeof json === 'string') return { kind: 'object', of: 'limit', name: json };
  if (!isRecord(json) || typeof json['rate'] !== 'number' || typeof json['per'] !== 'string') return null;
  const { rate, per, burst, rate_unit: unit, burst_unit: burstUnit, inv } = json;
  return {
    kind: 'limit',
    rate,
    per,
    burst: typeof burst === 'number' ? burst : 0,
    ...(typeof unit === 'string' && unit !== 'packets' ? { unit } : {}),
    ...(typeof burstUnit === 'string' && unit !== 'packets' && unit !== undefined ? { burstUnit } : {}),
    ...(inv === true ? { over: true } : {}),
  };
};

const logText = (json: unknown): string => {
  if (!isRecord(json)) return '';
  // The text reader gives it as words.
  if (typeof json['text'] === 'string') return json['text'];
  return Object.entries(json)
    .map(([key, value]) =>
      key === 'prefix'
        ? `prefix ${JSON.stringify(value)}`
        : `${key} ${wordsOf(value).join(',') || JSON.stringify(value)}`,
    )
    .join(' ');
};

const OBJECTS = ['ct helper', 'ct timeout', 'ct expectation', 'secmark', 'quota', 'synproxy'] as const;

const plainText = (json: unknown): string =>
  isRecord(json) && typeof json['text'] === 'string'
    ? json['text']
    : isRecord(json)
      ? Object.entries(json)
          .map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
          .join(' ')
      : '';

/** Statements that act on a packet without a verdict (libnftables-json(5), STATEMENTS); null: another one. */
export const readAction = (json: Json): Statement | null => {
  for (const how of ['dnat', 'snat', 'masquerade', 'redirect'] as const)
    if (how in json) return readNat(how, json[how]);
  if ('limit' in json) return readLimit(json['limit']);
  if ('notrack' in json) return { kind: 'notrack' };
  if ('log' in json) return { kind: 'log', text: logText(json['log']) };
  for (const object of OBJECTS) {
    const name = json[object];
    if (typeof name === 'string') return { kind: 'object', of: object, name };
  }
  const { xt, quota, flow, tproxy } = json;
  if (isRecord(quota)) return { kind: 'quota', over: quota['inv'] === true, text: plainText(quota) };
  const connections = json['ct count'];
  if (isRecord(connections) && typeof connections['val'] === 'number')
    return { kind: 'connlimit', count: connections['val'], over: connections['inv'] === true };
  if (isRecord(flow) && typeof flow['flowtable'] === 'string')
    return { kind: 'offload', flowtable: flow['flowtable'].replace(/^@/, '') };
  if (isRecord(tproxy)) {
    const [address, port] = [optional(tproxy['addr']), optional(tproxy['port'])];
    const { family } = tproxy;
    return address === undefined || port === undefined
      ? null
      : { kind: 'tproxy', family: family === 'ip' || family === 'ip6' ? family : null, address, port };
  }
  for (const kind of ['dup', 'fwd', 'synproxy'] as const)
    if (kind in json) return { kind, text: plainText(json[kind]) };
  return isRecord(xt) && typeof xt['name'] === 'string'
    ? { kind: 'xt', type: typeof xt['type'] === 'string' ? xt['type'] : '', name: xt['name'] }
    : null;
};
