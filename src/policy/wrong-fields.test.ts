import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { problemsOf, type Told } from '../../test/support/told.ts';
import { readManifests } from './read-manifests.ts';

type Row = readonly [written: string, ...told: Told];

const document = (kind: string, name: string, spec: string): string => `apiVersion: portcullis.dev/v1alpha1
kind: ${kind}
metadata: { name: ${name} }
spec:
${spec.replace(/^/gm, '  ')}
`;

/**
 * Each text, put where it belongs, is refused with one problem: its code, line:column, what the caret stands under, and
 * the hint.
 */
const refused = (rows: readonly Row[], put: (written: string) => string): void => {
  for (const [written, ...told] of rows)
    test(`${written || 'nothing'}: ${told[0]}`, () => {
      assert.deepEqual(problemsOf(readManifests([{ name: 'x.yaml', text: put(written) }])), [told]);
    });
};

// prettier-ignore
const ADDRESSES: readonly Row[] = [
  ['203.0.113.7', 'prefix-without-length', '6:13', '203.0.113.7', 'Write 203.0.113.7/32 for this one address'],
  ['10.1/16', 'address-short-form', '6:13', '10.1', 'Short forms mean different addresses to different programs; write all four numbers: 192.0.2.1'],
  ['10.0.0.0.0/8', 'address-short-form', '6:13', '10.0.0.0.0', 'Short forms mean different addresses to different programs; write all four numbers: 192.0.2.1'],
  ['203.0.113.07/32', 'address-leading-zero', '6:23', '07', 'Some programs read 07 as octal; write 7 if it is decimal'],
  ['256.0.0.0/8', 'address-number-too-large', '6:13', '256', 'Each of the four numbers goes from 0 to 255'],
  ['0x0a.0.0.0/8', 'address-syntax', '6:13', '0x0a.0.0.0', 'Write an IPv4 address such as 192.0.2.1 or an IPv6 address such as 2001:db8::1'],
  ['10.0.0.0/33', 'mask-too-long', '6:22', '33', 'An IPv4 prefix has 0 to 32 bits'],
  ['10.0.0.0/-1', 'mask-not-a-number', '6:22', '-1', 'Write the number of fixed bits, from 0 to 32: 10.0.0.0/32'],
  ['10.0.0.0/', 'mask-not-a-number', '6:22', '', 'Write the number of fixed bits, from 0 to 32: 10.0.0.0/32'],
  ['10.0.0.0/08', 'mask-leading-zero', '6:22', '08', 'Write /8'],
  ['10.0.0.0/255.0.0.0', 'mask-not-a-number', '6:22', '255.0.0.0', 'Write the number of fixed bits, from 0 to 32: 10.0.0.0/32'],
  ['192.168.1.5/24', 'host-bits-set', '6:13', '192.168.1.5/24', 'Did you mean the network 192.168.1.0/24 or the one address 192.168.1.5/32?'],
  ["'10.0.0.1/8'", 'host-bits-set', '6:14', '10.0.0.1/8', 'Did you mean the network 10.0.0.0/8 or the one address 10.0.0.1/32?'],
  ['"203.0.113.0 /24"', 'address-space', '6:25', ' ', 'Remove it'],
  ['::ffff:10.0.0.0/104', 'address-ipv4-mapped', '6:13', '::ffff:10.0.0.0', 'Packets never carry it; write 10.0.0.0'],
  ['2001:db8::1/64', 'host-bits-set', '6:13', '2001:db8::1/64', 'Did you mean the network 2001:db8::/64 or the one address 2001:db8::1/128?'],
  ['2001:db8::/129', 'mask-too-long', '6:24', '129', 'An IPv6 prefix has 0 to 128 bits'],
  ['2001:db8/32', 'address-group-count', '6:13', '2001:db8', 'Write eight groups, or "::" for a run of zeros'],
  ['1::2::3/128', 'address-two-gaps', '6:17', '::', 'Only one run of zeros can be left out'],
  ['fe80::1%eth0/128', 'address-zone', '6:20', '%eth0', 'Leave the zone out'],
  ['example.com', 'address-syntax', '6:13', 'example.com', 'Write an IPv4 address such as 192.0.2.1 or an IPv6 address such as 2001:db8::1'],
  ['any', 'address-syntax', '6:13', 'any', 'Write an IPv4 address such as 192.0.2.1 or an IPv6 address such as 2001:db8::1'],
  ['""', 'address-empty', '6:13', '', 'For example 192.0.2.1 or 2001:db8::1'],
  ['10', 'wrong-type', '6:13', '10', 'Put it in quotes: "10"'],
  ['[10.0.0.0/8]', 'wrong-type', '6:13', '[10.0.0.0/8]', ''],
  ['{}', 'wrong-type', '6:13', '{}', ''],
  ['', 'wrong-type', '6:13', '', ''],
  ['~', 'wrong-type', '6:13', '~', ''],
];

describe('what is no prefix, as cidr: …', () => {
  refused(ADDRESSES, (cidr) => document('NodePortPolicy', 'web', `allow:\n  - cidr: ${cidr}`));
});

// prettier-ignore
const PEERS: readonly Row[] = [
  ['{}', 'peer-empty', '6:7', '{}', 'Write one of cidr, addressGroup, cluster and everyone; an empty peer is never everybody'],
  ['{ except: [10.0.0.0/8] }', 'peer-empty', '6:7', '{ except: [10.0.0.0/8] }', 'Write one of cidr, addressGroup, cluster and everyone; an empty peer is never everybody'],
  ['{ cidr: 10.0.0.0/8, addressGroup: office }', 'peer-ambiguous', '6:7', '{ cidr: 10.0.0.0/8, addressGroup: office }', 'Write one entry for each'],
  ['{ cidr: 10.0.0.0/8, except: [10.0.0.0/7] }', 'except-outside', '6:36', '10.0.0.0/7', 'An except takes away a part of its cidr'],
  ['{ cidr: 10.0.0.0/8, except: [11.0.0.0/16] }', 'except-outside', '6:36', '11.0.0.0/16', 'An except takes away a part of its cidr'],
  ['{ cidr: 10.0.0.0/8, except: [2001:db8::/32] }', 'except-outside', '6:36', '2001:db8::/32', 'An except is of the same family as its cidr'],
  ['{ cidr: 10.0.0.0/8, except: 10.1.0.0/16 }', 'wrong-type', '6:35', '10.1.0.0/16', 'Write [10.1.0.0/16]'],
  ['{ everyone: true, except: [10.0.0.1/8] }', 'host-bits-set', '6:34', '10.0.0.1/8', 'Did you mean the network 10.0.0.0/8 or the one address 10.0.0.1/32?'],
  ['{ everyone: false }', 'wrong-value', '6:19', 'false', 'Write true'],
  ['{ everyone: yes }', 'wrong-value', '6:19', 'yes', 'Write true'],
  ['{ cluster: nodes }', 'wrong-value', '6:18', 'nodes', 'Did you mean Nodes?'],
  ['{ cluster: Services }', 'wrong-value', '6:18', 'Services', 'Write one of: Nodes, Pods'],
  ['{ addressGroup: 7 }', 'wrong-type', '6:23', '7', 'Put it in quotes: "7"'],
  ['{ addressGroup: "" }', 'too-small', '6:23', '""', 'Write a text'],
  ['{ ipBlock: 10.0.0.0/8 }', 'unknown-field', '6:9', 'ipBlock', 'Fields here: cidr, addressGroup, cluster, everyone, except'],
  ['{ Cidr: 10.0.0.0/8 }', 'unknown-field', '6:9', 'Cidr', 'Did you mean cidr?'],
  ['10.0.0.0/8', 'wrong-type', '6:7', '10.0.0.0/8', ''],
  ['null', 'wrong-type', '6:7', 'null', ''],
  ['[]', 'wrong-type', '6:7', '[]', ''],
];

describe('what is no peer, as allow: [ … ]', () => {
  refused(PEERS, (peer) => document('NodePortPolicy', 'web', `allow:\n  - ${peer}`));
});

// prettier-ignore
const ALLOW: readonly Row[] = [
  ['{}', 'missing-field', '4:1', 'spec', 'allow should be a list'],
  ['mode: Audit', 'missing-field', '4:1', 'spec', 'allow should be a list'],
  ['allow:', 'wrong-type', '5:9', '', ''],
  ['allow: {}', 'wrong-type', '5:10', '{}', ''],
  ['allow: everyone', 'wrong-type', '5:10', 'everyone', 'Write [everyone]'],
];

describe('a NodePortPolicy says whom it allows', () => {
  refused(ALLOW, (spec) => document('NodePortPolicy', 'web', spec));
});

// prettier-ignore
const FIELDS: readonly Row[] = [
  ['alow: []', 'unknown-field', '5:3', 'alow', 'Did you mean allow?'],
  ['from: []', 'unknown-field', '5:3', 'from', 'Fields here: serviceSelector, services, ports, exposures, allow, otherwise, mode'],
  ['priority: 5', 'unknown-field', '5:3', 'priority', 'Fields here: serviceSelector, services, ports, exposures, allow, otherwise, mode'],
  ['otherwise: reject', 'wrong-value', '5:14', 'reject', 'Did you mean Reject?'],
  ['otherwise: Deny', 'wrong-value', '5:14', 'Deny', 'Write one of: Drop, Reject'],
  ['mode: Enforced', 'wrong-value', '5:9', 'Enforced', 'Did you mean Enforce?'],
  ['mode: 1', 'wrong-value', '5:9', '1', 'Write one of: Enforce, Audit'],
  ['exposures: []', 'too-small', '5:14', '[]', 'Give at least one entry'],
  ['exposures: NodePort', 'wrong-type', '5:14', 'NodePort', 'Write [NodePort]'],
  ['exposures: [HostPort]', 'wrong-value', '5:15', 'HostPort', 'Write one of: NodePort, LoadBalancer, ExternalIP'],
  ['exposures: [Nodeport]', 'wrong-value', '5:15', 'Nodeport', 'Did you mean NodePort?'],
  ['services: []', 'too-small', '5:13', '[]', 'Give at least one entry'],
  ['services: web', 'wrong-type', '5:13', 'web', 'Write [web]'],
  ['services: [web]\nserviceSelector: {}', 'services-twice', '6:20', '{}', 'Keep one of them'],
  ['serviceSelector: { app: web }', 'unknown-field', '5:22', 'app', 'Fields here: matchLabels, matchExpressions'],
  ['serviceSelector: { matchLabels: { app: 1 } }', 'wrong-type', '5:42', '1', 'Put it in quotes: "1"'],
  ['serviceSelector: { matchExpressions: [{ operator: Exists }] }', 'missing-field', '5:41', '{ operator: Exists }', 'key should be a text'],
  ['serviceSelector: { matchExpressions: [{ key: app, operator: Is }] }', 'wrong-value', '5:63', 'Is', 'Did you mean In?'],
  ['serviceSelector: { matchExpressions: [{ key: app, operator: In }] }', 'selector-values', '5:41', '{ key: app, operator: In }', 'Add values'],
  ['serviceSelector: { matchExpressions: [{ key: a, operator: Exists, values: [b] }] }', 'selector-values', '5:41', '{ key: a, operator: Exists, values: [b] }', 'Remove values'],
];

describe('wrong fields of a NodePortPolicy', () => {
  refused(FIELDS, (line) => document('NodePortPolicy', 'web', `${line}\nallow: []`));
});

// prettier-ignore
const PORTS: readonly Row[] = [
  ['[]', 'too-small', '5:10', '[]', 'Give at least one entry'],
  ['30001', 'wrong-type', '5:10', '30001', 'Write [30001]'],
  ['[0]', 'too-small', '5:11', '0', 'The smallest is 1'],
  ['[65536]', 'too-large', '5:11', '65536', 'The most is 65535'],
  ['[30001.5]', 'wrong-type', '5:11', '30001.5', 'Write a port name, a number from 1 to 65535, or a range such as "30010-30019/udp"'],
  ['[030001]', 'port-leading-zero', '5:11', '030001', 'Write 30001'],
  ['["030001"]', 'port-leading-zero', '5:12', '030001', 'Write 30001'],
  ['["30010-30001"]', 'port-range-reversed', '5:12', '30010-30001', 'Write 30001-30010'],
  ['["30001/icmp"]', 'protocol-unknown', '5:18', 'icmp', 'Write tcp, udp or sctp'],
  ['["30001/TCP"]', 'protocol-unknown', '5:18', 'TCP', 'Write tcp, udp or sctp'],
  ['["30001:30010"]', 'port-syntax', '5:12', '30001:30010', 'Write a port from 1 to 65535, a range or a protocol with it: 30001, 30000-30099, 30001/udp'],
  ['["30001-"]', 'port-syntax', '5:18', '"', 'Write a port from 1 to 65535, a range or a protocol with it: 30001, 30000-30099, 30001/udp'],
  ['[Https]', 'port-syntax', '5:11', 'Https', 'Write a Service port name, 30001, "30010-30019" or "30001/udp"'],
  ['["https/tcp"]', 'port-syntax', '5:11', '"https/tcp"', 'Write a Service port name, 30001, "30010-30019" or "30001/udp"'],
  ['[""]', 'too-small', '5:11', '""', 'Write a text'],
  ['[[30001]]', 'wrong-type', '5:11', '[30001]', 'Write a port name, a number from 1 to 65535, or a range such as "30010-30019/udp"'],
  ['[true]', 'wrong-type', '5:11', 'true', 'Write a port name, a number from 1 to 65535, or a range such as "30010-30019/udp"'],
];

describe('what is no list of ports, as ports: …', () => {
  refused(PORTS, (ports) => document('NodePortPolicy', 'web', `ports: ${ports}\nallow: []`));
});

const CLUSTER = { tier: 'Admin', priority: '100', subject: '{ ports: [30001] }', rules: '[]' };

/** A good ClusterNodePortPolicy with one line more or other at its end, or (`-tier`) without one. */
const clusterPolicy = (line: string): string => {
  const field = line.replace(/^-|:.*/gs, '');
  const rest = Object.entries(CLUSTER).filter(([name]) => name !== field);
  const lines = [...rest.map(([name, value]) => `${name}: ${value}`), ...(line.startsWith('-') ? [] : [line])];
  return document('ClusterNodePortPolicy', 'ban', lines.join('\n'));
};

// prettier-ignore
const CLUSTER_FIELDS: readonly Row[] = [
  ['-tier', 'missing-field', '4:1', 'spec', 'Write one of: Admin, Baseline'],
  ['tier: admin', 'wrong-value', '8:9', 'admin', 'Did you mean Admin?'],
  ['tier: Middle', 'wrong-value', '8:9', 'Middle', 'Write one of: Admin, Baseline'],
  ['-priority', 'missing-field', '4:1', 'spec', 'priority should be a number'],
  ['priority: -1', 'too-small', '8:13', '-1', 'The smallest is 0'],
  ['priority: 1001', 'too-large', '8:13', '1001', 'The most is 1000'],
  ['priority: 1.5', 'wrong-type', '8:13', '1.5', ''],
  ['priority: "100"', 'wrong-type', '8:13', '"100"', 'Write 100'],
  ['priority: 0100', 'wrong-type', '8:13', '0100', 'Write 100'],
  ['-subject', 'missing-field', '4:1', 'spec', 'subject should be a mapping'],
  ['subject: {}', 'subject-empty', '8:12', '{}', 'Write exactly one of services and ports'],
  ['subject:', 'wrong-type', '8:11', '', ''],
  ['subject: { services: {}, ports: [30001] }', 'subject-twice', '8:12', '{ services: {}, ports: [30001] }', 'Write exactly one of services and ports'],
  ['subject: { ports: [] }', 'too-small', '8:21', '[]', 'Give at least one entry'],
  ['subject: { service: {} }', 'unknown-field', '8:14', 'service', 'Did you mean services?'],
  ['subject: { services: { namespaceSelector: [] } }', 'wrong-type', '8:45', '[]', ''],
  ['subject: { services: { podSelector: {} } }', 'unknown-field', '8:26', 'podSelector', 'Fields here: namespaceSelector, serviceSelector'],
  ['-rules', 'missing-field', '4:1', 'spec', 'rules should be a list'],
  ['rules: {}', 'wrong-type', '8:10', '{}', ''],
  ['rules: [{ action: Deny }]', 'missing-field', '8:11', '{ action: Deny }', 'from should be a list'],
  ['rules: [{ action: Deny, from: [] }]', 'too-small', '8:33', '[]', 'Give at least one entry'],
  ['rules: [{ action: Deny, from: [{}] }]', 'peer-empty', '8:34', '{}', 'Write one of cidr, addressGroup, cluster and everyone; an empty peer is never everybody'],
  ['rules: [{ action: Drop, from: [{ everyone: true }] }]', 'wrong-value', '8:21', 'Drop', 'Write one of: Accept, Deny, Pass'],
  ['rules: [{ action: deny, from: [{ everyone: true }] }]', 'wrong-value', '8:21', 'deny', 'Did you mean Deny?'],
  ['rules: [{ from: [{ everyone: true }] }]', 'missing-field', '8:11', '{ from: [{ everyone: true }] }', 'Write one of: Accept, Deny, Pass'],
  ['rules: [{ action: Deny, from: [{ everyone: true }], to: [] }]', 'unknown-field', '8:55', 'to', 'Fields here: action, from'],
  ['allowFailsafePorts: [0]', 'too-small', '9:24', '0', 'The smallest is 1'],
  ['allowFailsafePorts: ["22"]', 'wrong-type', '9:24', '"22"', 'Write 22'],
  ['nodeSelector: { role: edge }', 'unknown-field', '9:19', 'role', 'Fields here: matchLabels, matchExpressions'],
  ['allow: []', 'unknown-field', '9:3', 'allow', 'Fields here: tier, priority, subject, exposures, nodeSelector, rules, otherwise, mode, allowFailsafePorts'],
  ['services: [web]', 'unknown-field', '9:3', 'services', 'Fields here: tier, priority, subject, exposures, nodeSelector, rules, otherwise, mode, allowFailsafePorts'],
];

describe('wrong or missing fields of a ClusterNodePortPolicy', () => {
  refused(CLUSTER_FIELDS, clusterPolicy);
});

// prettier-ignore
const GROUPS: readonly Row[] = [
  ['', 'wrong-type', '4:7', '', ''],
  ['[]', 'wrong-type', '4:7', '[]', ''],
  ['{}', 'missing-field', '4:1', 'spec', 'cidrs should be a list'],
  ['{ cidrs: }', 'wrong-type', '4:16', '}', ''],
  ['{ cidrs: 10.0.0.0/8 }', 'wrong-type', '4:16', '10.0.0.0/8', 'Write [10.0.0.0/8]'],
  ['{ cidrs: [10.0.0.0/8, 10.0.0.1/8] }', 'host-bits-set', '4:29', '10.0.0.1/8', 'Did you mean the network 10.0.0.0/8 or the one address 10.0.0.1/32?'],
  ['{ cidrs: [10.0.0.0/8, {}] }', 'wrong-type', '4:29', '{}', ''],
  ['{ cidrs: [10.0.0.0/8], except: [10.1.0.0/16] }', 'unknown-field', '4:30', 'except', 'Fields here: cidrs'],
];

describe('what is no AddressGroup, as spec: …', () => {
  refused(GROUPS, (spec) => document('AddressGroup', 'office', '').replace(/spec:[^]*/, `spec: ${spec}\n`));
});
