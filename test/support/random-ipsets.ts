import type { Family } from '../../src/net/family.ts';
import { LAB_ADDRESSES, LAB_PORTS } from './lab-addresses.ts';
import { NETS } from './random-iptables-place.ts';
import type { Random } from './random.ts';

/** Ipsets that the rules look into, as `ipset restore` reads them. */
export const ipsets = (random: Random, family: Family): string => {
  const word = family === 4 ? 'inet' : 'inet6';
  const { own, pods, clients } = LAB_ADDRESSES[family];
  const name = `s${family}`;
  const address = (): string => random.pick<string>([...own, ...pods, ...clients]);
  const port = (): string => `${random.pick(['tcp', 'udp'])}:${random.pick(LAB_PORTS)}`;
  const [wide, inner] = family === 4 ? ['203.0.113.0/24', '203.0.113.7'] : ['2001:db8:203::/48', '2001:db8:203::7'];
  return [
    `create ${name}-net hash:net family ${word}`,
    ...random.some<string>(NETS[family].slice(0, 3), 2).map((net) => `add ${name}-net ${net}`),
    `create ${name}-ipport hash:ip,port family ${word}`,
    ...new Set(Array.from({ length: 4 }, () => `add ${name}-ipport ${address()},${port()}`)),
    `create ${name}-except hash:net family ${word}`,
    `add ${name}-except ${wide}`,
    `add ${name}-except ${inner} nomatch`,
    `create ${name}-ports bitmap:port range 1-65535`,
    ...random.some(LAB_PORTS, 2).map((one) => `add ${name}-ports ${one}`),
    `create ${name}-triple hash:ip,port,ip family ${word}`,
    ...new Set(Array.from({ length: 6 }, () => `add ${name}-triple ${address()},${port()},${address()}`)),
    `create ${name}-ip hash:ip family ${word}`,
    ...random.some<string>([...own, ...pods, ...clients], 4).map((one) => `add ${name}-ip ${one}`),
    `create ${name}-netport hash:net,port family ${word}`,
    ...NETS[family].slice(0, 3).map((net) => `add ${name}-netport ${net},${port()}`),
    `create ${name}-netif hash:net,iface family ${word}`,
    ...NETS[family].slice(0, 3).map((net) => `add ${name}-netif ${net},${random.pick(['eth0', 'cni0', 'lo'])}`),
    `create ${name}-ipportnet hash:ip,port,net family ${word}`,
    ...NETS[family].slice(0, 3).map((net) => `add ${name}-ipportnet ${address()},${port()},${net}`),
    `create ${name}-several list:set`,
    `add ${name}-several ${name}-net`,
    `add ${name}-several ${name}-ip`,
    `create ${name}-added hash:ip family ${word} timeout 60`,
    ...(family === 4
      ? [
          'create s4-bits bitmap:ip range 192.0.2.0/24',
          ...random.some<string>(['192.0.2.10', '192.0.2.20', '192.0.2.50'], 2).map((one) => `add s4-bits ${one}`),
        ]
      : []),
    '',
  ].join('\n');
};
