import type { Family } from '../../net/family.ts';
import type { NumberRange, WrittenOption } from './match.ts';
import type { RejectKind } from '../values/verdict.ts';

/** What `--to-destination`, `--to-source`, `--to-ports` name: one address or a range, and ports. */
export interface NatRange {
  readonly addresses: { readonly family: Family; readonly first: bigint; readonly last: bigint } | null;
  readonly ports: NumberRange | null;
  /** `p-q/base`: the ports shift from base instead of being chosen. */
  readonly basePort: number | null;
}

/** What an iptables rule does with a packet that it matches (iptables-extensions(8), TARGET EXTENSIONS). */
export type IptablesTarget =
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  /** `with` is the written word: icmp-port-unreachable, tcp-reset, … */
  | { readonly kind: 'reject'; readonly with: RejectKind; readonly word: string }
  | {
      readonly kind: 'queue';
      readonly first: number;
      readonly last: number;
      readonly bypass: boolean;
      readonly fanout: boolean;
      readonly module: 'QUEUE' | 'NFQUEUE';
    }
  | {
      readonly kind: 'nat';
      readonly how: 'dnat' | 'snat' | 'masquerade' | 'redirect' | 'netmap';
      /** null: nothing is said (masquerade, redirect). netmap: the network. */
      readonly to: NatRange | null;
      readonly random: boolean;
      readonly fullyRandom: boolean;
      readonly persistent: boolean;
    }
  /** mark = (mark & ~mask) ^ value: `--set-xmark value/mask`. */
  | { readonly kind: 'mark'; readonly value: number; readonly mask: number }
  /** ctmark = (ctmark & ~mask) ^ value. */
  | { readonly kind: 'connmark-set'; readonly value: number; readonly mask: number }
  /** ctmark = (ctmark & ~ctMask) ^ (mark & nfMask). */
  | { readonly kind: 'connmark-save'; readonly nfMask: number; readonly ctMask: number }
  /** mark = (mark & ~nfMask) ^ (ctmark & ctMask). */
  | { readonly kind: 'connmark-restore'; readonly nfMask: number; readonly ctMask: number }
  /** CT (and NOTRACK): `notrack` leaves the packet untracked; the options as they are written. */
  | {
      readonly kind: 'ct';
      readonly module: 'CT' | 'NOTRACK';
      readonly notrack: boolean;
      readonly options: readonly WrittenOption[];
    }
  | {
      readonly kind: 'log';
      readonly module: 'LOG' | 'NFLOG' | 'ULOG';
      readonly prefix: string | null;
      readonly options: readonly WrittenOption[];
    }
  | {
      readonly kind: 'tproxy';
      readonly address: { readonly family: Family; readonly value: bigint } | null;
      readonly port: number;
      readonly mark: number;
      readonly mask: number;
    }
  | { readonly kind: 'tee'; readonly options: readonly WrittenOption[] }
  | { readonly kind: 'trace' }
  /** SET: adds to or deletes from an ipset. */
  | { readonly kind: 'set'; readonly options: readonly WrittenOption[] }
  /** Changes a header, or does nothing with the packet: TTL, TOS, TCPMSS, CHECKSUM, CLASSIFY, … */
  | { readonly kind: 'other'; readonly module: string; readonly options: readonly WrittenOption[] }
  /** Not known: anything can happen. As it is written, from the name on. */
  | { readonly kind: 'unknown'; readonly text: string };
