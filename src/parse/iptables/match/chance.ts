import { readNumber } from '../../values/dump-values.ts';
import { find, inverted, type MatchReader } from './written.ts';

/** `-m statistic` in both modes; null when it is not understood. */
export const statistic: MatchReader = (options) => {
  const value = (name: string): string => find(options, name)?.values[0] ?? '';
  if (value('--mode') === 'random') {
    const probability = find(options, '--probability');
    if (probability === undefined || !/^[0-9]*\.?[0-9]+$/.test(value('--probability'))) return null;
    // libxt_statistic.c: lround(0x80000000 * probability); the kernel compares it with 31 random bits.
    const over = Math.round(0x8000_0000 * Number(value('--probability')));
    return over <= 0x8000_0000 ? { kind: 'statistic-random', negate: probability.negate, over } : null;
  }
  const every = readNumber(value('--every'));
  const packet = find(options, '--packet') === undefined ? 0 : readNumber(value('--packet'));
  if (value('--mode') !== 'nth' || every === null || packet === null || every < 1) return null;
  return { kind: 'statistic-nth', negate: find(options, '--every')?.negate ?? false, every, packet };
};

/** `-m recent`; null when it is not understood. */
export const recent: MatchReader = (options) => {
  const actions = options.filter(({ name }) => ['--set', '--rcheck', '--update', '--remove'].includes(name));
  const [action, ...more] = actions;
  if (action === undefined || more.length > 0) return null;
  const seconds = inverted(options, '--seconds', (value) => readNumber(value));
  const hitcount = inverted(options, '--hitcount', (value) => readNumber(value));
  if (seconds === undefined || hitcount === undefined) return null;
  return {
    kind: 'recent',
    negate: action.negate,
    action: action.name.slice(2) as 'set' | 'rcheck' | 'update' | 'remove',
    list: find(options, '--name')?.values[0] ?? 'DEFAULT',
    side: find(options, '--rdest') === undefined ? 'source' : 'destination',
    mask: find(options, '--mask')?.values[0] ?? null,
    seconds: seconds?.value ?? null,
    hitcount: hitcount?.value ?? null,
    reap: find(options, '--reap') !== undefined,
    rttl: find(options, '--rttl') !== undefined,
  };
};

/** Modules that count or look at the clock, with their options as they are written. */
export const rate: MatchReader = (options, module) => ({
  kind: 'rate',
  module: module as 'limit' | 'hashlimit' | 'connlimit' | 'quota' | 'time',
  options,
});
