import type { CommandContext, StricliProcess } from '@stricli/core';

/** What a command may use of its surroundings; tests give their own. */
export interface Context extends CommandContext {
  readonly process: StricliProcess & { readonly env: Readonly<Record<string, string | undefined>> };
  /** Is standard input, output or error a terminal? */
  readonly terminal: { readonly in: boolean; readonly out: boolean; readonly err: boolean };
  readonly cwd: string;
  readonly readStdin: () => Promise<string>;
}

/** What the exit status says (decided in this folder alone). */
export const EXIT = {
  fine: 0,
  /** Something is different, refused or found. */
  found: 1,
  /** Bad usage or bad input. */
  usage: 2,
  /** The kernel refused, or could not be asked. */
  kernel: 3,
} as const;

export type Exit = (typeof EXIT)[keyof typeof EXIT];
