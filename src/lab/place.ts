/**
 * The places of the lab: each is one network namespace. Clients, pods and nodes are named as in the captured outcomes.
 */
export const PLACES = [
  'router',
  'node-1',
  'node-2',
  'pods-2',
  'pod-64',
  'pod-66',
  'pod-67',
  'pod-68',
  'pod-99',
  'api-server',
  'same-lan',
  'outside-a',
  'outside-b',
  'outside-c',
  'outside-d',
] as const;

export type Place = (typeof PLACES)[number];

/** Is this the name of a place? */
export const isPlace = (text: string): text is Place => (PLACES as readonly string[]).includes(text);

/** The network namespace of a place: `pclab-demo-node-1`. */
export const namespaceOf = (lab: string, place: Place): string => `pclab-${lab}-${place}`;
