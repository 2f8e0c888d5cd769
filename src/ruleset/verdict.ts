/** How a refused packet is answered (nft(8), REJECT STATEMENT). */
export type RejectKind = 'tcp-reset' | 'port-unreachable' | 'admin-prohibited' | 'other';

/** What happens to a packet, as a rule or a verdict map says it. */
export type Verdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'reject'; readonly with: RejectKind }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | { readonly kind: 'return' }
  | { readonly kind: 'continue' };

export const accept: Verdict = { kind: 'accept' };
export const drop: Verdict = { kind: 'drop' };
export const jump = (chain: string): Verdict => ({ kind: 'jump', chain });
export const goto = (chain: string): Verdict => ({ kind: 'goto', chain });
