import { error, fail, ok, type Result } from '../../diagnostic/diagnostic.ts';
import { parseIptablesCommand } from '../../parse/iptables/command.ts';
import { readNftCommands } from '../../parse/nft/nft-text.ts';
import { applyIptablesChange } from '../../change-ruleset/iptables-change.ts';
import { applyNftChanges } from '../../change-ruleset/nft-change.ts';
import type { Family } from '../../net/family.ts';
import type { Ruleset, Coverage } from '../../ruleset/ruleset.ts';
import type { Table } from '../../ruleset/table.ts';

const WITH = '--with';

const toldWith = (told: readonly Coverage[], engine: Coverage['engine'], family: Family): readonly Coverage[] =>
  told.some((one) => one.engine === engine && one.family === family) ? told : [...told, { engine, family }];

/** The ruleset with its own nftables table replaced. */
export const withTable = (ruleset: Ruleset, table: Table): Ruleset => ({
  ...ruleset,
  tables: [
    ...ruleset.tables.filter(
      ({ engine, family, name }) => !(engine === 'nft' && family === table.family && name === table.name),
    ),
    table,
  ],
  covered: toldWith(toldWith(ruleset.covered, 'nft', 4), 'nft', 6),
});

/** A ruleset as it would be after a command: `iptables -t nat -I PREROUTING …`, or `nft add rule …`. Nothing is run. */
export const withCommand = (ruleset: Ruleset, command: string): Result<Ruleset> => {
  const nft = /^\s*(?:sudo\s+)?nft\s+(.*)$/s.exec(command)?.[1];
  if (nft !== undefined) {
    const text = nft.replace(/^(['"])(.*)\1\s*$/s, '$2').replace(/\\(.)/g, '$1');
    const source = { name: WITH, text };
    const { changes, problems } = readNftCommands(text, ruleset.tables);
    const [doubt] = problems;
    if (doubt !== undefined) return fail({ ...doubt, severity: 'error', source });
    if (changes.length === 0)
      return fail(
        error(
          'no-change',
          'this nft command changes nothing',
          undefined,
          "For example: nft 'add rule inet filter input tcp dport 30001 drop'",
        ),
      );
    const { tables, refused } = applyNftChanges(ruleset.tables, changes);
    const [first] = refused;
    if (first !== undefined)
      return fail({
        ...error('change-refused', first.because, first.span, 'nft would refuse it, so nothing was simulated'),
        source,
      });
    return ok({ ...ruleset, tables });
  }
  const change = parseIptablesCommand({ name: WITH, text: command });
  if (!change.ok) return change;
  const changed = applyIptablesChange(ruleset.tables, change.value);
  if (changed.kind === 'refused')
    return fail(error('change-refused', changed.because, undefined, 'Nothing was simulated'));
  const { family } = change.value;
  return ok({
    ...ruleset,
    tables: changed.tables,
    covered: toldWith(ruleset.covered, changed.engine, family),
  });
};
