import { formatAddress, withPort } from '../../net/address.ts';
import type { Family } from '../../net/family.ts';
import { everyone } from '../../net/address-set.ts';
import { looseSet } from '../../net/loose-set.ts';
import { difference, equals, isEmpty, ranges, union, type PrefixSet } from '../../net/prefix-set.ts';
import type { Audited } from '../../audit/reach/audit.ts';
import type { ReachPart } from '../../audit/reach/reach.ts';
import { refText } from '../../lower/rule-ref.ts';
import type { Entry } from '../../simulate/state/packet-set.ts';
import { refOf } from '../../simulate/state/place.ts';
import { describeSources } from '../words/sources.ts';

const asAddressSet = (set: PrefixSet) =>
  set.family === 4
    ? { v4: set, v6: difference(everyone.v6, everyone.v6) }
    : { v4: difference(everyone.v4, everyone.v4), v6: set };

/** `eth0`, or `node`. */
export const entryText = (entry: Entry): string => (entry.kind === 'node' ? 'node' : entry.name);

/** Sources that routing refuses on this way in (martians, the node's own addresses). */
const unroutable = (parts: readonly ReachPart[]): PrefixSet | null => {
  const list = parts.filter(({ result }) => result === 'unroutable');
  const [first, ...more] = list;
  return first === undefined ? null : more.reduce((sum, { sources }) => union(sum, sources), first.sources);
};

/** Who can reach an exposure, in words: `everyone`, `198.51.100.0/30`, `all IPv4 but 10.0.0.0/8`, `nobody`. */
export const reachWords = (audited: Audited, most = 4): string => {
  const { may, must, parts } = audited;
  if (isEmpty(may)) return 'nobody';
  const free = unroutable(parts);
  // Nobody chose what routing refuses, so those sources are told with their neighbours.
  const say = (set: PrefixSet): string =>
    describeSources(asAddressSet(free === null ? set : looseSet(set, free)), most);
  return equals(may, must)
    ? say(may)
    : `${isEmpty(must) ? 'nobody for certain' : say(must)}; perhaps ${say(difference(may, must))}`;
};

const placeWords = (place: ReachPart['decidedBy']): string => {
  if (place.kind === 'rule') return refText(refOf(place));
  if (place.kind === 'ipvs') return place.server.scheduler !== '' ? 'IPVS: no server' : `IPVS: ${place.server.text}`;
  return place.kind === 'socket' ? 'nothing listens' : 'routing';
};

/** The first rules that refuse somebody. */
export const refusedBy = ({ parts }: Audited): string => {
  const places = parts.filter(({ reached, decidedBy }) => reached !== 'yes' && decidedBy.kind !== 'routing');
  return [...new Set(places.map(({ decidedBy }) => placeWords(decidedBy)))].slice(0, 2).join(', ');
};

const witnessOf = ({ exposure, destination, entry }: Audited, { sources }: ReachPart) => {
  const [first] = ranges(sources);
  const target = withPort(destination, `${exposure.port}/${exposure.protocol}`);
  if (first === undefined) return null;
  const from = formatAddress({ family: exposure.family, value: first.first });
  return entry.kind === 'node' ? { from: `node:${from}`, to: target } : { from, to: target, in: entry.name };
};

/** One entry of `exposures[]` (docs/audit.md). `nameOf`: gives the name of a set, whose ranges are told elsewhere. */
export const auditedJson = (audited: Audited, nameOf: (set: PrefixSet) => string) => {
  const { exposure, destination, entry, entriesSame, may, must, parts } = audited;
  return {
    id: exposure.id,
    kind: exposure.kind,
    protocol: exposure.protocol,
    port: exposure.port,
    addresses: exposure.address === null ? 'local' : [formatAddress(exposure.address)],
    asked: formatAddress(destination),
    family: exposure.family satisfies Family,
    service: exposure.service,
    foundIn: exposure.from,
    entry: entryText(entry),
    entriesSame: entriesSame.map(entryText),
    may: nameOf(may),
    must: nameOf(must),
    exact: equals(may, must),
    parts: parts.map((part) => ({
      sources: nameOf(part.sources),
      reached: part.reached,
      result: part.result,
      decidedBy: refOf(part.decidedBy),
      separatedBy: part.separatedBy.map(refOf),
      witness: witnessOf(audited, part),
    })),
  };
};
