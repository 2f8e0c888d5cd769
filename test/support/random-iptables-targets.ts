import { brackets, LAB_ADDRESSES } from './lab-addresses.ts';
import type { Place } from './random-iptables-place.ts';
import { oneOf, type Forms } from './random.ts';

type Targets = Forms<Place>;

const ASKS_FOR_DESTINATION: ReadonlySet<string> = new Set(['PREROUTING', 'OUTPUT']);

const LIKE = {
  4: { pods: '10.244.1.0/24', own: '192.0.2.0/24' },
  6: { pods: 'fd00:10:244:1::/64', own: '2001:db8:0:2::/64' },
};

/** A rewriting that the chain allows, with the `-p` that it needs. */
export const rewriting = (place: Place): string => {
  const { random, family, chain, l4 } = place;
  const { own, pods } = LAB_ADDRESSES[family];
  const target = random.pick<string>([...pods, ...pods, ...own]);
  const one = random.pick<string>(own);
  const how = random.pick(['', '', ' --random', ' --persistent']);
  if (ASKS_FOR_DESTINATION.has(chain))
    return random.pick([
      () => `-p ${l4} -j DNAT --to-destination ${brackets(target)}:${random.pick([8080, 443])}`,
      () => `-p ${l4} -j DNAT --to-destination ${brackets(target)}:8080-8090${how}`,
      () => `-j DNAT --to-destination ${target}${how}`,
      () => `-j DNAT --to-destination ${pods[0]}-${pods[1]}${how}`,
      () => `-p ${l4} -j REDIRECT --to-ports ${random.pick(['8080', '65535', '8080-8090'])}`,
      () => `-j REDIRECT`,
      () => `-j NETMAP --to ${LIKE[family].pods}`,
    ])();
  if (chain === 'POSTROUTING')
    return random.pick([
      () => '-j MASQUERADE',
      () => `-j MASQUERADE ${random.pick(['--random', '--random-fully'])}`,
      () => `-p ${l4} -j MASQUERADE --to-ports 40000-41000`,
      () => `-j SNAT --to-source ${one}${how}`,
      () => `-p ${l4} -j SNAT --to-source ${brackets(one)}:40000-41000`,
      () => `-j SNAT --to-source ${family === 4 ? '192.0.2.10-192.0.2.20' : '2001:db8:0:2::10-2001:db8:0:2::20'}${how}`,
      () => `-j NETMAP --to ${LIKE[family].own}`,
    ])();
  return `-j SNAT --to-source ${one}`;
};

const VERDICTS: Targets = ({ random, table, jumps }) => {
  const to = jumps.length === 0 ? null : random.pick(jumps);
  return [
    () => `-j ${random.pick(['ACCEPT', 'RETURN', ...(table === 'nat' ? [] : ['DROP'])])}`,
    () => (to === null ? '' : `-j ${to}`),
    () => (to === null ? '' : `-j ${to}`),
    () => (to === null ? '' : `-g ${to}`),
    () => '',
  ];
};

const MARKINGS: Targets = ({ random }) => [
  () =>
    `-j MARK --set-xmark ${random.pick(['0x4000/0x4000', '0x100/0x100', '0x1/0xffffffff', '0x4000/0x0', '0x0/0x100'])}`,
  () =>
    `-j CONNMARK ${random.pick(['--set-xmark 0x1/0x1', '--save-mark --nfmask 0x4000 --ctmask 0x4000', '--restore-mark --nfmask 0x1 --ctmask 0x1'])}`,
];

const NOTES: Targets = ({ random, family, copies }) => [
  () => `-m recent --set --name seen --rsource`,
  () => `-j LOG --log-prefix "x "`,
  () => `-j NFLOG --nflog-group 5`,
  () => `-j SET --${random.pick(['add', 'del'])}-set s${family}-added src`,
  () => `-j SET --add-set s${family}-added src --exist --timeout 60`,
  // Copies of packets for the node itself come back to it.
  ...(copies ? [() => `-m addrtype ! --dst-type LOCAL -j TEE --gateway ${LAB_ADDRESSES[family].pods[2]}`] : []),
];

const ANSWERS: Targets = ({ random, table, chain, family, l4 }) =>
  table === 'filter' && chain !== 'any'
    ? [
        () => '-j REJECT',
        () => `-j REJECT --reject-with ${family === 4 ? 'icmp-host-prohibited' : 'icmp6-adm-prohibited'}`,
        ...(l4 === 'tcp' ? [() => `-p tcp -j REJECT --reject-with tcp-reset`] : []),
        () => `-j NFQUEUE --queue-${random.pick(['num 3', 'num 3 --queue-bypass', 'balance 3:5'])}`,
      ]
    : [];

const OF_RAW: Targets = ({ random, table, chain, l4 }) =>
  table === 'raw' && ASKS_FOR_DESTINATION.has(chain)
    ? [
        () => '-j CT --notrack',
        () => '-j CT --zone 1',
        () => `-j CT --ctevents ${random.pick(['new', 'new,destroy'])}`,
        ...(l4 === 'tcp' ? [() => '-p tcp -j CT --helper ftp'] : []),
        () => '-j TRACE',
      ]
    : [];

const OF_MANGLE: Targets = ({ random, table, chain, family, l4 }) => {
  if (table !== 'mangle') return [];
  const [target, name] = family === 4 ? ['TTL', 'ttl'] : ['HL', 'hl'];
  return [
    () => `-j ${target} --${name}-${random.pick(['set 64', 'set 63', 'set 1', 'inc 1', 'dec 1'])}`,
    () => `-j DSCP --set-dscp ${random.pick(['0x08', '0x00'])}`,
    () => `-j TOS --set-tos 0x20/0x3f`,
    () => '-j CHECKSUM --checksum-fill',
    ...(l4 === 'tcp' && chain !== 'any'
      ? [() => '-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1200']
      : []),
    ...(chain === 'POSTROUTING' || chain === 'OUTPUT' ? [() => '-j CLASSIFY --set-class 1:2'] : []),
    ...(chain === 'PREROUTING' && l4 !== 'sctp'
      ? [() => `-p ${l4} -j TPROXY --on-port 8080 --tproxy-mark ${random.pick(['0x1/0x1', '0x0/0x0'])}`]
      : []),
  ];
};

const ALL: readonly Targets[] = [VERDICTS, VERDICTS, VERDICTS, MARKINGS, MARKINGS, NOTES, ANSWERS, OF_RAW, OF_MANGLE];

/** What a rule does, with the `-p` that it needs, as text. */
export const target = (place: Place): string => oneOf(ALL, place);
