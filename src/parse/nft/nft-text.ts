import { ok, warning, type Diagnostic, type Result } from '../../diagnostic/diagnostic.ts';
import { applyNftChanges, type FlushRuleset, type NftChange } from '../../change-ruleset/nft-change.ts';
import type { AnyTable, Table } from '../../ruleset/table.ts';
import { declarationOf, isObject, readCommand, setKey, type Changes, type Verb } from './read-command.ts';
import { isEnd, skipEnds, skipStatement, type Declared, type NftState } from './read-block.ts';
import { cursorOf } from './text/cursor.ts';
import { expandDefinitions } from './text/definitions.ts';
import { NotUnderstood } from './text/text-expression.ts';
import { tokenizeNft } from './text/tokens.ts';

const VERBS: ReadonlySet<string> = new Set<Verb>([
  'add',
  'create',
  'insert',
  'replace',
  'delete',
  'destroy',
  'flush',
  'rename',
]);
const isVerb = (word: string): word is Verb => VERBS.has(word);

const readTop = (state: NftState, declared: Declared, changes: (NftChange | FlushRuleset)[]): void => {
  const { cursor, problems } = state;
  for (;;) {
    skipEnds(cursor);
    if (cursor.atEnd()) return;
    const token = cursor.peek();
    if (isVerb(token.text)) {
      cursor.next();
      changes.push(...readCommand(state, token.text, declared));
    } else if (isObject(token.text)) changes.push(...readCommand(state, 'add', declared));
    else {
      cursor.next();
      problems.push(
        token.text === 'include'
          ? warning('include', `the included file ${cursor.peek().text} is not read`, token.span)
          : warning('line-unknown', `${JSON.stringify(token.text.slice(0, 40))} is not understood here`, token.span),
      );
      skipStatement(cursor);
    }
    if (cursor.atEnd() || isEnd(cursor.peek())) continue;
    const rest = cursor.peek();
    problems.push(
      warning(
        'line-unknown',
        `${JSON.stringify(rest.text.slice(0, 40))} is not expected here: nft wants a new line or ;`,
        rest.span,
      ),
    );
    cursor.next();
    skipStatement(cursor);
  }
};

/**
 * Reads a file for `nft -f` (nft(8)): what its commands change, in order. `tables`: those that exist already, whose
 * sets the file may name. What is not understood gives a warning with its place in the text.
 */
export const readNftCommands = (
  text: string,
  tables: readonly AnyTable[],
): { readonly changes: Changes; readonly problems: readonly Diagnostic[] } => {
  const problems: Diagnostic[] = [];
  const declared: Declared = new Map();
  for (const { engine, family, name, sets } of tables)
    if (engine === 'nft')
      for (const set of sets.values()) {
        const declaration = declarationOf(set);
        if (declaration !== null) declared.set(setKey(family, name, set.name), declaration);
      }
  const state: NftState = { text, cursor: cursorOf(expandDefinitions(tokenizeNft(text))), problems };
  const changes: (NftChange | FlushRuleset)[] = [];
  try {
    readTop(state, declared, changes);
  } catch (problem) {
    if (!(problem instanceof NotUnderstood)) throw problem;
    const { span } = state.cursor.peek();
    problems.push(warning('listing-broken-off', `the listing cannot be read from here on: ${problem.message}`, span));
  }
  return { changes, problems };
};

/**
 * The tables of an `nft list ruleset`, or of a file that `nft -f` reads into an empty kernel (nft(8)). What is not
 * understood is kept as unknown. That, and what nft would refuse, gives a warning with its place in the text.
 */
export const parseNftText = (text: string): Result<readonly Table[]> => {
  const { changes, problems } = readNftCommands(text, []);
  const { tables, refused } = applyNftChanges([], changes);
  return ok(
    tables.filter((table): table is Table => table.engine === 'nft'),
    [
      ...problems,
      ...refused.map(({ because, span }) => warning('change-refused', `nft refuses this here: ${because}`, span)),
    ],
  );
};
