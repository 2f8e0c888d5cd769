import { between, single } from '../ruleset/values/data-type.ts';
import type { WrittenOption } from '../ruleset/iptables/match.ts';
import type { IptablesTarget, NatRange } from '../ruleset/iptables/target.ts';
import { constant, type ValueSource } from './value-source.ts';
import type { Step } from './step.ts';

const MARK_BITS = 0xffff_ffffn;

/** The bits of a mark that a mask leaves alone. */
const kept = (mask: number): bigint => MARK_BITS ^ BigInt(mask);

const lowerNat = ({ how, to, random, fullyRandom, persistent }: Extract<IptablesTarget, { kind: 'nat' }>): Step => ({
  kind: 'nat',
  how,
  to: { address: addressOf(to), port: portOf(to) },
  random: random || fullyRandom,
  persistent,
});

const addressOf = (to: NatRange | null): ValueSource | null =>
  to?.addresses == null ? null : constant(between(to.addresses.first, to.addresses.last));

const portOf = (to: NatRange | null): ValueSource | null => {
  if (to?.ports == null) return null;
  // Ports that shift with the original one (net/netfilter/nf_nat_core.c, NF_NAT_RANGE_PROTO_OFFSET).
  if (to.basePort !== null) return { kind: 'unknown', text: `${to.ports.first}-${to.ports.last}/${to.basePort}` };
  return constant(between(to.ports.first, to.ports.last));
};

const valueOf = (options: readonly WrittenOption[], name: string): string | null =>
  options.find((option) => option.name === name)?.values[0] ?? null;

/**
 * CT gives a packet a template of the connection that the tracker will make: its zone, its helper
 * (net/netfilter/xt_CT.c).
 */
const lowerCt = ({ notrack, options }: Extract<IptablesTarget, { kind: 'ct' }>): readonly Step[] => {
  const zone = valueOf(options, '--zone') ?? valueOf(options, '--zone-orig') ?? valueOf(options, '--zone-reply');
  const helper = valueOf(options, '--helper');
  if (notrack) return [{ kind: 'notrack' }];
  const value: ValueSource =
    zone === null || /^\d+$/.test(zone) ? constant(single(BigInt(zone ?? 0))) : { kind: 'unknown', text: zone };
  const told: Step = { kind: 'write', field: 'ct-zone', keep: 0n, value };
  return helper === null ? [told] : [told, { kind: 'note', what: 'other', text: `helper ${helper}` }];
};

/** SET records addresses in an ipset; with a map it also takes the mark from there. */
const lowerSet = (options: readonly WrittenOption[]): readonly Step[] =>
  options.flatMap(({ name, values: [set = ''] }): readonly Step[] => {
    if (name === '--add-set' || name === '--del-set') return [{ kind: 'record', what: 'ipset', name: set }];
    if (name === '--map-mark')
      return [{ kind: 'write', field: 'mark', keep: 0n, value: { kind: 'unknown', text: 'SET --map-mark' } }];
    return [];
  });

/**
 * What the rules and the routing may ask of a header that a target writes (net/netfilter/xt_HL.c, xt_DSCP.c); other
 * changes decide nothing.
 */
const lowerOther = ({ module, options }: Extract<IptablesTarget, { kind: 'other' }>): readonly Step[] => {
  const [option] = options;
  const number = Number(option?.values[0]);
  const writes = (field: 'ttl' | 'dscp' | 'length', exact: boolean): Step => ({
    kind: 'write',
    field,
    keep: 0n,
    value: exact && Number.isInteger(number) ? constant(single(number)) : { kind: 'unknown', text: module },
  });
  switch (module) {
    case 'TTL':
    case 'HL':
      return [writes('ttl', option?.name.endsWith('-set') === true)];
    case 'DSCP':
      return [writes('dscp', option?.name === '--set-dscp')];
    // Where there is no such option, it is added (xt_TCPMSS.c, tcpmss_mangle_packet).
    case 'TCPMSS':
      return [writes('length', false)];
    case 'TOS':
      return [writes('dscp', false)];
    default:
      return [{ kind: 'note', what: 'mangle', text: module }];
  }
};

/** What a target does, as steps. */
export const lowerTarget = (target: IptablesTarget): readonly Step[] => {
  switch (target.kind) {
    case 'accept':
    case 'drop':
    case 'return':
      return [{ kind: 'verdict', verdict: { kind: target.kind } }];
    case 'jump':
    case 'goto':
      return [{ kind: 'verdict', verdict: { kind: target.kind, chain: target.chain } }];
    case 'reject':
      return [{ kind: 'verdict', verdict: { kind: 'reject', with: target.with } }];
    case 'queue': {
      const { first, last, bypass, fanout } = target;
      return [{ kind: 'verdict', verdict: { kind: 'queue', first, last, bypass, fanout } }];
    }
    case 'nat':
      return [lowerNat(target)];
    case 'mark':
      return [{ kind: 'write', field: 'mark', keep: kept(target.mask), value: constant(single(target.value)) }];
    case 'connmark-set':
      return [{ kind: 'write', field: 'ct-mark', keep: kept(target.mask), value: constant(single(target.value)) }];
    case 'connmark-save':
      return [
        {
          kind: 'write',
          field: 'ct-mark',
          keep: kept(target.ctMask),
          value: { kind: 'masked', field: 'mark', and: BigInt(target.nfMask), xor: 0n, shift: 0 },
        },
      ];
    case 'connmark-restore':
      return [
        {
          kind: 'write',
          field: 'mark',
          keep: kept(target.nfMask),
          value: { kind: 'masked', field: 'ct-mark', and: BigInt(target.ctMask), xor: 0n, shift: 0 },
        },
      ];
    case 'ct':
      return lowerCt(target);
    case 'log':
      return [{ kind: 'note', what: 'log', ...(target.prefix === null ? {} : { text: target.prefix }) }];
    case 'tproxy':
      // net/netfilter/xt_TPROXY.c, tproxy_tg4: with a socket the packet is marked and accepted, without one it is
      // dropped.
      return [
        {
          kind: 'tproxy',
          address: target.address === null ? null : constant(single(target.address.value)),
          port: target.port === 0 ? null : constant(single(target.port)),
          otherwise: 'drop',
        },
        { kind: 'write', field: 'mark', keep: kept(target.mask), value: constant(single(target.mark)) },
        { kind: 'verdict', verdict: { kind: 'accept' } },
      ];
    case 'tee':
      return [{ kind: 'note', what: 'copy' }];
    case 'trace':
      return [{ kind: 'note', what: 'trace' }];
    case 'set':
      return lowerSet(target.options);
    case 'other':
      return lowerOther(target);
    case 'unknown':
      return [{ kind: 'unknown', text: target.text, may: 'match-and-decide' }];
  }
};
