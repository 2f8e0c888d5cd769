import { buildCommand, buildRouteMap } from '@stricli/core';
import { MODES } from '../../lab/mode.ts';
import { KERNELS } from '../../lab/vm-releases.ts';
import type { Context } from '../output/context.ts';
import { examples } from '../output/examples.ts';
import type { LabFlags, LabUpFlags } from '../verbs/lab.ts';

const shared = {
  name: { kind: 'parsed', parse: String, default: 'lab', brief: 'Which lab: several may stand side by side' },
  color: { kind: 'boolean', default: true, brief: 'Colour on a terminal' },
} as const;

const upCommand = buildCommand<LabUpFlags, [], Context>({
  loader: async () => (await import('../verbs/lab.ts')).labUpVerb,
  parameters: {
    flags: {
      mode: { kind: 'enum', values: MODES, default: 'nftables', brief: "kube-proxy's mode on the node" },
      vm: {
        kind: 'boolean',
        default: false,
        withNegated: false,
        brief: 'In a virtual machine, whatever this kernel has',
      },
      kernel: { kind: 'enum', values: KERNELS, optional: true, brief: 'In a virtual machine with this Linux' },
      ...shared,
    },
  },
  docs: {
    brief: 'Build a throw-away node',
    customUsage: examples(
      ['', 'kube-proxy in nftables mode'],
      ['--mode ipvs', 'in a virtual machine, where this kernel has no IPVS'],
    ),
    fullDescription: `Builds a throw-away node: pods, a second node, clients outside, and a real kube-proxy's rules. In network namespaces of this machine, or
in a virtual machine where its kernel lacks something. An earlier lab of that name is removed first.`,
  },
});

const downCommand = buildCommand<LabFlags, [], Context>({
  loader: async () => (await import('../verbs/lab.ts')).labDownVerb,
  parameters: { flags: shared },
  docs: { brief: 'Remove it, whole or half built', customUsage: examples(['', '']) },
});

const execCommand = buildCommand<LabFlags, string[], Context>({
  loader: async () => (await import('../verbs/lab.ts')).labExecVerb,
  parameters: {
    flags: shared,
    positional: {
      kind: 'array',
      parameter: {
        parse: String,
        brief: 'A place of the lab, then the program and its arguments',
        placeholder: 'PLACE -- PROGRAM',
      },
      minimum: 2,
    },
  },
  docs: {
    brief: 'Run a program in one of its places',
    customUsage: examples(
      ['outside-a -- curl -s http://192.0.2.10:30001', 'as a client outside'],
      ['node-1 -- portcullis restrict 30001 --from 198.51.100.0/30', 'on the node'],
      ['node-1 -- bash', 'a shell there'],
    ),
    fullDescription: `Runs a program in a place of the lab: node-1, node-2, same-lan, outside-a, outside-b, outside-c, outside-d, pod-64, pod-66, pod-67, pod-68,
pod-99, pods-2, router. Its exit status is the program's. On node-1 PORTCULLIS_STATE_DIR is the lab's own, and portcullis is this one.`,
  },
});

export const labCommand = buildRouteMap<string, Context>({
  routes: { up: upCommand, down: downCommand, exec: execCommand },
  docs: { brief: 'A throw-away node to try policies on, with real packets' },
});
