import type { Selection } from '../../access/model.ts';
import { addressComplement, addressDifference, isNobody, type AddressSet } from '../../net/address-set.ts';
import { verdict } from '../../ruleset/nft/statement.ts';
import type { Chain, KnownSet, Table } from '../../ruleset/table.ts';
import { accept, goto, type Verdict } from '../../ruleset/values/verdict.ts';
import { chainWith, placeAddresses, type AddressChain, type Lookups, type NameSet } from './address-chain.ts';
import { groupNames, NOTE_AUDIT, REFUSE_DROP, REFUSE_REJECT, selectionNames } from './names.ts';

const RETURN: Verdict = { kind: 'return' };
const accepting = (name: string): AddressChain => ({
  name,
  then: accept,
  otherwise: RETURN,
  after: [],
});

/**
 * The chain that accepts the sources of a selection, after those of its groups; it returns for the others, and what
 * called it refuses them.
 */
export const allowChain = (instance: string): AddressChain => accepting(selectionNames(instance).allow);

/** The chain that accepts the sources of an AddressGroup, whoever uses it. */
export const groupChain = (instance: string): AddressChain => accepting(groupNames(instance).allow);

/** Refuses with an answer whom the sets hold, without one the others. */
const refuseChain = (instance: string): AddressChain => ({
  name: selectionNames(instance).refuse,
  then: goto(REFUSE_REJECT),
  otherwise: goto(REFUSE_DROP),
  after: [{ statements: [verdict(goto(REFUSE_DROP))] }],
});

const auditChain = (instance: string): AddressChain => ({
  name: selectionNames(instance).audit,
  then: goto(NOTE_AUDIT),
  otherwise: RETURN,
  after: [],
});

/** How the sources that a selection refuses are refused. */
export const refuseOf = (selection: Selection): 'drop' | 'reject' | 'mixed' => {
  if (isNobody(selection.rejected)) return 'drop';
  return isNobody(addressDifference(addressComplement(selection.allowed), selection.rejected)) ? 'reject' : 'mixed';
};

/** The chain that an exposure of this selection goes to when it refuses. */
export const refuseChainOf = (selection: Selection, instance: string): string =>
  ({ drop: REFUSE_DROP, reject: REFUSE_REJECT, mixed: selectionNames(instance).refuse })[refuseOf(selection)];

/** Chains and their sets. */
interface Objects {
  readonly chains: readonly Chain[];
  readonly sets: readonly KnownSet[];
}

/** The kernel as it is, the names for new sets, and whether replies are judged by the same sets as well. */
export interface Surroundings {
  readonly current: Table | null;
  readonly nameSet: NameSet;
  readonly replies: boolean;
}

/**
 * A chain that accepts and, where replies are judged, its twin, which looks the client up as the destination. Both ask
 * those of the groups first.
 */
const withTwin = (
  chain: AddressChain,
  twin: string,
  lookups: Lookups,
  groupInstances: readonly string[],
  replies: boolean,
): readonly Chain[] => {
  const groups = groupInstances.map(groupNames);
  return [
    chainWith(
      chain,
      lookups,
      groups.map(({ allow }) => allow),
    ),
    ...(replies
      ? [
          chainWith(
            { ...chain, name: twin },
            lookups,
            groups.map(({ allowReplies }) => allowReplies),
            'destination',
          ),
        ]
      : []),
  ];
};

/** Everything in the kernel that belongs to one AddressGroup instance. */
export const groupObjects = (addresses: AddressSet, instance: string, around: Surroundings): Objects => {
  const chain = groupChain(instance);
  const { lookups, sets } = placeAddresses(around.current, chain, addresses, around.nameSet);
  return { chains: withTwin(chain, groupNames(instance).allowReplies, lookups, [], around.replies), sets };
};

/** Everything in the kernel that belongs to one selection instance, apart from the groups it shares with others. */
export const selectionObjects = (
  selection: Selection,
  instance: string,
  groupInstances: readonly string[],
  { current, nameSet, replies }: Surroundings,
): Objects => {
  const own = placeAddresses(current, allowChain(instance), selection.own, nameSet);
  const others: readonly (readonly [AddressChain, AddressSet])[] = [
    ...(refuseOf(selection) === 'mixed' ? [[refuseChain(instance), selection.rejected] as const] : []),
    ...(isNobody(selection.wouldRefuse) ? [] : [[auditChain(instance), selection.wouldRefuse] as const]),
  ];
  const placed = others.map(([chain, addresses]) => {
    const { lookups, sets } = placeAddresses(current, chain, addresses, nameSet);
    return { chain: chainWith(chain, lookups), sets };
  });
  return {
    chains: [
      ...withTwin(allowChain(instance), selectionNames(instance).allowReplies, own.lookups, groupInstances, replies),
      ...placed.map(({ chain }) => chain),
    ],
    sets: [...own.sets, ...placed.flatMap(({ sets }) => sets)],
  };
};
