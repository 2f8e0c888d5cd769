import type { Family } from '../../src/net/family.ts';
import { brackets, LAB_ADDRESSES } from './lab-addresses.ts';
import { apart, SEVERAL, word, type Place } from './random-nft-place.ts';

const ofFamily = (isInet: boolean, family: Family): string => (isInet ? `meta nfproto ipv${family} ` : '');

/** Networks of the same size: what lies in the first goes to its like in the second. */
const LIKE = {
  4: ['192.0.2.0/24', '10.244.1.0/24'],
  6: ['2001:db8:0:2::/64', 'fd00:10:244:1::/64'],
} as const;

/** A rewriting that the hook allows, as text. */
export const rewriting = (place: Place): string => {
  const { hook, random, family } = place;
  if (hook === 'prerouting' || hook === 'output') return random.pick(ofDestination(place))();
  if (hook === 'postrouting') return random.pick(ofSource(place))();
  return `snat ${word(family)} to ${random.pick<string>(LAB_ADDRESSES[family].own)}`;
};

const withPorts = (l4: Place['l4']): string => `meta l4proto ${l4 === 'tcp' ? l4 : SEVERAL[l4]}`;

const ofDestination = ({ random, family, l4, isInet }: Place): readonly (() => string)[] => {
  const { own, pods } = LAB_ADDRESSES[family];
  const ip = word(family);
  const target = random.pick<string>([...pods, ...pods, ...own]);
  const port = random.pick([8080, 443, 5353]);
  const only = ofFamily(isInet, family);
  const ports = withPorts(l4);
  const halves = `{ 0 : ${pods[0]}, 1 : ${pods[1]} }`;
  return [
    () => `${ports} dnat ${ip} to ${brackets(target)}:${port}`,
    () => `dnat ${ip} to ${target}`,
    () => `dnat ${ip} to ${pods[0]}-${pods[1]}`,
    () => `${ports} dnat ${ip} to ${brackets(target)}:8080-8090 ${random.pick(['', 'random', 'persistent'])}`,
    () => `dnat ${ip} prefix to ${ip} daddr map { ${LIKE[family].join(' : ')} }`,
    () => `dnat ${ip} to ${ip} saddr map @to${family}`,
    () => `${only}${ports} redirect to :${port}`,
    () => `${only}${ports} redirect to :8080-8082`,
    () => `${only}${l4} dport 80 redirect to :${l4} dport map { 80 : 8080, 443 : 8443 }`,
    () => `${only}redirect`,
    () =>
      `${ports} dnat ${ip} addr . port to numgen random mod 3 map { 0 : ${pods[0]} . 8080, 1 : ${pods[1]} . 8080, 2 : ${pods[2]} . 8081 }`,
    () => `${ports} dnat ${ip} to jhash ${ip} saddr mod 2 map ${halves} : 8080`,
    () => `dnat ${ip} to symhash mod 2 map ${halves}`,
    () => `${l4} dport 80 dnat ${ip} to ${ip} daddr . ${l4} dport map { ${own[0]} . 80 : ${pods[0]} . 8080 }`,
    () =>
      `${l4} dport 80 dnat ${ip} to ${ip} daddr map { ${apart(random, family)
        .map((key, index) => `${key} : ${pods[index]}`)
        .join(', ')} }`,
  ];
};

const ofSource = ({ random, family, l4, isInet }: Place): readonly (() => string)[] => {
  const { own, pods } = LAB_ADDRESSES[family];
  const ip = word(family);
  const only = ofFamily(isInet, family);
  const ports = withPorts(l4);
  const one = random.pick<string>(own);
  return [
    () => `${only}masquerade`,
    () => `${only}masquerade ${random.pick(['random', 'fully-random', 'persistent'])}`,
    () => `${only}${ports} masquerade to :40000-41000`,
    () => `snat ${ip} to ${one} ${random.pick(['', 'persistent'])}`,
    () => `snat ${ip} to ${family === 4 ? '192.0.2.10-192.0.2.20' : '2001:db8:0:2::10-2001:db8:0:2::20'}`,
    () => `${ports} snat ${ip} to ${brackets(one)}:40000-41000`,
    () => `snat ${ip} prefix to ${ip} saddr map { ${[...LIKE[family]].reverse().join(' : ')} }`,
    () => `snat ${ip} to ${ip} daddr map { ${pods[0]} : ${own[0]}, ${pods[1]} : ${own[1]} }`,
    () => `snat ${ip} to numgen inc mod 2 map { 0 : ${own[0]}, 1 : ${own[1]} }`,
  ];
};
