import type { Proof } from '../../audit/proof/differences.ts';
import { isNobody } from '../../net/address-set.ts';
import { describeSources, familyTexts } from '../words/sources.ts';

/** One sentence about a proof. `ms`: how long the apply with its proof took. */
export const proofSentence = ({ holds, exposures, differences }: Proof, ms?: number): string => {
  const time = ms === undefined ? '' : `   (${ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`})`;
  if (!holds)
    return `NOT as the policies say: ${differences.length} difference${differences.length === 1 ? '' : 's'} between them and the kernel's own listing${time}`;
  return exposures === 0
    ? `in force and proven: no exposure is guarded, and the kernel refuses nobody${time}`
    : `in force and proven: the kernel's own listing says the same for all 2^32 + 2^128 addresses${time}`;
};

/** One sentence about a proof over the whole ruleset of a node. */
export const nodeProofSentence = (proof: Proof): string => {
  const { holds, exposures, differences } = proof;
  if (!holds)
    return `NOT as the policies say: ${differences.length} difference${differences.length === 1 ? '' : 's'} between them and what this node really does`;
  return exposures === 0
    ? proofSentence(proof)
    : `${proofSentence(proof)}, and nothing else on this node opens or closes ${exposures === 1 ? 'the guarded exposure' : `one of the ${exposures} guarded exposures`}`;
};

/**
 * Columns: where, sign (+ may come in though the policies refuse it, - is refused though they allow it), who, by which
 * rule.
 */
export const proofLines = (
  { differences }: Proof,
  most = 4,
): readonly (readonly [string, '+' | '-', string, string])[] =>
  differences.flatMap(({ exposure, gained, lost, because }) => {
    const why = because.slice(0, 3).join(', ');
    const lines: (readonly ['+' | '-', string])[] = [
      ...(isNobody(gained) ? [] : [['+', describeSources(gained, most)] as const]),
      ...(isNobody(lost) ? [] : [['-', describeSources(lost, most)] as const]),
      ...(isNobody(gained) && isNobody(lost) ? [['+', 'cannot be told'] as const] : []),
    ];
    return lines.map(([sign, who], index) => [index === 0 ? exposure : '', sign, who, why] as const);
  });

/** The same as data. */
export const proofJson = ({ holds, exposures, differences }: Proof) => ({
  holds,
  exposures,
  differences: differences.map(({ exposure, gained, lost, because }) => ({
    exposure,
    gained: familyTexts(gained),
    lost: familyTexts(lost),
    because,
  })),
});
