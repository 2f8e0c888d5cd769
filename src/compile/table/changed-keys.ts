import { sameValue } from '../../ruleset/values/data-type.ts';
import { keyText, type MapElement } from '../../ruleset/values/map-element.ts';

/**
 * What a map must lose and get to hold `wanted`. A key that leads elsewhere is in both lists; the order of keys means
 * nothing.
 */
export const changedKeys = (
  stored: readonly MapElement[],
  wanted: readonly MapElement[],
): { readonly gone: readonly MapElement[]; readonly added: readonly MapElement[] } => {
  const [before, after] = [byKey(stored), byKey(wanted)];
  return { gone: without(before, after), added: without(after, before) };
};

type ByKey = ReadonlyMap<string, MapElement>;

const byKey = (elements: readonly MapElement[]): ByKey =>
  new Map(elements.map((element) => [keyText(element), element]));

const without = (elements: ByKey, others: ByKey): readonly MapElement[] =>
  [...elements].flatMap(([key, element]) => {
    const other = others.get(key);
    return other !== undefined && sameElement(other, element) ? [] : [element];
  });

const sameElement = (a: MapElement, b: MapElement): boolean =>
  a.verdict.kind === b.verdict.kind &&
  ('chain' in a.verdict ? 'chain' in b.verdict && a.verdict.chain === b.verdict.chain : true) &&
  a.key.every((value, index) => {
    const other = b.key[index];
    return other !== undefined && sameValue(value, other);
  });
