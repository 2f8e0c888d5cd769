import { ok, type Result, type Source } from '../../diagnostic/diagnostic.ts';
import { LAST, type Family } from '../../net/family.ts';
import type { IpSet, IpSetEntry, IpSetPart } from '../../ruleset/ipset.ts';
import { readAddress, readAddressMask, readNumber, readProtocol, readRange } from '../values/dump-values.ts';
import { doubtsAbout, linesOf, type Doubts, type Line } from '../values/lines.ts';

interface Draft {
  name: string;
  type: string;
  options: string;
  line: number;
  readonly entries: IpSetEntry[];
}

/**
 * Reads `ipset save` and `ipset list`, several sets in one text. An entry that is not understood is kept as unknown,
 * with a warning.
 */
export const parseIpsets = (source: Source): Result<ReadonlyMap<string, IpSet>> => {
  const doubts = doubtsAbout(source);
  const drafts = new Map<string, Draft>();
  let listed: Draft | null = null;
  let members = false;
  for (const line of linesOf(source.text)) {
    const [word = '', name = '', ...more] = line.text.split(/\s+/);
    const begin = (named: string, type: string, options: string): Draft => {
      const draft: Draft = { name: named, type, options, line: line.number, entries: [] };
      drafts.set(named, draft);
      return draft;
    };
    if (word === 'create' || word === '-N') begin(name, more[0] ?? '', more.slice(1).join(' '));
    else if (word === 'add' || word === '-A') {
      const draft = drafts.get(name);
      if (draft === undefined) doubts.note('set-unknown', `there is no set ${name} before this line`, line);
      else draft.entries.push(readEntry(draft, more, line, doubts));
    } else if (word === 'Name:') {
      listed = begin(name, '', '');
      members = false;
    } else if (word === 'Type:' && listed !== null) listed.type = name;
    else if (word === 'Header:' && listed !== null) listed.options = line.text.slice('Header:'.length).trim();
    else if (word === 'Members:') members = true;
    else if (listed !== null && members) listed.entries.push(readEntry(listed, [word, name, ...more], line, doubts));
    else if (listed === null && word !== 'COMMIT' && !word.startsWith('#'))
      doubts.note('not-an-entry', 'this line is neither a set nor an entry', line);
  }
  return ok(new Map([...drafts].map(([name, draft]) => [name, finish(draft, source)])), doubts.all);
};

const familyOf = ({ type, options }: Draft): Family | null =>
  type === 'list:set' || type === 'bitmap:port' ? null : /\binet6\b/.test(options) ? 6 : 4;

const finish = (draft: Draft, source: Source): IpSet => ({
  name: draft.name,
  type: draft.type,
  family: familyOf(draft),
  entries: draft.entries,
  timeouts: /\btimeout\b/.test(draft.options),
  options: draft.options,
  file: source.name,
  line: draft.line,
});

const readEntry = (draft: Draft, words: readonly string[], line: Line, doubts: Doubts): IpSetEntry => {
  const [element = '', ...options] = words.filter((word) => word !== '');
  const kinds = draft.type.slice(draft.type.indexOf(':') + 1).split(',');
  const texts = element.split(',');
  const parts = kinds.map((kind, index) => readPart(kind, texts[index] ?? '', familyOf(draft)));
  if (texts.length !== kinds.length || parts.some(({ kind }) => kind === 'unknown'))
    doubts.note('entry-unknown', `this entry of ${draft.name} is not understood`, line);
  const timeout = options.indexOf('timeout');
  return {
    parts,
    nomatch: options.includes('nomatch'),
    timeout: timeout === -1 ? null : readNumber(options[timeout + 1] ?? ''),
  };
};

const readPart = (kind: string, text: string, family: Family | null): IpSetPart => {
  const unknown: IpSetPart = { kind: 'unknown', text };
  switch (kind) {
    case 'ip':
    case 'net':
      return readAddresses(text, family) ?? unknown;
    case 'port':
      return readPorts(text) ?? unknown;
    case 'mark': {
      const mark = readNumber(text);
      return mark === null ? unknown : { kind: 'mark', mark };
    }
    case 'mac':
      return /^(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$/.test(text)
        ? { kind: 'mac', address: BigInt(`0x${text.replaceAll(':', '')}`) }
        : unknown;
    case 'iface':
      return text.startsWith('physdev:')
        ? { kind: 'interface', name: text.slice('physdev:'.length), physical: true }
        : { kind: 'interface', name: text, physical: false };
    case 'set':
      return text === '' ? unknown : { kind: 'set', name: text };
    default:
      return unknown;
  }
};

const readAddresses = (text: string, family: Family | null): IpSetPart | null => {
  const dash = text.indexOf('-');
  if (dash !== -1) {
    const [first, last] = [readAddress(text.slice(0, dash)), readAddress(text.slice(dash + 1))];
    if (first === null || last === null || first.family !== last.family) return null;
    return { kind: 'addresses', family: first.family, first: first.value, last: last.value };
  }
  const masked = readAddressMask(text);
  if (masked === null || (family !== null && masked.family !== family)) return null;
  return {
    kind: 'addresses',
    family: masked.family,
    first: masked.address,
    last: masked.address | (LAST[masked.family] ^ masked.mask),
  };
};

/** `80`, `tcp:80`, `80-90`, `icmp:8/0` (type and code as one number, as ipset holds them). */
const readPorts = (text: string): IpSetPart | null => {
  const colon = text.indexOf(':');
  const protocol = colon === -1 ? null : readProtocol(text.slice(0, colon));
  if (colon !== -1 && protocol === null) return null;
  const numbers = text.slice(colon + 1);
  const icmp = /^(\d+)\/(\d+)$/.exec(numbers);
  if (icmp !== null) {
    const code = Number(icmp[1]) * 256 + Number(icmp[2]);
    return { kind: 'ports', protocol, first: code, last: code };
  }
  const range = readRange(numbers, 65_535, '-');
  return range === null ? null : { kind: 'ports', protocol, ...range };
};
