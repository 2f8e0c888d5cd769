import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accessOf, addresses, exposed, selection } from '../../test/support/small-access.ts';
import type { Access } from '../access/model.ts';
import { everyone } from '../net/address-set.ts';
import type { Family } from '../net/family.ts';
import { renderRedirect } from './redirect.ts';

const rules = (access: Access, family: Family): readonly string[] =>
  renderRedirect(access, family)
    .split('\n')
    .filter((line) => /^-[AI]/.test(line));

const two = selection('web', addresses('198.51.100.0/30', '203.0.113.0/24', '2001:db8::/32'));
const LOCAL = '-m addrtype --dst-type LOCAL';
const INTO = '-I PREROUTING 1 ! -i lo -j PORTCULLIS';

describe('the classic rules', () => {
  const cases: readonly (readonly [words: string, access: Access, family: Family, text: readonly string[]])[] = [
    [
      'several ranges: each returns, what is left is redirected (one rule per range would refuse everybody)',
      accessOf([exposed('30001/tcp', 'web')], [two]),
      4,
      [
        `-A PORTCULLIS ${LOCAL} -p tcp -m tcp --dport 30001 -g PORTCULLIS-1-30001-tcp`,
        '-A PORTCULLIS-1-30001-tcp -s 198.51.100.0/30 -j RETURN',
        '-A PORTCULLIS-1-30001-tcp -s 203.0.113.0/24 -j RETURN',
        '-A PORTCULLIS-1-30001-tcp -p tcp -j REDIRECT --to-ports 65535',
        INTO,
      ],
    ],
    [
      'IPv6 has rules of its own',
      accessOf([exposed('30001/udp', 'web')], [two]),
      6,
      [
        `-A PORTCULLIS ${LOCAL} -p udp -m udp --dport 30001 -g PORTCULLIS-1-30001-udp`,
        '-A PORTCULLIS-1-30001-udp -s 2001:db8::/32 -j RETURN',
        '-A PORTCULLIS-1-30001-udp -p udp -j REDIRECT --to-ports 65535',
        INTO,
      ],
    ],
    [
      'an exact port stands before the range around it; an open one returns',
      accessOf([exposed('30000-32767/tcp', 'web'), exposed('31000/tcp', null)], [two]),
      4,
      [
        `-A PORTCULLIS ${LOCAL} -p tcp -m tcp --dport 31000 -j RETURN`,
        `-A PORTCULLIS ${LOCAL} -p tcp -m tcp --dport 30000:32767 -g PORTCULLIS-2-30000-tcp`,
        '-A PORTCULLIS-2-30000-tcp -s 198.51.100.0/30 -j RETURN',
        '-A PORTCULLIS-2-30000-tcp -s 203.0.113.0/24 -j RETURN',
        '-A PORTCULLIS-2-30000-tcp -p tcp -j REDIRECT --to-ports 65535',
        INTO,
      ],
    ],
    [
      'a VIP is its own destination, in its family only',
      accessOf([exposed('192.0.2.200 80/tcp', 'web')], [two]),
      4,
      [
        '-A PORTCULLIS -d 192.0.2.200/32 -p tcp -m tcp --dport 80 -g PORTCULLIS-1-80-tcp',
        '-A PORTCULLIS-1-80-tcp -s 198.51.100.0/30 -j RETURN',
        '-A PORTCULLIS-1-80-tcp -s 203.0.113.0/24 -j RETURN',
        '-A PORTCULLIS-1-80-tcp -p tcp -j REDIRECT --to-ports 65535',
        INTO,
      ],
    ],
    [
      'the same in the other family: nothing to judge',
      accessOf([exposed('192.0.2.200 80/tcp', 'web')], [two]),
      6,
      [INTO],
    ],
    [
      'everybody may come in: no rule redirects',
      accessOf([exposed('30001/tcp', 'all')], [selection('all', everyone)]),
      4,
      [`-A PORTCULLIS ${LOCAL} -p tcp -m tcp --dport 30001 -j RETURN`, INTO],
    ],
  ];
  for (const [words, access, family, text] of cases) test(words, () => assert.deepEqual(rules(access, family), text));

  test('a comment says in which modes they fail', () => {
    const comment = renderRedirect(accessOf([]), 4)
      .split('\n')
      .filter((line) => line.startsWith('#'))
      .join('\n');
    for (const words of [
      /iptables mode/,
      /ipvs mode/,
      /nftables mode +hold only until kube-proxy re-creates its table/,
      /new connections only/,
    ])
      assert.match(comment, words);
  });

  test('chain names stay within the 28 characters that iptables allows', () => {
    const access = accessOf(
      Array.from({ length: 2768 }, (_, index) => exposed(`${30_000 + index}/sctp`, 'web')),
      [two],
    );
    const names = renderRedirect(access, 4)
      .split('\n')
      .flatMap((line) => /^:(\S+)/.exec(line)?.[1] ?? []);
    assert.equal(new Set(names).size, 2769);
    assert.ok(names.every((name) => name.length <= 28));
  });
});
