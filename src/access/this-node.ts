import type { Declared } from '../policy/model.ts';
import type { AccessOptions } from './model.ts';

/** What is known about this node's labels: those of its Node object, if it is given, and those told from outside. */
export const labelsOfNode = (
  declared: Declared,
  { nodeName, nodeLabels }: AccessOptions,
): Readonly<Record<string, string>> => ({
  ...declared.nodes.find(({ name }) => name === nodeName)?.labels,
  ...nodeLabels,
});
