import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { good } from '../../test/support/good.ts';
import { untrackingChains } from '../lower/untracking.ts';
import { parseIptables } from './iptables/iptables-save.ts';
import { parseNftText } from './nft/nft-text.ts';

describe('chains that take packets from connection tracking', () => {
  test('of iptables-save: NOTRACK and CT --notrack, not the other uses of CT', () => {
    const text =
      '*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:other - [0:0]\n-A PREROUTING -p udp -j CT --notrack\n-A PREROUTING -p tcp -j CT --notrack\n-A OUTPUT -j NOTRACK\n-A other -p tcp -j CT --helper ftp\nCOMMIT\n';
    const { tables } = good(parseIptables({ name: 'iptables-save', text }));
    assert.deepEqual(tables.flatMap(untrackingChains), ['PREROUTING', 'OUTPUT']);
  });

  test('of nft', () => {
    const tables = good(
      parseNftText(
        'table ip raw { chain a { udp dport 53 counter notrack; }\nchain b { udp dport 53 accept; }\nchain c { ct state untracked drop; } }',
      ),
    );
    assert.deepEqual(tables.flatMap(untrackingChains), ['a']);
  });
});
