import type { TableFamily } from '../ruleset/values/table-family.ts';
import { ok, type Result } from '../diagnostic/diagnostic.ts';
import { readNumber32, readText, text, visitAttributes, type Attribute } from './attribute.ts';
import { FAMILY_NUMBER, FLAG, HEADER, MESSAGE, NFTA, SET_FLAG, TABLE_FLAG } from './constants.ts';
import { malformed, nftables, type Message, type Received } from './message.ts';

const FAMILY_OF: ReadonlyMap<number, TableFamily> = new Map(
  (Object.keys(FAMILY_NUMBER) as TableFamily[]).map((family) => [FAMILY_NUMBER[family], family]),
);

/** The family of a number; null for one that is not known. */
export const familyOf = (number: number): TableFamily | null => FAMILY_OF.get(number) ?? null;

/** A table that somebody has. */
export interface ListedTable {
  readonly family: TableFamily;
  readonly name: string;
  readonly isDormant: boolean;
}

/** Where a base chain is attached. */
export interface ListedHook {
  /** The hook's number within the family (NF_INET_PRE_ROUTING, …). */
  readonly number: number;
  readonly priority: number;
  readonly devices: readonly string[];
}

export interface ListedChain {
  readonly family: TableFamily;
  readonly table: string;
  readonly name: string;
  readonly type: string | null;
  /** null: a chain that is only jumped to. */
  readonly hook: ListedHook | null;
  readonly policy: number | null;
}

export interface ListedFlowtable {
  readonly family: TableFamily;
  readonly table: string;
  readonly name: string;
  readonly hook: ListedHook | null;
}

export interface ListedSet {
  readonly family: TableFamily;
  readonly table: string;
  readonly name: string;
  /** Bytes of a key. */
  readonly keyLength: number;
  readonly isInterval: boolean;
  readonly isConcatenation: boolean;
  readonly isAnonymous: boolean;
  readonly isMap: boolean;
  readonly isDynamic: boolean;
}

const ask = (message: number, family: TableFamily | null, attributes: readonly Attribute[]): Message => ({
  type: nftables(message),
  flags: FLAG.request | FLAG.dump,
  family: family === null ? 0 : FAMILY_NUMBER[family],
  attributes,
});

/** Asks for everybody's tables, chains, flowtables and sets. */
export const askTables: Message = ask(MESSAGE.getTable, null, []);
export const askChains: Message = ask(MESSAGE.getChain, null, []);
export const askFlowtables: Message = ask(MESSAGE.getFlowtable, null, []);
export const askSets = (family: TableFamily | null = null, table: string | null = null): Message =>
  ask(MESSAGE.getSet, family, table === null ? [] : [text(NFTA.set.table, table)]);

/** What an object's message says, by its kind; null: a message of another kind. */
export type ListedObject =
  | { readonly kind: 'table'; readonly object: ListedTable }
  | { readonly kind: 'chain'; readonly object: ListedChain }
  | { readonly kind: 'flowtable'; readonly object: ListedFlowtable }
  | { readonly kind: 'set'; readonly object: ListedSet };

const readDevices = (view: DataView, first: number, end: number): readonly string[] | null => {
  const devices: string[] = [];
  const whole = visitAttributes(view, first, end, (type, from, to) => {
    if (type === NFTA.device.name) devices.push(readText(view, from, to));
  });
  return whole ? devices : null;
};

/** NFTA_HOOK_* and NFTA_FLOWTABLE_HOOK_* differ in where the devices stand; a priority has a sign. */
const readHook = (view: DataView, first: number, end: number, deviceList: number): ListedHook | null => {
  const read = { number: null as number | null, priority: null as number | null, devices: [] as readonly string[] };
  let isWrong = false;
  const whole = visitAttributes(view, first, end, (type, from, to) => {
    if (type === NFTA.hook.number) read.number = readNumber32(view, from, to);
    else if (type === NFTA.hook.priority && to - from === 4) read.priority = view.getInt32(from);
    else if (type === deviceList) {
      const devices = readDevices(view, from, to);
      if (devices === null) isWrong = true;
      else read.devices = devices;
    } else if (type === NFTA.hook.device) read.devices = [readText(view, from, to)];
  });
  const { number, priority, devices } = read;
  return whole && !isWrong && number !== null && priority !== null ? { number, priority, devices } : null;
};

/** What the attributes of a message say, each by its type; null where they are cut. */
const attributesOf = ({ view, first, end }: Received): ReadonlyMap<number, readonly [number, number]> | null => {
  const places = new Map<number, readonly [number, number]>();
  const whole = visitAttributes(view, first + HEADER.netfilter, end, (type, from, to) => places.set(type, [from, to]));
  return whole ? places : null;
};

/**
 * Reads a message that tells of a table, chain, flowtable or set. An error where it is cut, or lacks its name or
 * family.
 */
export const readObject = (message: Received): Result<ListedObject | null> => {
  const { view, type, first, end } = message;
  const kind = KIND_OF.get(type);
  if (kind === undefined) return ok(null);
  const family = end - first < HEADER.netfilter ? null : familyOf(view.getUint8(first));
  const places = attributesOf(message);
  if (family === null || places === null) return malformed(`a ${kind} is cut or of a family that is not known`);
  const textAt = (number: number): string | null => {
    const place = places.get(number);
    return place === undefined ? null : readText(view, ...place);
  };
  const numberAt = (number: number): number | null => {
    const place = places.get(number);
    return place === undefined ? null : readNumber32(view, ...place);
  };
  const incomplete = malformed(`a ${kind} lacks its name`);
  switch (kind) {
    case 'table': {
      const name = textAt(NFTA.table.name);
      const isDormant = ((numberAt(NFTA.table.flags) ?? 0) & TABLE_FLAG.dormant) !== 0;
      return name === null ? incomplete : ok({ kind, object: { family, name, isDormant } });
    }
    case 'chain': {
      const [table, name] = [textAt(NFTA.chain.table), textAt(NFTA.chain.name)];
      if (table === null || name === null) return incomplete;
      const place = places.get(NFTA.chain.hook);
      const hook = place === undefined ? null : readHook(view, ...place, NFTA.hook.devices);
      if (place !== undefined && hook === null) return malformed(`the hook of the chain ${name}`);
      const policy = numberAt(NFTA.chain.policy);
      return ok({ kind, object: { family, table, name, type: textAt(NFTA.chain.type), hook, policy } });
    }
    case 'flowtable': {
      const [table, name] = [textAt(NFTA.flowtable.table), textAt(NFTA.flowtable.name)];
      if (table === null || name === null) return incomplete;
      const place = places.get(NFTA.flowtable.hook);
      const hook = place === undefined ? null : readHook(view, ...place, NFTA.flowtableHook.devices);
      if (place !== undefined && hook === null) return malformed(`the hook of the flowtable ${name}`);
      return ok({ kind, object: { family, table, name, hook } });
    }
    case 'set': {
      const [table, name] = [textAt(NFTA.set.table), textAt(NFTA.set.name)];
      const keyLength = numberAt(NFTA.set.keyLength);
      if (table === null || name === null || keyLength === null) return incomplete;
      const flags = numberAt(NFTA.set.flags) ?? 0;
      const object = {
        family,
        table,
        name,
        keyLength,
        isInterval: (flags & SET_FLAG.interval) !== 0,
        isConcatenation: (flags & SET_FLAG.concatenation) !== 0,
        isAnonymous: (flags & SET_FLAG.anonymous) !== 0,
        isMap: (flags & SET_FLAG.map) !== 0,
        isDynamic: (flags & SET_FLAG.dynamic) !== 0,
      };
      return ok({ kind, object });
    }
  }
};

const KIND_OF: ReadonlyMap<number, ListedObject['kind']> = new Map([
  [nftables(MESSAGE.newTable), 'table'],
  [nftables(MESSAGE.newChain), 'chain'],
  [nftables(MESSAGE.newFlowtable), 'flowtable'],
  [nftables(MESSAGE.newSet), 'set'],
]);
