import { formatAddress } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import type { Outcome } from '../../simulate/state/outcome.ts';
import { refOf } from '../../simulate/state/place.ts';
import { refText } from '../../lower/rule-ref.ts';
import { endpointText } from '../words/endpoint-text.ts';
import { BY_NAME, type Naming } from './naming.ts';

/** `a pod on this node`, `on another node, by way of 192.0.2.11`. */
export const whereWords = (family: Family, { where, via }: Outcome): string => {
  switch (where) {
    case 'this-node':
      return 'on this node';
    case 'other-node':
      return via?.nextHop == null
        ? 'on another node'
        : `on another node, by way of ${formatAddress({ family, value: via.nextHop })}`;
    case 'outside':
      return 'outside';
    case null:
      return '';
  }
};

const CLIENT: Readonly<Record<Outcome['client'], string>> = {
  connects: 'the client connects',
  refused: 'the client is refused at once',
  timeout: 'the client hears nothing and times out',
  'host-unreachable': 'the client hears that the host is unreachable',
  'net-unreachable': 'the client hears that the network is unreachable',
  depends: 'what the client sees is decided further on',
};

const seen = (family: Family, { source }: Outcome): string =>
  source === null ? '' : `, which sees ${formatAddress({ family, value: source })}`;

/** Why an outcome is unknown. A rule is named by its place. A missing dump is named by the command that makes it. */
export const unknownWords = ({ decidedBy, why = 'not understood' }: Outcome): string => {
  const ref = refOf(decidedBy);
  if (ref.chain !== '') return `${refText(ref)}: ${why}`;
  return ref.engine === 'ipvs' && ref.text !== why ? `${ref.text}: ${why}` : ref.text;
};

/** The end of one way, in words. */
export const outcomeWords = (family: Family, outcome: Outcome, naming: Naming = BY_NAME): string => {
  const to = outcome.to === null ? '' : ` ${naming.endpoint(endpointText(family, outcome.to))}`;
  const client = CLIENT[outcome.client];
  switch (outcome.result) {
    case 'delivered': {
      const where = whereWords(family, outcome);
      const bypass = outcome.returnPath === 'may-bypass' ? ' (its answer may not come back through this node)' : '';
      return `delivered to${to}${where === '' ? '' : ` ${where}`}${seen(family, outcome)}${bypass}`;
    }
    case 'local':
      if (outcome.listener === true) return `reaches a program of this node${to}${seen(family, outcome)}`;
      return outcome.listener === false
        ? `reaches this node${to}, where nothing listens: ${client}`
        : `reaches this node${to}; whether something listens there is not known`;
    case 'forwarded':
      return `forwarded to${to}${outcome.via === null ? '' : ` by ${outcome.via.oif}`}: ${client}`;
    case 'rejected':
      return `refused with ${outcome.reject ?? 'an answer'}: ${client}`;
    case 'dropped':
      return `dropped: ${client}`;
    case 'unroutable':
      return `not routable: ${client}`;
    case 'unknown':
      return `cannot be told: ${unknownWords(outcome)}`;
  }
};
