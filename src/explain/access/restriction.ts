import type { Access } from '../../access/model.ts';
import { complement, isEmpty } from '../../net/prefix-set.ts';
import type { PortRange } from '../../net/port.ts';
import type { Protocol } from '../../net/protocol.ts';
import { everyone, type AddressSet } from '../../net/address-set.ts';
import { groupByPorts } from './exposure-groups.ts';
import { describeCount, describeSources } from '../words/sources.ts';

/** Who is refused, said from who is allowed: `every other IPv4 address, all IPv6`. */
export const describeRefused = ({ v4, v6 }: AddressSet): string => {
  const parts = [
    { name: 'IPv4', set: v4 },
    { name: 'IPv6', set: v6 },
  ].flatMap(({ name, set }) => {
    if (isEmpty(set)) return [`all ${name}`];
    return isEmpty(complement(set)) ? [] : [`every other ${name} address`];
  });
  return parts.length === 0 ? 'nobody' : parts.join(', ');
};

/** How some ports on the node's own addresses are guarded, one block of lines each. */
export const restrictionLines = (
  access: Access,
  ports: PortRange,
  protocol: Protocol | null,
): readonly { readonly title: string; readonly rows: readonly (readonly [string, string])[] }[] => {
  const items = access.exposures
    .filter(
      (exposure) =>
        exposure.address === null &&
        exposure.ports.first <= ports.last &&
        exposure.ports.last >= ports.first &&
        (protocol === null || exposure.protocol === protocol),
    )
    .map((exposure) => ({ exposure }));
  return groupByPorts(items, ({ exposure }) => `${exposure.selection} ${exposure.service}`).map(({ group }) => {
    const selection = access.selections.get(group.exposure.selection ?? '');
    const allowed = selection?.allowed ?? everyone;
    const count = describeCount(allowed);
    const service = group.exposure.service === null ? '' : `  ${group.exposure.service}`;
    return {
      title: `${group.exposure.kind} ${group.title} on this node${service}`,
      rows: [
        ['may come in', `${describeSources(allowed, 8)}${count === null ? '' : `   (${count})`}`],
        ['refused', describeRefused(allowed)],
      ],
    };
  });
};
