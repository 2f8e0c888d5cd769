import {
  error,
  fail,
  ok,
  shift,
  warning,
  type Diagnostic,
  type Result,
  type Source,
} from '../diagnostic/diagnostic.ts';
import { isAbsent } from '../ruleset/absent.ts';
import type { Host } from '../ruleset/host.ts';
import { unknownRuleset, type Ruleset, type Coverage } from '../ruleset/ruleset.ts';
import type { AnyTable, Table } from '../ruleset/table.ts';
import { parseConntrack } from './node/conntrack.ts';
import { parseIpText } from './node/ip-text.ts';
import { parseIpsets } from './node/ipset.ts';
import { parseIptables } from './iptables/iptables-save.ts';
import { ipvsDetail, parseIpvsadm } from './node/ipvsadm.ts';
import { joinTables } from './join-tables.ts';
import { parseNftHooks } from './node/nft-hooks.ts';
import { parseNftJson } from './nft/nft-json.ts';
import { parseNftText } from './nft/nft-text.ts';
import { addIp, hintsOf, joinLists, known, readIpJson } from './node/read-host-dumps.ts';
import { recognise, type DumpKind } from './recognise.ts';
import { parseSs } from './node/ss.ts';
import { parseSysctls } from './node/sysctl.ts';

/** What was read from one file. */
export interface ReadInput {
  readonly file: string;
  /** null: it is none of the known dumps, and was left out. */
  readonly kind: DumpKind | null;
  /** Why the file was not read although it is a dump. */
  readonly unused?: string;
  /** The number of rules in it, how many of them are understood, and how many hide a value; for tables only. */
  readonly rules?: number;
  readonly understood?: number;
  readonly redacted?: number;
  /** The tables as the file has them, before those of several files are joined. */
  readonly tables?: readonly AnyTable[];
}

export interface ReadDumps {
  readonly ruleset: Ruleset;
  readonly inputs: readonly ReadInput[];
}

/** Everything that was read so far. */
interface DumpPart {
  readonly nft: { json: readonly Table[] | null; text: readonly Table[] | null };
  readonly iptables: AnyTable[];
  covered: readonly Coverage[];
  parts: Omit<Ruleset, 'tables' | 'covered' | 'host'>;
  host: Host;
  ipvsDetail: number;
  readonly inputs: ReadInput[];
  readonly warnings: Diagnostic[];
  readonly problems: Diagnostic[];
}

/**
 * Joins the dumps of one node. Each is recognised by its content, or by its name where it is empty. What no dump holds
 * is absent, not empty. A file that is no dump is left out and listed with kind null. Fails where a dump cannot be read
 * at all.
 */
export const readDumps = (sources: readonly Source[]): Result<ReadDumps> => {
  const { ipsets, ipvs, host } = unknownRuleset();
  const found: DumpPart = {
    nft: { json: null, text: null },
    iptables: [],
    covered: [],
    parts: { ipsets, ipvs },
    host,
    ipvsDetail: 0,
    inputs: [],
    warnings: [],
    problems: [],
  };
  const kinds = sources.map((source) => recognise(source.text, source.name));
  const json = kinds.includes('nft-json');
  for (const [index, source] of sources.entries()) {
    const kind = kinds[index] ?? null;
    if (kind === 'nft-text' && json)
      found.inputs.push({ file: source.name, kind, unused: 'the same listing is there as JSON, which tells more' });
    else readOne(found, source, kind);
  }
  if (found.problems.length > 0) return fail(...found.problems, ...found.warnings);
  const nft = found.nft.json ?? found.nft.text;
  const joined = joinTables(nft, found.iptables, found.covered);
  found.warnings.push(...joined.warnings);
  const ruleset: Ruleset = { tables: joined.tables, covered: joined.covered, ...found.parts, host: found.host };
  return ok({ ruleset, inputs: found.inputs }, found.warnings);
};

/** Takes the value of a result, or null, and notes its problems. Diagnostics without a source get this one. */
const take = <T>(found: DumpPart, source: Source, result: Result<T>): T | null => {
  const bind = (diagnostic: Diagnostic): Diagnostic =>
    diagnostic.source === undefined ? shift(diagnostic, 0, source) : diagnostic;
  if (result.ok) {
    found.warnings.push(...result.warnings.map(bind));
    return result.value;
  }
  found.problems.push(...result.problems.map(bind));
  return null;
};

const readOne = (found: DumpPart, source: Source, kind: DumpKind | null): void => {
  const input = { file: source.name, kind };
  switch (kind) {
    case 'iptables':
    case 'iptables-listing':
      return readIptables(found, source, kind);
    case 'nft-json':
    case 'nft-text':
      return readNft(found, source, kind);
    case 'ipset': {
      const sets = take(found, source, parseIpsets(source));
      if (sets !== null)
        found.parts = { ...found.parts, ipsets: new Map([...known(found.parts.ipsets, new Map()), ...sets]) };
      break;
    }
    case 'ipvsadm': {
      const services = take(found, source, parseIpvsadm(source));
      // The same services in several forms: the form that shows most counts.
      if (services !== null && (isAbsent(found.parts.ipvs) || ipvsDetail(source.text) > found.ipvsDetail)) {
        found.parts = { ...found.parts, ipvs: services };
        found.ipvsDetail = ipvsDetail(source.text);
      }
      break;
    }
    case 'ip-json':
      found.host = addIp(found.host, take(found, source, readIpJson(source)));
      break;
    case 'ip-text':
      found.host = addIp(found.host, take(found, source, parseIpText(source, hintsOf(source.name))));
      break;
    case 'sysctl': {
      const values = take(found, source, parseSysctls(source));
      if (values !== null)
        found.host = { ...found.host, sysctls: new Map([...known(found.host.sysctls, new Map()), ...values]) };
      break;
    }
    case 'ss':
      found.host = { ...found.host, listeners: joinLists(found.host.listeners, take(found, source, parseSs(source))) };
      break;
    case 'conntrack':
      found.host = {
        ...found.host,
        conntrack: joinLists(found.host.conntrack, take(found, source, parseConntrack(source))),
      };
      break;
    case 'nft-hooks':
      found.host = {
        ...found.host,
        hookOrder: joinLists(found.host.hookOrder, take(found, source, parseNftHooks(source))),
      };
      break;
    case 'snapshot':
      found.problems.push({
        ...error(
          'snapshot-inside',
          'a snapshot cannot be one dump among others',
          undefined,
          'Give it alone: --snapshot FILE',
        ),
        source,
      });
      break;
    case null:
      break;
  }
  found.inputs.push(input);
};

const readIptables = (found: DumpPart, source: Source, kind: 'iptables' | 'iptables-listing'): void => {
  const hints = hintsOf(source.name);
  if (source.text.trim() === '') {
    // iptables-save prints nothing where there are no tables.
    const { engine, family } = hints;
    if (family !== undefined) found.covered = [...found.covered, { engine: engine ?? 'iptables-nft', family }];
    found.inputs.push({ file: source.name, kind, rules: 0, understood: 0, redacted: 0, tables: [] });
    return;
  }
  const dump = take(found, source, parseIptables(source, hints));
  if (dump === null) {
    found.inputs.push({ file: source.name, kind });
    return;
  }
  for (const table of dump.tables) {
    const again = found.iptables.findIndex(
      (other) => other.engine === table.engine && other.family === table.family && other.name === table.name,
    );
    if (again === -1) found.iptables.push(table);
    else
      found.warnings.push({
        ...warning(
          'several-dumps',
          `the ${table.family} table ${table.name} is in two dumps; that of ${found.iptables[again]?.file ?? 'the first'} counts`,
        ),
        source,
      });
  }
  found.covered = [...found.covered, ...dump.covered];
  const { rules, understood, redacted, tables } = dump;
  found.inputs.push({ file: source.name, kind, rules, understood, redacted, tables });
};

const readNft = (found: DumpPart, source: Source, kind: 'nft-json' | 'nft-text'): void => {
  const read =
    source.text.trim() === '' ? ok([]) : kind === 'nft-json' ? parseNftJson(source.text) : parseNftText(source.text);
  const tables = take(found, source, read)?.map((table) => ({ ...table, file: source.name })) ?? null;
  const slot = kind === 'nft-json' ? 'json' : 'text';
  if (tables !== null) found.nft[slot] = [...(found.nft[slot] ?? []), ...tables];
  const rules = tables?.flatMap(({ chains }) => [...chains.values()].flatMap((chain) => chain.rules)) ?? [];
  const understood = rules.filter(
    ({ statements }) => !statements.some((one) => one.kind === 'unknown' || one.kind === 'xt'),
  );
  found.inputs.push({
    file: source.name,
    kind,
    rules: rules.length,
    understood: understood.length,
    redacted: 0,
    tables: tables ?? [],
  });
};
