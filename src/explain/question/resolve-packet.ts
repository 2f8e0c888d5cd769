import { error, fail, ok, type Result } from '../../diagnostic/diagnostic.ts';
import { formatAddress, type Address } from '../../net/address.ts';
import { isAbsent } from '../../ruleset/absent.ts';
import type { Host } from '../../ruleset/host.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import { onePacket, type PacketSet } from '../../simulate/state/packet-set.ts';
import { entryInterfaces, sourceFor } from '../../simulate/host/routing.ts';
import { checkFamilies, protocolNumber, type PacketRequest } from './packet-request.ts';

const sourceOf = ({ host }: Ruleset, { from, to }: PacketRequest): Result<Address> => {
  if (from.address !== null) return ok(from.address);
  const chosen = sourceFor(host, to);
  return chosen === null
    ? fail(
        error(
          'source-unknown',
          `which address this node uses towards ${formatAddress(to)} cannot be told`,
          undefined,
          isAbsent(host.routes) || isAbsent(host.addresses)
            ? 'The dumps hold no addresses or routes: fix it with --from node:ADDRESS'
            : 'There is no route; fix it with --from node:ADDRESS',
        ),
      )
    : ok(chosen);
};

const linkNames = ({ links, addresses }: Host): readonly string[] =>
  isAbsent(links)
    ? isAbsent(addresses)
      ? []
      : [...new Set(addresses.map(({ link }) => link))]
    : links.map(({ name }) => name);

const entryOf = ({ host }: Ruleset, { from, in: given }: PacketRequest, source: Address): Result<string> => {
  const names = linkNames(host);
  if (given !== null)
    return names.length === 0 || names.includes(given)
      ? ok(given)
      : fail(
          error(
            'no-interface',
            `this node has no interface ${given}`,
            undefined,
            `It has: ${names.slice(0, 12).join(', ')}`,
          ),
        );
  const [only, ...more] = entryInterfaces(host, source);
  const who = from.kind === 'pod' ? 'the pod' : formatAddress(source);
  if (only === undefined)
    return fail(
      error(
        'entry-unknown',
        `by which interface a packet from ${who} comes in cannot be told`,
        undefined,
        'Name it with --in, for example --in eth0',
      ),
    );
  return more.length === 0
    ? ok(only)
    : fail(
        error(
          'entry-several',
          `a packet from ${who} can come in by ${[only, ...more].join(' or ')}`,
          undefined,
          `Name one with --in, for example --in ${only}`,
        ),
      );
};

/**
 * Completes a question from the node's dumps: with the source that the node would use, and the interface that the
 * packet comes in by.
 */
export const resolvePacket = (ruleset: Ruleset, request: PacketRequest): Result<PacketSet> => {
  const families = checkFamilies(request);
  if (!families.ok) return families;
  const source = sourceOf(ruleset, request);
  if (!source.ok) return source;
  const common = {
    source: source.value,
    destination: request.to,
    protocol: protocolNumber(request),
    sourcePort: request.sourcePort,
    destinationPort: request.port,
    state: request.state,
  };
  if (request.from.kind === 'node') return ok(onePacket({ ...common, entry: { kind: 'node' } }));
  const entry = entryOf(ruleset, request, source.value);
  return entry.ok ? ok(onePacket({ ...common, entry: { kind: 'interface', name: entry.value } })) : entry;
};
