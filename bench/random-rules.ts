import type { Source } from '../src/diagnostic/diagnostic.ts';

/**
 * Rules as administrators pile them up, random and the same in every run: in raw/PREROUTING, where they meet node ports
 * before kube-proxy. Each lets in or drops a network (/8 to /32) at one node port; one in twenty at a range of ports,
 * one in a hundred everybody at a port, one in a thousand a network at all ports.
 */
export const randomRules = (count: number, ports: number): Source => {
  let state = 7;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const rules = Array.from({ length: count }, (_, index) => {
    const length = 8 + random(25);
    const value = random(2 ** 32) & (-1 << (32 - length));
    const network = `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}/${length}`;
    const port = 30_000 + random(ports);
    const source = index % 100 === 50 ? '' : `-s ${network} `;
    const range = index % 20 === 7 ? `${port}:${port + random(32)}` : String(port);
    const where = index % 1000 === 999 ? '' : `-p tcp -m tcp --dport ${range} `;
    return `-A PREROUTING ${source}${where}-j ${random(2) === 0 ? 'ACCEPT' : 'DROP'}`;
  });
  const text = ['*raw', ':PREROUTING ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n');
  return { name: 'iptables-save.txt', text };
};
