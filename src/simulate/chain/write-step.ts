import type { Step } from '../../lower/step.ts';
import type { Held } from '../match/read-field.ts';
import { hasNoConnection, type State } from '../state/state.ts';
import type { Effect } from '../state/trace.ts';

/** The packet has neither a connection nor a template of one. */
const isWithout = (state: State): boolean => hasNoConnection(state) && state.template === null;

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
    case 'length':
      return { state: { ...state, length: value }, effect: { kind: 'write', field: step.field } };
    case 'ttl':
      return { state: { ...state, ttl: value }, effect: { kind: 'write', field: step.field } };
    // Where the packet has a connection, or a template of one, it is too late (nft_ct.c, nft_ct_set_zone_eval;
    // xt_CT.c).
    case 'ct-zone':
      return isWithout(state)
        ? { state: { ...state, template: { zone: value } }, effect: { kind: 'write', field: step.field } }
        : { state, effect: null };
    case 'ct-mark': {
      const { connection } = state;
      // A packet without a connection has nothing to write to (net/netfilter/xt_connmark.c, nft_ct.c).
      if (connection === null || typeof connection === 'string') return { state, effect: null };
      const mark = written(connection.mark, step, value);
      return {
        state: { ...state, connection: { ...connection, mark } },
        effect: { kind: 'ct-mark', from: connection.mark ?? 0n, to: mark ?? 0n },
      };
    }
    case 'priority':
    case 'other':
      return { state, effect: { kind: 'write', field: step.field } };
  }
};

/**
 * Only a packet without a connection can be left alone: one that the tracker has not seen yet, nor been told anything
 * of, or calls invalid (net/netfilter/xt_CT.c; nft_ct.c, nft_notrack_eval).
 */
export const applyNotrack = (state: State): State => (isWithout(state) ? { ...state, connection: 'untracked' } : state);
