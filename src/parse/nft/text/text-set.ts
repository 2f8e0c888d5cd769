import { warning, type Diagnostic } from '../../../diagnostic/diagnostic.ts';
import { typeOf } from '../../../ruleset/nft/expression.ts';
import type { Cursor } from './cursor.ts';
import { readExpressions } from '../json/expression.ts';
import { NotUnderstood, readTextElements, readTextExpression, secondsOf } from './text-expression.ts';

/** `ipv4_addr . inet_service`. */
const typeNames = (cursor: Cursor): string[] => {
  const names = [cursor.next().text];
  while (cursor.take('.')) names.push(cursor.next().text);
  return names;
};

const typesOf = (cursor: Cursor): string[] => {
  const expression = readTextExpression(cursor);
  return (readExpressions(expression) ?? []).map((part) => {
    const type = typeOf(part);
    // A set holds `iif` by its number, and a listing has its name.
    return type === 'unknown' ? 'unknown' : type;
  });
};

const words = (cursor: Cursor): string[] => {
  const list = [cursor.next().text];
  while (cursor.take(',')) list.push(cursor.next().text);
  return list;
};

const oneOrMore = (list: readonly string[]): unknown => (list.length === 1 ? list[0] : list);

const dataTypes = (cursor: Cursor, how: 'type' | 'typeof'): unknown => {
  if (cursor.take('verdict')) return 'verdict';
  if (how === 'typeof') return oneOrMore(typesOf(cursor));
  return oneOrMore(typeNames(cursor));
};

/**
 * The body of a set or map, after its opening brace, in the form in which `nft -j` prints it (libnftables-json(5), SET
 * and MAP).
 */
export const readSetBody = (cursor: Cursor, kind: 'set' | 'map', problems: Diagnostic[]): Record<string, unknown> => {
  const set: Record<string, unknown> = {};
  for (;;) {
    const token = cursor.peek();
    if (token.kind === 'end' && !cursor.atEnd()) {
      cursor.next();
      continue;
    }
    if (cursor.take('}') || cursor.atEnd()) return set;
    cursor.next();
    // `nft -a` prints the set's handle after the brace.
    if (token.kind === 'word' && /^#\d+$/.test(token.text)) continue;
    switch (token.text) {
      case 'type':
      case 'typeof':
        set['type'] = oneOrMore(token.text === 'type' ? typeNames(cursor) : typesOf(cursor));
        if (kind === 'map' && cursor.take(':')) set['map'] = dataTypes(cursor, token.text);
        break;
      case 'flags':
        set['flags'] = words(cursor);
        break;
      case 'timeout':
        set['timeout'] = secondsOf(cursor.next().text);
        set['flags'] = [...((set['flags'] as string[] | undefined) ?? []), 'timeout'];
        break;
      case 'size':
        set['size'] = Number(cursor.next().text);
        break;
      case 'counter':
        set['stmt'] = [{ counter: null }];
        break;
      case 'comment':
      case 'policy':
      case 'gc-interval':
        cursor.next();
        break;
      case 'elements': {
        cursor.take('=');
        const { span } = cursor.peek();
        try {
          set['elem'] = readTextElements(cursor);
        } catch (problem) {
          if (!(problem instanceof NotUnderstood)) throw problem;
          problems.push(warning('elements-unknown', `these elements are not understood: ${problem.message}`, span));
          // Its content is not known. A type that no reader takes keeps anybody from guessing it.
          set['type'] = 'unknown';
          while (!cursor.take('}') && !cursor.atEnd()) cursor.next();
        }
        break;
      }
      case 'auto-merge':
        break;
      case 'limit':
      case 'quota':
      case 'last':
        // A statement of each element: whether the element matches depends on earlier packets.
        set['type'] = 'unknown';
        while (cursor.peek().kind !== 'end' && cursor.peek().text !== '}') cursor.next();
        break;
      default:
        problems.push(
          warning('word-unknown', `${JSON.stringify(token.text.slice(0, 40))} is not understood here`, token.span),
        );
    }
    // Only elements need no end after them (src/parser_bison.y, set_block).
    if (cursor.peek().kind !== 'end' && token.text !== 'elements')
      problems.push(
        warning(
          'end-missing',
          `nft wants a new line or ; before ${JSON.stringify(cursor.peek().text.slice(0, 40))}`,
          cursor.peek().span,
        ),
      );
  }
};
