import { between, single, symbol, type Value } from '../../ruleset/values/data-type.ts';
import type { Field } from '../../lower/field.ts';
import type { IpSet, IpSetEntry } from '../../ruleset/ipset.ts';

/** An ipset as elements with keys, like any other set. */
export interface IpSetElements {
  readonly elements: readonly { readonly key: readonly Value[]; readonly nomatch: boolean }[];
  readonly hasNomatch: boolean;
  /** An entry was not understood. */
  readonly unknown: boolean;
}

const valuesOf = (entry: IpSetEntry): readonly Value[] | null => {
  const values: Value[] = [];
  for (const part of entry.parts)
    switch (part.kind) {
      case 'addresses':
        values.push(between(part.first, part.last));
        break;
      case 'ports':
        // bitmap:port takes tcp and udp (net/netfilter/ipset/ip_set_getport.c, ip_set_get_ip_port).
        values.push(part.protocol === null ? between(6, 17) : single(part.protocol), between(part.first, part.last));
        break;
      case 'mark':
        values.push(single(part.mark));
        break;
      case 'mac':
        values.push(single(part.address));
        break;
      case 'interface':
        values.push(symbol(part.name));
        break;
      case 'set':
      case 'unknown':
        return null;
    }
  return values;
};

const known = new WeakMap<IpSet, IpSetElements>();

/** Computed once for each set. */
export const ipsetElements = (set: IpSet): IpSetElements => {
  const before = known.get(set);
  if (before !== undefined) return before;
  let unknown = false;
  const elements = set.entries.flatMap((entry) => {
    const key = valuesOf(entry);
    if (key === null) unknown = true;
    return key === null ? [] : [{ key, nomatch: entry.nomatch }];
  });
  const made = { elements, hasNomatch: elements.some(({ nomatch }) => nomatch), unknown };
  known.set(set, made);
  return made;
};

/**
 * What the parts of a set's key read: `hash:ip,port` with `src,dst` reads the source, the protocol and the destination
 * port.
 */
export const ipsetKey = (type: string, directions: readonly ('src' | 'dst')[]): readonly Field[] | null => {
  const parts = type.replace(/^[a-z]+:/, '').split(',');
  const fields: Field[] = [];
  for (const [index, part] of parts.entries()) {
    const source = (directions[index] ?? directions.at(-1)) === 'src';
    switch (part) {
      case 'ip':
      case 'net':
        fields.push(source ? 'source' : 'destination');
        break;
      case 'port':
        fields.push('protocol', source ? 'source-port' : 'destination-port');
        break;
      case 'iface':
        fields.push(source ? 'in-interface' : 'out-interface');
        break;
      case 'mac':
        fields.push(source ? 'source-mac' : 'destination-mac');
        break;
      case 'mark':
        fields.push('mark');
        break;
      default:
        return null;
    }
  }
  return fields;
};
