import { EMPTY_STATE, type StoredOptions, type StoredState } from '../../access/state.ts';
import { ok, type Result } from '../../diagnostic/diagnostic.ts';
import type { PortSpec } from '../../net/port.ts';
import type { ManifestSource } from '../../policy/manifest-document.ts';
import { restrictionsWith, restrictionsWithout, type Restriction } from '../../policy/restrict.ts';

/** What somebody wants of a node. */
export type Wish =
  /** The objects become the whole declared set. Options that are not given stay as they are. */
  | { readonly kind: 'declare'; readonly sources: readonly ManifestSource[]; readonly options: GivenOptions }
  /** One restriction comes, or takes the place of the one of its port. `add`: it widens that one. */
  | { readonly kind: 'restrict'; readonly restriction: Restriction; readonly add: boolean }
  | { readonly kind: 'unrestrict'; readonly spec: PortSpec }
  /** Everything goes. */
  | { readonly kind: 'remove' };

/** Options with a declaration. */
export interface GivenOptions extends Partial<StoredOptions> {
  /** The node's name where none is given and none is stored. */
  readonly hostName: string;
}

const optionsWith = (stored: StoredOptions, { hostName, ...given }: GivenOptions): StoredOptions => {
  const options = { ...stored, ...given };
  return { ...options, nodeName: options.nodeName ?? hostName };
};

/** The state that a wish makes of another. */
export const stateWith = (state: StoredState, wish: Wish): Result<StoredState> => {
  const restricted = (restrictions: Result<readonly Restriction[]>): Result<StoredState> =>
    restrictions.ok ? ok({ ...state, restrictions: restrictions.value }) : restrictions;
  switch (wish.kind) {
    case 'declare':
      return ok({ ...state, sources: wish.sources, options: optionsWith(state.options, wish.options) });
    case 'restrict':
      return restricted(restrictionsWith(state.restrictions, wish.restriction, wish.add));
    case 'unrestrict':
      return restricted(restrictionsWithout(state.restrictions, wish.spec));
    case 'remove':
      return ok(EMPTY_STATE);
  }
};
