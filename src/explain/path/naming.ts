import { endpointName, hasRulePerEndpoint, shortChain } from '../../kube-proxy/names.ts';

/** The names of things that can belong to one endpoint alone. Texts of endpoints are those of {@link endpointText}. */
export interface Naming {
  /**
   * own: everything has its own name. general: one branch is drawn for several that are alike, so that what only one of
   * them has gets a general name or is left out. comparison: drawn only to see which branches are alike.
   */
  readonly kind: 'own' | 'general' | 'comparison';
  /** The endpoints that get a general name; empty: none. */
  readonly own: string;
  /** An endpoint to which a packet goes. */
  readonly endpoint: (text: string) => string;
  /** A chain to which a rule leads. */
  readonly chain: (name: string) => string;
  /** A list or a set that remembers clients. */
  readonly memory: (name: string) => string;
  /** A rule of a chain that is jumped to. */
  readonly rule: (chain: string, number: number | 'policy') => string;
}

/** Everything has its own name. */
export const BY_NAME: Naming = {
  kind: 'own',
  own: '',
  endpoint: (text) => text,
  chain: shortChain,
  memory: shortChain,
  rule: (chain, number) => `${shortChain(chain)} ${number}`,
};

/**
 * The names in a branch that represents several. General names replace its own endpoint (null: it has none), that
 * endpoint's chain, and the lists that remember clients.
 */
const alike = (own: string | null, { own: outer, endpoint }: Naming): Omit<Naming, 'kind' | 'rule'> => ({
  own: own === null ? outer : `${outer} ${own}`,
  endpoint: (text) => (text === own ? 'that endpoint' : endpoint(text)),
  chain: (name) => {
    const kind = endpointName(name);
    return kind === null ? shortChain(name) : `${kind}-…`;
  },
  memory: (name) => {
    const kind = endpointName(name);
    if (kind === null) return shortChain(name);
    return kind === 'affinity' ? `${kind}-…` : kind;
  },
});

/** For one branch that is drawn for several. Within a comparison it is drawn for comparison. */
export const inGeneral = (own: string, outer: Naming): Naming =>
  outer.kind === 'comparison'
    ? inComparison(own, outer)
    : {
        kind: 'general',
        ...alike(own, outer),
        rule: (chain, number) => {
          const kind = endpointName(chain);
          return kind === null ? `${shortChain(chain)} ${number}` : `${kind}-…`;
        },
      };

/** For branches that are compared. It makes no difference which rule of a Service's chain leads to the endpoint. */
export const inComparison = (own: string | null, outer: Naming): Naming => {
  const names = alike(own, outer);
  return {
    kind: 'comparison',
    ...names,
    rule: (chain, number) => (hasRulePerEndpoint(chain) ? chain : `${names.chain(chain)} ${number}`),
  };
};
