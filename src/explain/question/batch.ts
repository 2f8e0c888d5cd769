import * as z from 'zod';
import { error, fail, ok, type Result } from '../../diagnostic/diagnostic.ts';
import { readDestination, readSender, STATES, type PacketRequest } from './packet-request.ts';

/**
 * What must hold for every outcome of a packet. An array means any of its values. `endpoints`: all places where the
 * packet can end.
 */
export interface Expectation {
  readonly result?: string | readonly string[] | undefined;
  readonly to?: string | null | readonly (string | null)[] | undefined;
  readonly source?: string | null | readonly (string | null)[] | undefined;
  readonly client?: string | readonly string[] | undefined;
  readonly endpoints?: readonly string[] | undefined;
}

const oneOrMore = z.union([z.string(), z.array(z.string())]);
const nullable = z.union([z.string(), z.null(), z.array(z.union([z.string(), z.null()]))]);

const schema = z.strictObject({
  from: z.string(),
  to: z.string(),
  in: z.string().optional(),
  state: z.enum(STATES).optional(),
  sport: z.number().int().min(1).max(65_535).optional(),
  expect: z
    .strictObject({
      result: oneOrMore.optional(),
      to: nullable.optional(),
      source: nullable.optional(),
      client: oneOrMore.optional(),
      endpoints: z.array(z.string()).optional(),
    })
    .optional(),
});

export interface BatchLine {
  readonly request: PacketRequest;
  readonly expect: Expectation | null;
}

/** One line of a batch: `{"from":"203.0.113.20","to":"192.0.2.10:30001/tcp","in":"eth0"}`. */
export const readBatchLine = (text: string): Result<BatchLine> => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return fail(
      error('not-json', 'the line is not JSON', undefined, 'Write {"from": "203.0.113.20", "to": "192.0.2.10:30001"}'),
    );
  }
  const checked = schema.safeParse(json);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const where = issue?.path.join('.') ?? '';
    const hint = where.startsWith('expect')
      ? 'Write "expect": {"result": "delivered"}; also to, source, client and endpoints can be expected'
      : undefined;
    return fail(
      error(
        'batch-field',
        `${where === '' ? '' : `${where}: `}${issue?.message ?? 'it is not understood'}`,
        undefined,
        hint,
      ),
    );
  }
  const { from, to, in: entry, state, sport, expect } = checked.data;
  const [sender, destination] = [readSender(from, 'from'), readDestination(to, 'to')];
  const problems = [sender, destination].flatMap((result) => (result.ok ? [] : [...result.problems]));
  if (!sender.ok || !destination.ok) return fail(...problems);
  return ok({
    request: {
      from: sender.value,
      ...destination.value,
      in: entry ?? null,
      state: state ?? 'new',
      sourcePort: sport ?? null,
    },
    expect: expect ?? null,
  });
};

interface Answer {
  readonly result: string;
  readonly to: string | null;
  readonly source: string | null;
  readonly client: string;
}

/** The parts of an expectation that do not hold; empty: all of it holds. */
export const unmet = (expect: Expectation, outcomes: readonly Answer[]): readonly string[] => {
  const problems: string[] = [];
  for (const key of ['result', 'to', 'source', 'client'] as const) {
    const wanted = expect[key];
    if (wanted === undefined) continue;
    const any: readonly (string | null)[] = Array.isArray(wanted)
      ? (wanted as readonly (string | null)[])
      : [wanted as string | null];
    const others = [...new Set(outcomes.map((outcome) => outcome[key]).filter((value) => !any.includes(value)))];
    if (others.length > 0 || outcomes.length === 0)
      problems.push(
        `${key}: expected ${any.map(String).join(' or ')}, got ${others.map(String).join(', ') || 'no outcome'}`,
      );
  }
  if (expect.endpoints !== undefined) {
    const reached = new Set(outcomes.flatMap(({ to }) => (to === null ? [] : [to])));
    const missing = expect.endpoints.filter((endpoint) => !reached.has(endpoint));
    const more = [...reached].filter((endpoint) => !expect.endpoints?.includes(endpoint));
    if (missing.length > 0) problems.push(`endpoints: never ${missing.join(', ')}`);
    if (more.length > 0) problems.push(`endpoints: also ${more.join(', ')}`);
  }
  return problems;
};
