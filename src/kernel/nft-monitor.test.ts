import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listensToTraces } from './nft-monitor.ts';

const line = (protocol: number, pid: number, groups: string): string =>
  `000000006a2a2bc2 ${protocol}  ${pid}      ${groups} 0        0        0     2        0        5124988`;

describe('/proc/net/netlink tells when nft listens', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['it does', line(12, 42, '00000100'), true],
    ['it does, and to more', line(12, 42, '00000148'), true],
    ['its socket has no group yet', line(12, 42, '00000000'), false],
    ['another process does', line(12, 43, '00000100'), false],
    ['it listens to routes', line(0, 42, '00000100'), false],
  ];
  for (const [name, text, expected] of cases)
    test(name, () => assert.equal(listensToTraces(`sk Eth Pid Groups\n${text}\n`, 42), expected));

  test('a file that cannot be read says nothing', () => assert.equal(listensToTraces('', 42), false));
});
