import type { Family } from '../../net/family.ts';
import { refText } from '../../lower/rule-ref.ts';
import type { Outcome } from '../../simulate/state/outcome.ts';
import { refOf } from '../../simulate/state/place.ts';
import { endpointText } from '../words/endpoint-text.ts';
import { countWord, fractionText, sumOf } from '../words/number-words.ts';
import { unknownWords, whereWords } from './outcome-words.ts';
import { hooksOf, stepsFrom, type TraceView } from './trace-view.ts';

const distinct = (items: readonly string[]): readonly string[] => [...new Set(items)];

const delivered = (family: Family, outcomes: readonly Outcome[]): string => {
  const endpoints = distinct(outcomes.flatMap(({ to }) => (to === null ? [] : [endpointText(family, to)])));
  const [only] = endpoints;
  const [first] = outcomes;
  if (endpoints.length === 1 && only !== undefined && first !== undefined) {
    const where = whereWords(family, first);
    return `reaches ${only}${where === '' ? '' : ` ${where}`}`;
  }
  return `reaches one of ${countWord(endpoints.length)} endpoints`;
};

const single = (family: Family, outcome: Outcome): string => {
  const by = refText(refOf(outcome.decidedBy)).trim();
  switch (outcome.result) {
    case 'delivered':
      return delivered(family, [outcome]);
    case 'local':
      return outcome.listener === true
        ? 'reaches a program of this node'
        : outcome.listener === false
          ? 'reaches this node itself, where nothing listens: it is refused'
          : 'reaches this node itself';
    case 'forwarded':
      return 'is forwarded with its destination unchanged';
    case 'rejected':
      return `is refused with ${outcome.reject ?? 'an answer'} by ${by}`;
    case 'dropped':
      return `is dropped by ${by}`;
    case 'unroutable':
      return 'is not routable on this node';
    case 'unknown':
      return `cannot be followed to its end: ${unknownWords(outcome)}`;
  }
};

/**
 * The fate of a packet in one sentence that begins with `who`: `A TCP connection from … to node port 30001 (shop/web)
 * …`.
 */
export const summarize = (view: TraceView, who: string): string => {
  const { family } = view.packet;
  const { outcomes } = view;
  const kinds = distinct(outcomes.map(({ result }) => result));
  const [first] = outcomes;
  if (first === undefined) return `${who} has no way that is known.`;
  const reached = outcomes.filter(({ result }) => result === 'delivered');
  const isRewritten = [...stepsFrom(view.root)].some(
    (step) => step.kind === 'rule' && step.effects.some((effect) => effect.kind === 'nat' && effect.how === 'dnat'),
  );
  const blind = reached.length > 0 && isRewritten && !hooksOf(view).has('input') ? '; filter/INPUT never sees it' : '';
  if (kinds.length === 1)
    return kinds[0] === 'delivered'
      ? `${who} ${delivered(family, outcomes)}${blind}.`
      : `${who} ${single(family, first)}.`;
  const assumed = new Set(outcomes.flatMap(({ assuming }) => assuming.map(({ what }) => what)));
  const open = assumed.size > 0;
  const depends = assumed.has('order')
    ? ', depending on which of two chains of the same priority was registered last'
    : assumed.has('match')
      ? ', depending on what the dumps do not tell'
      : assumed.has('affinity')
        ? ', depending on whether the client was here before'
        : '';
  const parts = kinds.map((kind) => {
    const group = outcomes.filter(({ result }) => result === kind);
    const shares = group.map(({ probability }) => probability);
    const share = !open && shares.every((one) => one !== null) ? ` (${fractionText(sumOf(shares))})` : '';
    const [one] = group;
    const words = kind === 'delivered' ? delivered(family, group) : one === undefined ? '' : single(family, one);
    return `${words}${share}`;
  });
  return `${who} ${parts.join(', or ')}${depends}${blind}.`;
};
