import { formatAddress } from './address.ts';
import { WIDTH } from './family.ts';
import { formatPrefix } from './prefix.ts';
import { ranges, type PrefixSet } from './prefix-set.ts';

/**
 * The ranges of a set as texts, upwards: `10.0.0.0/8` where a range is a prefix, else its ends, `10.0.0.1-10.0.0.9`. So
 * no text stands for what two prefixes or more could say, and none is made before it is asked for.
 */
export function* rangeTexts(set: PrefixSet): Generator<string, void, undefined> {
  const { family } = set;
  for (const { first, last } of ranges(set)) {
    const size = last - first + 1n;
    const isPrefix = (size & (size - 1n)) === 0n && (first & (size - 1n)) === 0n;
    yield isPrefix
      ? formatPrefix({ family, address: first, length: WIDTH[family] - (size.toString(2).length - 1) })
      : `${formatAddress({ family, value: first })}-${formatAddress({ family, value: last })}`;
  }
}
