import type { Verdict } from '../ruleset/values/verdict.ts';
import { nested, number32, readText, text, visitAttributes, type Attribute } from './attribute.ts';
import { NFTA, VERDICT } from './constants.ts';

const CODE_OF = { ...VERDICT, reject: null, queue: null } as const satisfies Record<Verdict['kind'], number | null>;

/** What a key of a verdict map leads to, as an element's data; null for a verdict that no map can hold. */
export const verdictData = (verdict: Verdict): Attribute | null => {
  const code = CODE_OF[verdict.kind];
  if (code === null) return null;
  const chain = 'chain' in verdict ? [text(NFTA.verdict.chain, verdict.chain)] : [];
  return nested(NFTA.element.data, nested(NFTA.data.verdict, number32(NFTA.verdict.code, code), ...chain));
};

const KIND_OF: ReadonlyMap<number, keyof typeof VERDICT> = new Map(
  (Object.keys(VERDICT) as (keyof typeof VERDICT)[]).map((kind) => [VERDICT[kind], kind]),
);

/** Reads the payload of NFTA_DATA_VERDICT; null for a verdict that is not known, or a jump to nowhere. */
export const readVerdict = (view: DataView, first: number, end: number): Verdict | null => {
  const read = { code: null as number | null, chain: null as string | null };
  const whole = visitAttributes(view, first, end, (type, from, to) => {
    if (type === NFTA.verdict.code && to - from === 4) read.code = view.getInt32(from);
    else if (type === NFTA.verdict.chain) read.chain = readText(view, from, to);
  });
  const kind = read.code === null ? undefined : KIND_OF.get(read.code);
  if (!whole || kind === undefined) return null;
  if (kind !== 'jump' && kind !== 'goto') return read.chain === null ? { kind } : null;
  return read.chain === null || read.chain === '' ? null : { kind, chain: read.chain };
};
