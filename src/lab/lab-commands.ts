import type { Command } from './command.ts';
import { kubeProxyCommands } from './kube-proxy.ts';
import type { Mode } from './mode.ts';
import { networkCommands } from './network.ts';
import { serverCommand } from './server-command.ts';

export interface LabOptions {
  readonly mode: Mode;
  /** Whether there are SCTP servers too. The kernel must have such sockets. */
  readonly sctp: boolean;
}

/** The commands that build a lab, in phases; the commands of a phase may run at the same time. */
export const labCommands = (lab: string, { mode, sctp }: LabOptions): readonly (readonly Command[])[] => {
  const [first = [], ...rest] = kubeProxyCommands(lab, mode);
  return [...networkCommands(lab), [serverCommand(lab, { sctp }), ...first], ...rest];
};
