import type { Diagnostic, Source, Span } from '../../diagnostic/diagnostic.ts';
import type { Family } from '../../net/family.ts';
import type { Counter } from '../../ruleset/values/counter.ts';
import type { IptablesEngine } from '../../ruleset/engine.ts';
import type { IptablesRule } from '../../ruleset/iptables/rule.ts';
import type { IptablesTarget } from '../../ruleset/iptables/target.ts';
import type { Coverage } from '../../ruleset/ruleset.ts';
import type { BaseChain, IptablesTable } from '../../ruleset/table.ts';
import type { RuleReader } from './rule-reader.ts';
import type { Words } from './words.ts';

/** What an iptables dump holds, and how much of it is understood. */
export interface IptablesDump {
  readonly tables: readonly IptablesTable[];
  /** Engines and families of which the dump tells every table; an excerpt tells none. */
  readonly covered: readonly Coverage[];
  /** Lines that are rules. */
  readonly rules: number;
  /** Of these, how many are known in syntax and meaning. */
  readonly understood: number;
  /** Rules with a value that somebody has blacked out (`XX:XX:…`): understood, but what they match is not known. */
  readonly redacted: number;
}

/** What the caller knows about a dump, from its file name or an option; what the dump itself says comes first. */
export interface IptablesHints {
  readonly engine?: IptablesEngine;
  readonly family?: Family;
  readonly table?: string;
}

export interface ChainDraft {
  jump: IptablesTarget | null;
  goto: IptablesTarget | null;
  readonly table: TableDraft;
  readonly name: string;
  base: BaseChain | null;
  rules: IptablesRule[];
  counter: Counter | null;
  line: number;
  declared: boolean;
}

export interface TableDraft {
  engine: IptablesEngine | null;
  family: Family | null;
  name: string | null;
  readonly chains: Map<string, ChainDraft>;
  readonly missing: Set<string>;
  /** Everything up to COMMIT of a whole dump, not an excerpt. */
  whole: boolean;
}

/** What the dump's header, or the prompt above it, says about the tables that follow; null: nothing said. */
interface Said {
  engine: IptablesEngine | null;
  family: Family | null;
  tableName: string | null;
  /** The dump began with its own header and nothing was cut out of it. */
  whole: boolean;
}

/** Where the reading stands. */
interface Position {
  /** From 1. */
  line: number;
  table: TableDraft | null;
  /** The chain of the last rule: the next one mostly belongs to it too. */
  chain: ChainDraft | null;
  /** Its rules that are not in it yet. */
  readonly pending: IptablesRule[];
  /** The last table has come to its COMMIT. */
  committed: boolean;
}

/** What is told of the dump. */
interface Report {
  readonly diagnostics: Diagnostic[];
  /** Diagnostics beyond those that are kept. */
  more: number;
  /** What is told once. */
  readonly noted: Set<string>;
}

/** A dump while it is read. */
export interface SaveState {
  readonly source: Source;
  readonly text: string;
  readonly hints: IptablesHints;
  readonly words: Words;
  readonly rule: RuleReader;
  readonly said: Said;
  readonly at: Position;
  readonly tables: TableDraft[];
  readonly counts: { rules: number; understood: number; redacted: number };
  readonly report: Report;
  /** Lines that are no rules, and where the last of them stands. */
  readonly remarks: { count: number; last: Span };
  /** Where a listing of `iptables -L` begins, if one stands in the text. */
  listing: Span | null;
}

/** Of lines that are no rules, so many are shown one by one. */
export const SHOWN_REMARKS = 5;

/** Only so many of one kind are worth reading. */
const MOST_DIAGNOSTICS = 200;

/** Keeps a diagnostic of the dump; beyond a number of them it is only counted. */
export const note = (reading: SaveState, diagnostic: Diagnostic): void => {
  const { report, source } = reading;
  if (report.diagnostics.length < MOST_DIAGNOSTICS) report.diagnostics.push({ ...diagnostic, source });
  else report.more++;
};

/** The same, once for each key. */
export const noteOnce = (reading: SaveState, key: string, diagnostic: Diagnostic): void => {
  if (reading.report.noted.has(key)) return;
  reading.report.noted.add(key);
  note(reading, diagnostic);
};

export const SAVE_HINT = 'Take the rules with: iptables-save -c (and ip6tables-save -c)';
