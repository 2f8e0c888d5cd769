import { ok, type Result, type Source } from '../../diagnostic/diagnostic.ts';
import { doubtsAbout, linesOf } from '../values/lines.ts';

/** Reads `name = value` as `sysctl -a` prints it; names with slashes are taken too. */
export const parseSysctls = (source: Source): Result<ReadonlyMap<string, string>> => {
  const doubts = doubtsAbout(source);
  const values = new Map<string, string>();
  for (const line of linesOf(source.text)) {
    const found = /^(?:\/proc\/sys\/)?([A-Za-z0-9_.\-/]+)\s*[=:]\s*(.*)$/.exec(line.text);
    if (found?.[1] === undefined) {
      if (!/^(?:sysctl:|#)/.test(line.text)) doubts.note('not-a-sysctl', 'this line is not understood', line);
    } else values.set(dotted(found[1]), found[2] ?? '');
  }
  return ok(values, doubts.all);
};

/**
 * `net/ipv4/conf/eth0.10/rp_filter`: in the form with slashes a dot belongs to a name, which sysctl prints as a slash.
 */
const dotted = (name: string): string =>
  /^[a-z0-9]+\//.test(name)
    ? name
        .split('/')
        .map((part) => part.replaceAll('.', '/'))
        .join('.')
    : name;
