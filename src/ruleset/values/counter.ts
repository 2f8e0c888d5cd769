/** Packets and bytes, as the kernel counts them. */
export interface Counter {
  readonly packets: bigint;
  readonly bytes: bigint;
}

export const zero: Counter = { packets: 0n, bytes: 0n };
