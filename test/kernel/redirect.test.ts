import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { renderRedirect } from '../../src/export/redirect.ts';
import { makeNamespace, noKernel, removeNamespace, type Namespace } from '../support/namespace.ts';
import { anyAccess } from '../support/random-access.ts';
import { accessOf, addresses, exposed, selection } from '../support/small-access.ts';

const NAME = 'pclab-redirect';

describe('the classic rules', { skip: noKernel }, () => {
  let node: Namespace;
  before(async () => {
    node = await makeNamespace(NAME);
  });
  after(() => removeNamespace(NAME));

  for (const flavour of ['nft', 'legacy'] as const)
    for (const family of [4, 6] as const) {
      const tool = `${family === 4 ? 'iptables' : 'ip6tables'}-${flavour}`;
      test(`are taken by ${tool}-restore for any access`, async () => {
        await fc.assert(
          fc.asyncProperty(anyAccess, async (access) => {
            await node.run([`${tool}-restore`, '--noflush', '--test'], renderRedirect(access, family));
          }),
          { numRuns: 10 },
        );
      });

      test(`stand in front of what is in PREROUTING already (${tool})`, async () => {
        const access = accessOf(
          [exposed('30001/tcp', 'web'), exposed('30100-30199/udp', 'web')],
          [selection('web', addresses('198.51.100.0/30', '203.0.113.0/24', '2001:db8::/32'))],
        );
        await node.run([tool, '-t', 'nat', '-A', 'PREROUTING', '-m', 'comment', '--comment', 'mine', '-j', 'ACCEPT']);
        await node.run([`${tool}-restore`, '--noflush'], renderRedirect(access, family));
        const saved = await node.run([`${tool}-save`, '-t', 'nat']);
        const hooks = saved.split('\n').filter((line) => line.startsWith('-A PREROUTING'));
        assert.match(hooks[0] ?? '', /! -i lo -j PORTCULLIS$/);
        assert.match(hooks[1] ?? '', /mine/);
        assert.equal(saved.match(/-j REDIRECT --to-ports 65535/g)?.length, 2);
        assert.equal(saved.match(/-s \S+ -j RETURN/g)?.length, family === 4 ? 4 : 2);
        await node.run([tool, '-t', 'nat', '-F']);
      });
    }
});
