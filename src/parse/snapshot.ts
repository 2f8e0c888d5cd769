import * as z from 'zod';
import { error, fail, ok, type Result, type Source } from '../diagnostic/diagnostic.ts';

/** What one command printed, or why it printed nothing. */
export interface Dump {
  /** `iptables-nft-save`, `ip-addr`, …: stable names. */
  readonly name: string;
  readonly command: readonly string[];
  /** RFC 3339. */
  readonly begin: string;
  readonly end: string;
  readonly text: string | null;
  /** Why there is no text. */
  readonly absent?: string | undefined;
}

/** All dumps of one node in one file. */
export interface Snapshot {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'Snapshot';
  readonly version: 1;
  readonly node: string;
  readonly kernel: string;
  /** RFC 3339. */
  readonly taken: string;
  /** First lines of `nft --version` and its like. */
  readonly tools: Readonly<Record<string, string>>;
  readonly dumps: readonly Dump[];
  readonly warnings: readonly string[];
}

export const API_VERSION = 'portcullis.dev/v1alpha1';

const schema = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('Snapshot'),
  version: z.literal(1),
  node: z.string(),
  kernel: z.string(),
  taken: z.string(),
  tools: z.record(z.string(), z.string()),
  dumps: z.array(
    z.object({
      name: z.string(),
      command: z.array(z.string()),
      begin: z.string(),
      end: z.string(),
      text: z.string().nullable(),
      absent: z.string().optional(),
    }),
  ),
  warnings: z.array(z.string()),
});

/** Whether a text looks like the file of a snapshot. */
export const isSnapshotText = (text: string): boolean =>
  /^\s*\{[^{]{0,400}"kind":\s*"Snapshot"/.test(text.slice(0, 1000));

/** Reads the file that `portcullis snapshot` wrote. */
export const readSnapshot = ({ name, text }: Source): Result<Snapshot> => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return fail(
      error(
        'snapshot-damaged',
        `${name} is not a whole JSON file`,
        undefined,
        'Take it anew: portcullis snapshot -o FILE',
      ),
    );
  }
  const checked = schema.safeParse(json);
  if (checked.success) return ok(checked.data);
  const [issue] = checked.error.issues;
  const where = issue?.path.join('.') ?? '';
  return where === 'version'
    ? fail(error('snapshot-newer', `${name} was written by a newer portcullis`, undefined, 'Read it with that version'))
    : fail(error('snapshot-damaged', `${name} is no snapshot: ${where} ${issue?.message ?? ''}`));
};

/** The dumps of a snapshot as texts that can be read one by one. Those that are absent are left out. */
export const snapshotSources = (snapshot: Snapshot): readonly Source[] =>
  snapshot.dumps.flatMap(({ name, text }) => (text === null ? [] : [{ name, text }]));
