/**
 * How a refused packet is answered (nft(8), REJECT STATEMENT; iptables-extensions(8), REJECT). The ICMP and ICMPv6
 * answers that mean the same share a name: no-route is net-unreachable in IPv4 and no-route in IPv6.
 */
export type RejectKind =
  | 'tcp-reset'
  | 'port-unreachable'
  | 'admin-prohibited'
  | 'no-route'
  | 'net-unreachable'
  | 'host-unreachable'
  | 'protocol-unreachable'
  | 'net-prohibited'
  | 'host-prohibited'
  | 'address-unreachable'
  | 'policy-fail'
  | 'reject-route'
  | 'echo-reply'
  | 'other';

/** What happens to a packet, as a rule or a verdict map says it. */
export type Verdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'reject'; readonly with: RejectKind }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | { readonly kind: 'return' }
  | { readonly kind: 'continue' }
  /** A program decides. Without one the packet is dropped, or accepted where `bypass` is set. */
  | {
      readonly kind: 'queue';
      readonly first: number;
      readonly last: number;
      readonly bypass: boolean;
      readonly fanout: boolean;
    };

export const accept: Verdict = { kind: 'accept' };
export const drop: Verdict = { kind: 'drop' };
export const jump = (chain: string): Verdict => ({ kind: 'jump', chain });
export const goto = (chain: string): Verdict => ({ kind: 'goto', chain });
