import { FORMATS } from '../output/report.ts';

// Flags that several commands have, in stricli's form.

export const outputFlags = {
  output: { kind: 'enum', values: FORMATS, default: 'table', brief: 'How to print' },
  color: { kind: 'boolean', default: true, brief: 'Colour on a terminal' },
  allWarnings: {
    kind: 'boolean',
    optional: true,
    withNegated: false,
    brief: 'Show every warning, also where there are many of one kind',
  },
} as const;

export const outputAliases = { o: 'output' } as const;

export const dryRunFlag = {
  dryRun: { kind: 'boolean', default: false, withNegated: false, brief: 'Say what would change, and change nothing' },
} as const;

const text = (value: string): string => value;

export const filesFlag = {
  file: {
    kind: 'parsed',
    parse: text,
    variadic: true,
    brief: 'File or directory with manifests, or - for standard input',
  },
} as const;

export const fileAliases = { f: 'file' } as const;

export const optionalFilesFlag = { file: { ...filesFlag.file, optional: true } } as const;

/** What is true about this machine, and kept from one apply to the next unless it is given anew. */
export const machineFlags = {
  nodeName: {
    kind: 'parsed',
    parse: text,
    optional: true,
    brief: "This node's name in the cluster (else the host name)",
    placeholder: 'name',
  },
  nodeLabel: {
    kind: 'parsed',
    parse: text,
    variadic: true,
    optional: true,
    brief: 'A label of this node, for nodeSelector',
    placeholder: 'key=value',
  },
  podCidr: {
    kind: 'parsed',
    parse: text,
    variadic: true,
    optional: true,
    brief: 'Addresses of pods, for cluster: Pods',
    placeholder: 'cidr',
  },
  standalone: {
    kind: 'boolean',
    optional: true,
    brief: 'Bare port numbers of a NodePortPolicy mean ports without a Service',
  },
} as const;

export const allowFailsafeFlag = {
  allowFailsafe: {
    kind: 'parsed',
    parse: text,
    variadic: true,
    optional: true,
    brief: 'Judge this failsafe port after all (22, 6443, …)',
    placeholder: 'port',
  },
} as const;

export const riskFlags = {
  yesCutMeOff: {
    kind: 'boolean',
    default: false,
    withNegated: false,
    brief: 'Go on though it refuses the SSH session that you use',
  },
  ignoreDataplane: {
    kind: 'boolean',
    default: false,
    withNegated: false,
    brief: 'Go on though something takes packets before netfilter',
  },
  confirmWithin: {
    kind: 'parsed',
    parse: text,
    optional: true,
    brief: 'Take the change back unless portcullis confirm follows in time (0s: never)',
    placeholder: '60s',
  },
} as const;

export interface MachineFlags {
  readonly nodeName?: string;
  readonly nodeLabel?: readonly string[];
  readonly podCidr?: readonly string[];
  readonly standalone?: boolean;
}

export interface RiskFlags {
  readonly yesCutMeOff: boolean;
  readonly ignoreDataplane: boolean;
  readonly confirmWithin?: string;
}
