import { error, fail, ok, type Result } from '../../diagnostic/diagnostic.ts';
import { parseIptablesCommand } from '../../parse/iptables/command.ts';
import { parseNftText } from '../../parse/nft/nft-text.ts';
import { applyIptablesChange } from '../../change-ruleset/iptables-change.ts';
import type { Family } from '../../net/family.ts';
import type { Ruleset, Coverage } from '../../ruleset/ruleset.ts';
import type { AnyTable, Table } from '../../ruleset/table.ts';

const WITH = '--with';

const toldWith = (told: readonly Coverage[], engine: Coverage['engine'], family: Family): readonly Coverage[] =>
  told.some((one) => one.engine === engine && one.family === family) ? told : [...told, { engine, family }];

/** Puts what a file or command of nft adds into the tables that are there; inserted rules go in front, added ones behind. */
const mergeNft = (tables: readonly AnyTable[], added: readonly Table[], inserts: boolean): readonly AnyTable[] => {
  let merged = [...tables];
  for (const table of added) {
    const at = merged.findIndex(
      ({ engine, family, name }) => engine === 'nft' && family === table.family && name === table.name,
    );
    const there = merged[at] as Table | undefined;
    if (there === undefined) {
      merged.push(table);
      continue;
    }
    const chains = new Map(there.chains);
    for (const [name, chain] of table.chains) {
      const known = chains.get(name);
      chains.set(
        name,
        known === undefined
          ? chain
          : {
              ...known,
              base: chain.base ?? known.base,
              rules: inserts ? [...chain.rules, ...known.rules] : [...known.rules, ...chain.rules],
            },
      );
    }
    merged = merged.with(at, { ...there, chains, sets: new Map([...there.sets, ...table.sets]) });
  }
  return merged;
};

/** The ruleset with an own nftables table in the place of the one that is there. */
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

/** The reader takes the end of the command for a name, or finds a rule that says nothing. */
const isIncomplete = ({ name, chains }: Table): boolean =>
  [name, ...chains.keys()].some((one) => one.trim() === '') ||
  [...chains.values()].some(({ rules }) => rules.some(({ statements }) => statements.length === 0));

/** A ruleset as it would be after a command: `iptables -t nat -I PREROUTING …`, or `nft add rule …`. Nothing is run. */
export const withCommand = (ruleset: Ruleset, command: string): Result<Ruleset> => {
  const nft = /^\s*(?:sudo\s+)?nft\s+(.*)$/s.exec(command)?.[1];
  if (nft !== undefined) {
    const text = nft.replace(/^(['"])(.*)\1\s*$/s, '$2').replace(/\\(.)/g, '$1');
    const added = parseNftText(text);
    if (!added.ok) return added;
    const [doubt] = added.warnings;
    if (doubt !== undefined) return fail({ ...doubt, severity: 'error', source: { name: WITH, text } });
    if (added.value.some(isIncomplete))
      return fail(
        error(
          'nft-incomplete',
          'this nft command ends too early',
          undefined,
          "A rule is added with: nft 'add rule inet TABLE CHAIN tcp dport 30001 drop'",
        ),
      );
    return added.value.length === 0
      ? fail(
          error(
            'no-change',
            'this nft command adds nothing',
            undefined,
            "For example: nft 'add rule inet filter input tcp dport 30001 drop'",
          ),
        )
      : ok({ ...ruleset, tables: mergeNft(ruleset.tables, added.value, /^\s*insert\b/.test(text)) });
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
    told: changed.engine === 'nft' ? ruleset.covered : toldWith(ruleset.covered, changed.engine, family),
  });
};
