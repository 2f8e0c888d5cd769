import type { Step } from '../ruleset/step.ts';
import type { Held } from './read-field.ts';
import type { Connection, State } from './state.ts';
import type { Effect } from './trace.ts';

const MARK_BITS = 0xffff_ffffn;

const written = (
  before: bigint | undefined,
  { keep }: Extract<Step, { kind: 'write' }>,
  value: bigint | undefined,
): bigint | undefined => {
  if (value === undefined) return undefined;
  if ((keep & MARK_BITS) === 0n) return value & MARK_BITS;
  return before === undefined ? undefined : ((before & keep) ^ value) & MARK_BITS;
};

/** `field = (field & keep) ^ value`; where the reading gives nothing, nothing is written. */
export const applyWrite = (
  state: State,
  step: Extract<Step, { kind: 'write' }>,
  held: Held,
): { readonly state: State; readonly effect: Effect | null } => {
  if (held === null) return { state, effect: null };
  const value = typeof held === 'bigint' ? held : undefined;
  switch (step.field) {
    case 'mark': {
      const mark = written(state.mark, step, value);
      return { state: { ...state, mark }, effect: { kind: 'mark', from: state.mark ?? 0n, to: mark ?? 0n } };
    }
    case 'dscp':
      return { state: { ...state, dscp: value }, effect: { kind: 'write', field: step.field } };
    case 'ttl':
      return { state: { ...state, ttl: value }, effect: { kind: 'write', field: step.field } };
    case 'ct-mark':
    case 'ct-zone':
    case 'ct-helper': {
      const { connection } = state;
      // A packet without a connection has nothing to write to (net/netfilter/xt_connmark.c, nft_ct.c).
      if (connection === null || typeof connection === 'string') return { state, effect: null };
      const changed = changedConnection(connection, step, held, value);
      const effect: Effect =
        step.field === 'ct-mark'
          ? { kind: 'ct-mark', from: connection.mark ?? 0n, to: changed.mark ?? 0n }
          : { kind: 'write', field: step.field };
      return { state: { ...state, connection: changed }, effect };
    }
    case 'priority':
    case 'other':
      return { state, effect: { kind: 'write', field: step.field } };
  }
};

const changedConnection = (
  connection: Connection,
  step: Extract<Step, { kind: 'write' }>,
  held: Held,
  value: bigint | undefined,
): Connection => {
  if (step.field === 'ct-mark') return { ...connection, mark: written(connection.mark, step, value) };
  if (step.field === 'ct-helper') return { ...connection, helper: typeof held === 'string' ? held : undefined };
  return { ...connection, zone: value };
};

/**
 * Only a packet without a connection can be left alone: one that the tracker has not seen yet, or calls invalid (net/netfilter/xt_CT.c;
 * nft_ct.c, nft_notrack_eval).
 */
export const applyNotrack = (state: State): State =>
  state.connection === null || state.connection === 'invalid' ? { ...state, connection: 'untracked' } : state;
