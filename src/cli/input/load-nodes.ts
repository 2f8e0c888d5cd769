import { error, fail, ok, type Diagnostic, type Result, type Source } from '../../diagnostic/diagnostic.ts';
import { takeSnapshot } from '../../kernel/snapshot.ts';
import { readDumps, type ReadDumps } from '../../parse/read-dumps.ts';
import { isSnapshotText, readSnapshot, snapshotSources } from '../../parse/snapshot.ts';
import { assumedOf } from '../../simulate/assumed.ts';
import type { Context } from '../output/context.ts';
import type { DumpFlags } from './dump-flags.ts';
import { readDumpFiles } from './read-dump-files.ts';
import { progress } from '../output/report.ts';

/** One node as its dumps show it. */
export interface LoadedNode extends ReadDumps {
  /** The file or folder, or the host's name. */
  readonly name: string;
  readonly sources: readonly Source[];
}

const load = (name: string, sources: readonly Source[]): Result<LoadedNode> => {
  const [first, ...more] = sources;
  if (first !== undefined && more.length === 0 && isSnapshotText(first.text)) {
    const snapshot = readSnapshot(first);
    if (!snapshot.ok) return snapshot;
    return load(snapshot.value.node === '' ? name : snapshot.value.node, snapshotSources(snapshot.value));
  }
  const read = readDumps(sources);
  if (!read.ok) return read;
  if (read.value.inputs.every(({ kind }) => kind === null))
    return fail(
      error(
        'no-dump',
        `${name} holds no dump that is known`,
        undefined,
        'Known are the outputs of iptables-save, nft list ruleset, ipset save, ipvsadm -S -n, ip, sysctl -a, ss -lntup, conntrack -L',
      ),
    );
  return ok({ ...read.value, name, sources }, [...read.warnings, ...assumedOf(read.value.ruleset)]);
};

const gather = (results: readonly Result<LoadedNode>[]): Result<readonly LoadedNode[]> => {
  const problems: Diagnostic[] = results.flatMap((result) => (result.ok ? [] : [...result.problems]));
  return problems.length > 0
    ? fail(...problems)
    : ok(
        results.flatMap((result) => (result.ok ? [result.value] : [])),
        results.flatMap((result) => (result.ok ? [...result.warnings] : [])),
      );
};

/** The nodes that the flags name, each read whole; the live node where they name none. */
export const loadNodes = async (context: Context, flags: DumpFlags): Promise<Result<readonly LoadedNode[]>> => {
  const { snapshot, iptables, nft, ipset, ipvsadm, ip, sysctl, ss, conntrack } = flags;
  const single = [iptables, nft, ipset, ipvsadm, ip, sysctl, ss, conntrack].flatMap((names) => names ?? []);
  const nodes: Result<LoadedNode>[] = (snapshot ?? []).map((name) => {
    const sources = readDumpFiles(context.cwd, [name]);
    return sources.ok ? load(name, sources.value) : sources;
  });
  if (single.length > 0) {
    const sources = readDumpFiles(context.cwd, single);
    nodes.push(sources.ok ? load(single.join(', '), sources.value) : sources);
  }
  if (nodes.length > 0) return gather(nodes);
  const done = progress(context, 'reading the kernel');
  const live = await takeSnapshot();
  done();
  return gather([load(live.node, snapshotSources(live))]);
};
