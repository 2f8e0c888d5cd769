/** Addresses that mean something to the node of a trace lab, by family. */
export const LAB_ADDRESSES = {
  4: {
    own: ['192.0.2.10', '192.0.2.20', '10.244.1.1'],
    pods: ['10.244.1.64', '10.244.1.66', '10.244.1.99'],
    beyond: ['198.51.100.5', '10.96.0.10', '10.244.2.21', '203.0.113.99', '203.0.113.98', '203.0.113.97', '192.0.2.11'],
    clients: ['203.0.113.7', '203.0.113.20', '198.51.100.2', '198.51.100.77', '192.0.2.50'],
  },
  6: {
    own: ['2001:db8:0:2::10', 'fd00:10:244:1::1'],
    pods: ['fd00:10:244:1::64', 'fd00:10:244:1::66', 'fd00:10:244:1::99'],
    beyond: ['2001:db8:1::5', '2001:db8:99::1', 'fd00:10:96::a'],
    clients: ['2001:db8:203::7', '2001:db8:203::20', '2001:db8:198::2', '2001:db8:0:2::50'],
  },
} as const;

export const LAB_PORTS = [53, 80, 443, 8080, 30_001, 30_002] as const;

/** An address as it stands before a port. */
export const brackets = (address: string): string => (address.includes(':') ? `[${address}]` : address);
