import { ok, type Result, type Source } from '../../diagnostic/diagnostic.ts';
import type { HookEntry } from '../../ruleset/host.ts';
import { doubtsAbout, linesOf } from '../values/lines.ts';

/** Reads `nft list hooks`: what is called at each hook, in the order in which it runs. */
export const parseNftHooks = (source: Source): Result<readonly HookEntry[]> => {
  const doubts = doubtsAbout(source);
  const entries: HookEntry[] = [];
  let family = '';
  let hook = '';
  let device: string | null = null;
  for (const line of linesOf(source.text)) {
    const opened = /^(family|hook) (\S+)(?: device (\S+))? \{/.exec(line.text);
    const entry = /^[+-]?\s*(-?)0*(\d+) (?:chain (\S+) (\S+) (\S+)|(\S+))(?: \[(\S+)\])?$/.exec(line.text);
    if (opened?.[1] === 'family') {
      family = opened[2] ?? '';
      device = opened[3] ?? null;
    } else if (opened !== null) {
      hook = opened[2] ?? '';
      device = opened[3] ?? device;
    } else if (entry !== null) {
      const [, sign, digits = '0', chainFamily, table, name, called = null] = entry;
      const negative = sign === '-' || line.text.startsWith('-');
      entries.push({
        family,
        hook,
        device,
        priority: Number(digits) === 0 ? 0 : negative ? -Number(digits) : Number(digits),
        chain:
          chainFamily === undefined || table === undefined || name === undefined
            ? null
            : { family: chainFamily, table, name },
        function: called,
      });
    } else if (line.text !== '}') doubts.note('hook-unknown', 'this line is not understood', line);
  }
  return ok(entries, doubts.all);
};
