import type { Selection } from '../access/model.ts';
import { addressComplement, addressDifference, isNobody, ofFamily, type AddressSet } from '../net/address-set.ts';
import { FAMILIES, type Family } from '../net/family.ts';
import type { PrefixSet } from '../net/prefix-set.ts';
import { ipv4Destination, ipv4Source, ipv6Destination, ipv6Source, type Expression } from '../ruleset/expression.ts';
import { inSet, match, verdict } from '../ruleset/statement.ts';
import type { Chain, Rule } from '../ruleset/table.ts';
import { accept, goto, jump, type Verdict } from '../ruleset/verdict.ts';
import { NOTE_AUDIT, pairNames, REFUSE_DROP, REFUSE_REJECT, selectionNames } from './names.ts';

/** A pair of sets that must hold some addresses of one family: `stem-4a` and `stem-4b`. */
export interface WantedPair {
  readonly stem: string;
  readonly family: Family;
  readonly addresses: PrefixSet;
}

const SOURCE: Readonly<Record<Family, Expression>> = { 4: ipv4Source, 6: ipv6Source };
const DESTINATION: Readonly<Record<Family, Expression>> = { 4: ipv4Destination, 6: ipv6Destination };

const lookups = (stem: string, address: Readonly<Record<Family, Expression>>, then: Verdict): readonly Rule[] =>
  FAMILIES.flatMap((family) => {
    const { a, b } = pairNames(stem, family);
    return [a, b].map((set) => ({ statements: [match(address[family], inSet(set)), verdict(then)] }));
  });

/** Both families' pairs of a stem. */
export const wantedPairs = (stem: string, addresses: AddressSet): readonly WantedPair[] =>
  FAMILIES.map((family) => ({ stem, family, addresses: ofFamily(addresses, family) }));

/** The set stem of an AddressGroup instance. */
export const groupSets = (stem: string): string => `g-${stem}`;

/** The chain that accepts the sources of a selection; it returns for the others, and what called it refuses them. */
export const allowChain = (stem: string, groupStems: readonly string[]): Chain => ({
  name: selectionNames(stem).allow,
  base: null,
  rules: [selectionNames(stem).allow, ...groupStems.map(groupSets)].flatMap((set) => lookups(set, SOURCE, accept)),
});

/** The same for replies: looks the client up as the destination. */
export const allowRepliesChain = (stem: string, groupStems: readonly string[]): Chain => ({
  name: selectionNames(stem).allowReplies,
  base: null,
  rules: [selectionNames(stem).allow, ...groupStems.map(groupSets)].flatMap((set) => lookups(set, DESTINATION, accept)),
});

/** How the sources that a selection refuses are refused. */
export const refuseOf = (selection: Selection): 'drop' | 'reject' | 'mixed' => {
  if (isNobody(selection.rejected)) return 'drop';
  return isNobody(addressDifference(addressComplement(selection.allowed), selection.rejected)) ? 'reject' : 'mixed';
};

/** The chain that an exposure of this selection goes to when it refuses. */
export const refuseChainOf = (selection: Selection, stem: string): string =>
  ({ drop: REFUSE_DROP, reject: REFUSE_REJECT, mixed: selectionNames(stem).refuse })[refuseOf(selection)];

/** Everything in the kernel that belongs to one selection instance, apart from the groups it shares with others. */
export const selectionObjects = (
  selection: Selection,
  stem: string,
  groupStems: readonly string[],
): { readonly chains: readonly Chain[]; readonly pairs: readonly WantedPair[] } => {
  const names = selectionNames(stem);
  const mixed = refuseOf(selection) === 'mixed';
  const audited = !isNobody(selection.wouldRefuse);
  return {
    chains: [
      allowChain(stem, groupStems),
      ...(mixed
        ? [
            {
              name: names.refuse,
              base: null,
              rules: [
                ...lookups(names.refuse, SOURCE, goto(REFUSE_REJECT)),
                { statements: [verdict(goto(REFUSE_DROP))] },
              ],
            },
          ]
        : []),
      ...(audited ? [{ name: names.audit, base: null, rules: lookups(names.audit, SOURCE, jump(NOTE_AUDIT)) }] : []),
    ],
    pairs: [
      ...wantedPairs(names.allow, selection.own),
      ...(mixed ? wantedPairs(names.refuse, selection.rejected) : []),
      ...(audited ? wantedPairs(names.audit, selection.wouldRefuse) : []),
    ],
  };
};
