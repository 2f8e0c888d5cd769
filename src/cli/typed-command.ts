import type { Application } from '@stricli/core';
import type { Context } from './output/context.ts';

type Target = Application<Context>['root'];

const routesOf = (target: Target, [word, ...rest]: readonly string[]): readonly string[] => {
  const next =
    word !== undefined && 'getRoutingTargetForInput' in target ? target.getRoutingTargetForInput(word) : undefined;
  return word === undefined || next === undefined ? [] : [word, ...routesOf(next, rest)];
};

/**
 * The command that was typed, as far as there is such a one: `portcullis lab up`, or `portcullis lab` for `portcullis
 * lab upp`.
 */
export const typedCommand = (root: Target): string =>
  ['portcullis', ...routesOf(root, process.argv.slice(2))].join(' ');
