import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatAddress } from '../net/address.ts';
import { clientFlow, type ClientFlow } from '../access/flow.ts';
import { good } from '../../test/support/good.ts';
import { parseConntrack } from '../parse/node/conntrack.ts';
import { ownSshFlow, readSshConnection } from './ssh-peer.ts';

const words = (flow: ClientFlow | null): string | null =>
  flow === null
    ? null
    : `${flow.protocol} ${formatAddress(flow.source)} ${flow.sourcePort} > ${formatAddress(flow.destination)} ${flow.destinationPort}${flow.closed === true ? ' closed' : ''}`;

const flowIn = (line: string): ClientFlow | null => {
  const [entry] = good(parseConntrack({ name: 'conntrack', text: line }));
  return entry === undefined ? null : clientFlow(entry);
};

describe('lines of conntrack -L -o extended', () => {
  const cases: [line: string, flow: string | null][] = [
    [
      'ipv4     2 tcp      6 431997 ESTABLISHED src=203.0.113.7 dst=192.0.2.10 sport=55131 dport=30001 src=10.244.1.5 dst=192.0.2.10 sport=8080 dport=61234 [ASSURED] mark=0 use=1',
      'tcp 203.0.113.7 55131 > 192.0.2.10 30001',
    ],
    [
      'ipv4     2 tcp      6 100 TIME_WAIT src=203.0.113.7 dst=192.0.2.10 sport=1 dport=30001 src=192.0.2.10 dst=203.0.113.7 sport=30001 dport=1 [ASSURED] mark=0 use=1',
      'tcp 203.0.113.7 1 > 192.0.2.10 30001 closed',
    ],
    [
      'ipv6     10 udp      17 29 src=2001:db8::7 dst=2001:db8:2::10 sport=5000 dport=30053 [UNREPLIED] src=2001:db8:2::10 dst=2001:db8::7 sport=30053 dport=5000 mark=0 use=1',
      'udp 2001:db8::7 5000 > 2001:db8:2::10 30053',
    ],
    [
      'ipv4     2 sctp     132 209 ESTABLISHED src=203.0.113.7 dst=192.0.2.10 sport=7 dport=30009 src=192.0.2.10 dst=203.0.113.7 sport=30009 dport=7 mark=0 use=1',
      'sctp 203.0.113.7 7 > 192.0.2.10 30009',
    ],
    [
      'ipv4     2 icmp     1 29 src=203.0.113.7 dst=192.0.2.10 type=8 code=0 id=1 src=192.0.2.10 dst=203.0.113.7 type=0 code=0 id=1 mark=0 use=1',
      null,
    ],
    ['', null],
    ['conntrack v1.4.7 (conntrack-tools): 3 flow entries have been shown.', null],
  ];
  for (const [line, flow] of cases)
    test(flow ?? `none in ${JSON.stringify(line.slice(0, 40))}`, () => assert.equal(words(flowIn(line)), flow));
});

describe('SSH_CONNECTION', () => {
  const cases: [text: string, flow: string | null][] = [
    ['203.0.113.7 50022 192.0.2.10 22', 'tcp 203.0.113.7 50022 > 192.0.2.10 22'],
    ['2001:db8::7 50022 2001:db8:2::10 2222', 'tcp 2001:db8::7 50022 > 2001:db8:2::10 2222'],
    ['::ffff:203.0.113.7 50022 ::ffff:192.0.2.10 22', 'tcp 203.0.113.7 50022 > 192.0.2.10 22'],
    ['203.0.113.7 50022 192.0.2.10', null],
    ['UNKNOWN 65535 UNKNOWN 65535', null],
    ['', null],
  ];
  for (const [text, flow] of cases)
    test(`${JSON.stringify(text)}: ${flow ?? 'no session'}`, () => {
      assert.equal(words(readSshConnection(text)), flow);
      assert.equal(words(ownSshFlow({ SSH_CONNECTION: text })), flow);
    });
});
