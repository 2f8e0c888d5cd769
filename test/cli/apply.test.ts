import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import {
  CLIENT,
  connect,
  makeMachine,
  noMachines,
  nothingStored,
  OTHER_CLIENT,
  serve,
  stayConnected,
  type Machine,
} from '../support/command-line.ts';

const SERVICE = `apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop, labels: { app: web } }
spec:
  type: NodePort
  ports: [{ name: http, port: 80, nodePort: 30001, protocol: TCP }]
`;

const policy = (spec: string): string => `apiVersion: portcullis.dev/v1alpha1
kind: NodePortPolicy
metadata: { name: web, namespace: shop }
spec:
  serviceSelector: { matchLabels: { app: web } }
${spec}
`;

const OFFICE = `apiVersion: portcullis.dev/v1alpha1
kind: AddressGroup
metadata: { name: office }
spec: { cidrs: [198.51.100.0/28, 2001:db8:1::/48] }
`;

const NODES = `apiVersion: v1
kind: Node
metadata: { name: node-1, labels: { zone: a } }
spec: { podCIDRs: [10.244.1.0/24] }
status: { addresses: [{ type: InternalIP, address: 192.0.2.10 }] }
`;

const cluster = (spec: string): string => `apiVersion: portcullis.dev/v1alpha1
kind: ClusterNodePortPolicy
metadata: { name: base }
spec: { tier: Baseline, priority: 10, subject: { ports: ["30500"] }, rules: [{ action: Deny, from: [{ everyone: true }] }], ${spec} }
`;

describe('portcullis apply and diff', { skip: noMachines() }, () => {
  let machine: Machine;
  before(async () => {
    machine = await makeMachine('apply');
    await serve(machine, 30001);
    machine.write('policies/a/service.yaml', SERVICE);
    machine.write('policies/web.yaml', policy(`  allow: [{ cidr: ${CLIENT}/32 }, { addressGroup: office }]`));
    machine.write(
      'policies/office.json',
      JSON.stringify({
        apiVersion: 'portcullis.dev/v1alpha1',
        kind: 'AddressGroup',
        metadata: { name: 'office' },
        spec: { cidrs: ['198.51.100.0/28', '2001:db8:7::/48'] },
      }),
    );
    machine.write('policies/notes.txt', 'not: read');
  });
  after(() => machine.close());

  test('diff shows who would gain and lose which port, and ends with 1', async () => {
    const { status, out, err } = await machine.cli('diff', '-f', 'policies');
    assert.deepEqual([status, err], [1, '']);
    assert.equal(
      out,
      '30001/tcp  -  everyone but 192.0.2.20, 198.51.100.0/28, 2001:db8:7::/48  shop/web: otherwise (was open to everyone)\n' +
        '1 exposure changes, 0 stay.   Apply with: portcullis apply -f policies\n',
    );
    assert.ok(nothingStored(machine));
  });

  test('--dry-run lists the tracked connections that would be cut and an estimate, and changes nothing', async () => {
    const [mine, other] = [
      await stayConnected(machine, CLIENT, 30001),
      await stayConnected(machine, OTHER_CLIENT, 30001),
    ];
    const before = await machine.rules();
    const { status, out, err } = await machine.cli('apply', '-f', 'policies', '--dry-run');
    assert.deepEqual([status, err], [0, 'dry run: nothing was changed\n']);
    assert.match(out, /^ {2}would cut {6}1 connection: 192\.0\.2\.21 \(1\)$/m);
    assert.match(out, /^ {2}in the kernel {2}1 element in \d+ sets and maps, \d+ chains$/m);
    assert.equal(await machine.rules(), before);
    assert.ok(nothingStored(machine));
    const asData = JSON.parse((await machine.cli('apply', '-f', 'policies', '--dry-run', '-o', 'json')).out) as {
      cut: unknown[];
    };
    assert.deepEqual(
      asData.cut.map((flow) => ({ ...(flow as object), sourcePort: 0 })),
      [
        {
          exposure: '30001/tcp',
          protocol: 'tcp',
          source: OTHER_CLIENT,
          sourcePort: 0,
          destination: '192.0.2.10',
          destinationPort: 30001,
        },
      ],
    );
    mine.close();
    other.close();
  });

  test('a directory with those below it is read: .yaml, .yml and .json', async () => {
    const { status, out } = await machine.cli('apply', '-f', 'policies');
    assert.equal(status, 0);
    assert.match(
      out,
      /^30001\/tcp {2}- {2}everyone but 192\.0\.2\.20, 198\.51\.100\.0\/28, 2001:db8:7::\/48 {2}.*\n1 exposure changes, 0 stay\n( {2}cut now .*\n)?in force and proven: /,
    );
    assert.equal(await connect(machine, CLIENT, 30001), 'connected');
    assert.equal(await connect(machine, OTHER_CLIENT, 30001), 'silence');
  });

  test('diff of what is in force says so and ends with 0', async () => {
    const { status, out } = await machine.cli('diff', '-f', 'policies');
    assert.deepEqual([status, out], [0, 'nothing changes, 1 guarded exposure stays\n']);
  });

  test('several files and standard input become the whole declared set together', async () => {
    machine.write('service.yaml', SERVICE);
    machine.write('office.yaml', OFFICE);
    const stdin = policy('  allow: [{ addressGroup: office }]\n  otherwise: Reject');
    const { status, out } = await machine.cliWith(
      { stdin },
      'apply',
      '-f',
      'service.yaml',
      '-f',
      'office.yaml',
      '-f',
      '-',
    );
    assert.equal(status, 0);
    assert.match(out, /^30001\/tcp {2}\+ {2}2001:db8:1::\/48 .*\n {11}- {2}192\.0\.2\.20 /);
    assert.equal(await connect(machine, CLIENT, 30001), 'rejected');
  });

  test('mode: Audit counts and records who would be refused, and refuses nobody', async () => {
    const refused = async () =>
      (
        JSON.parse((await machine.cli('denied', '-o', 'json')).out) as {
          entries: { source: string; packets: number }[];
        }
      ).entries.map(({ source, packets }) => `${source} ${packets}`);
    const before = await refused();
    machine.write('audit.yaml', `${SERVICE}---\n${policy(`  allow: [{ cidr: ${CLIENT}/32 }]\n  mode: Audit`)}`);
    const { status } = await machine.cli('apply', '-f', 'audit.yaml');
    assert.equal(status, 0);
    for (const client of [CLIENT, OTHER_CLIENT]) assert.equal(await connect(machine, client, 30001), 'connected');
    const denied = await machine.cli('denied', '--audit');
    assert.match(
      denied.out,
      /^WHO +WHERE +PACKETS +LAST\n192\.0\.2\.21 {2}192\.0\.2\.10:30001\/tcp +\d+ {2}\d+ s ago\n$/,
    );
    assert.deepEqual(await refused(), before);
    const { out } = await machine.cli('status');
    assert.match(out, /^30001\/tcp {2}shop\/web:http {2}shop\/web {2}everyone \(audit\) +\d+ +\d+$/m);
    assert.match(out, /^Audit policies would have refused \d+ packets$/m);
  });

  const wrong: [what: string, text: string, message: RegExp][] = [
    [
      'an unknown field',
      policy('  allow: []').replace('serviceSelector', 'serviceSelektor'),
      /^wrong\.yaml:5:3 {2}error: serviceSelektor is not a field of spec\n {2}5 \| {3}serviceSelektor: .*\n {4}\| {3}\^{15}\n {2}Did you mean serviceSelector\?\n/,
    ],
    [
      'a missing AddressGroup',
      `${SERVICE}---\n${policy('  allow: [{ addressGroup: ofice }]')}`,
      /^wrong\.yaml:13:\d+ {2}error: .*ofice/,
    ],
    ['no allow', policy('  otherwise: Drop'), /^wrong\.yaml:\d+:\d+ {2}error: .*allow/],
    [
      'host bits',
      policy('  allow: [{ cidr: 192.168.1.5/24 }]'),
      /:6:\d+ {2}error: host bits are set in 192\.168\.1\.5\/24\n/,
    ],
    ['text that is no YAML', 'a: b: c\n', /^wrong\.yaml:1:4 {2}error: this is not YAML: /],
    [
      'nothing',
      '\n',
      /^error: there is no policy and no other object in what was given\n {2}To take everything away, say so: portcullis remove\n/,
    ],
    [
      'objects of other kinds alone',
      'apiVersion: v1\nkind: Pod\nmetadata: { name: x }\n',
      /^error: there is no policy and no other object/,
    ],
    [
      'cluster: Pods where no pod network is known',
      cluster('mode: Enforce').replace('everyone: true', 'cluster: Pods'),
      /error: .*--pod-cidr|error: .*pod/i,
    ],
  ];
  for (const [what, text, message] of wrong)
    test(`${what}: an error with its place, exit status 2, and the kernel is untouched`, async () => {
      machine.write('wrong.yaml', text);
      const before = await machine.rules();
      const { status, out, err } = await machine.cli('apply', '-f', 'wrong.yaml');
      assert.deepEqual([status, out], [2, '']);
      assert.match(err, message);
      assert.match(err, /\nnothing was changed\n$/);
      assert.equal(await machine.rules(), before);
    });

  test('a file that is not there, and a directory without manifests, are named', async () => {
    machine.write('empty/readme.txt', '');
    const { status, err } = await machine.cli('apply', '-f', 'nowhere.yaml', '-f', 'empty');
    assert.equal(status, 2);
    assert.equal(
      err,
      'error: nowhere.yaml cannot be read: no such file or directory\nerror: empty holds no manifests\n  Their names end in .yaml, .yml or .json\nnothing was changed\n',
    );
  });

  test('what is said about the machine is kept from one apply to the next', async () => {
    machine.write('nodes.yaml', `${NODES}---\n${cluster('nodeSelector: { matchLabels: { zone: a } }')}`);
    const elsewhere = await machine.cli('apply', '-f', 'nodes.yaml', '--node-name', 'node-9', '--dry-run');
    assert.doesNotMatch(elsewhere.out, /30500/);
    const here = await machine.cli('apply', '-f', 'nodes.yaml', '--node-name', 'node-1');
    assert.match(here.out, /^30500\/tcp,udp,sctp {2}- {2}everyone {2}base: rules\[0\] \(was open to everyone\)$/m);
    assert.equal((await machine.cli('diff', '-f', 'nodes.yaml')).status, 0);
  });

  test('--node-label stands for a Node object', async () => {
    machine.write('label.yaml', cluster('nodeSelector: { matchLabels: { zone: b } }'));
    const without = await machine.cli('apply', '-f', 'label.yaml', '--dry-run', '--node-name', 'node-7');
    assert.doesNotMatch(without.out, /30500\S* +- +everyone/);
    const withLabel = await machine.cli(
      'apply',
      '-f',
      'label.yaml',
      '--dry-run',
      '--node-name',
      'node-7',
      '--node-label',
      'zone=b',
    );
    assert.match(withLabel.out, /nothing changes, 3 guarded|30500/);
    const wrongLabel = await machine.cli('apply', '-f', 'label.yaml', '--node-label', 'zone');
    assert.equal(wrongLabel.status, 2);
    assert.match(wrongLabel.err, /^--node-label:1:1 {2}error: this is not a label\n(.*\n){2} {2}Write key=value\n/);
  });

  test('--pod-cidr says what cluster: Pods means', async () => {
    machine.write('pods.yaml', `${SERVICE}---\n${policy('  allow: [{ cluster: Pods }]')}`);
    const { status, out } = await machine.cli('diff', '-f', 'pods.yaml', '--pod-cidr', '10.42.0.0/16,fd00:42::/56');
    assert.equal(status, 1);
    assert.match(out, /^30001\/tcp +- +everyone but 10\.42\.0\.0\/16, fd00:42::\/56 /m);
  });

  test('--standalone lets bare port numbers of a NodePortPolicy mean ports without a Service', async () => {
    machine.write(
      'bare.yaml',
      policy(`  ports: [30700]\n  allow: [{ cidr: ${CLIENT}/32 }]`).replace(/ {2}serviceSelector.*\n/, ''),
    );
    const without = await machine.cli('diff', '-f', 'bare.yaml');
    assert.doesNotMatch(without.out, /30700/);
    const withFlag = await machine.cli('diff', '-f', 'bare.yaml', '--standalone');
    assert.match(withFlag.out, /^30700\/tcp,udp,sctp {2}- {2}everyone but 192\.0\.2\.20 /m);
  });

  test('an allowed source that is a Node is warned about', async () => {
    machine.write('node-source.yaml', `${SERVICE}---\n${NODES}---\n${policy('  allow: [{ cidr: 192.0.2.0/24 }]')}`);
    const { err } = await machine.cli('apply', '-f', 'node-source.yaml', '--dry-run');
    assert.match(err, /^node-source\.yaml:16:19 {2}warning: shop\/web admits Node addresses$/m);
  });

  test('the state directory holds one file, which only root may read', async () => {
    assert.deepEqual(readdirSync(machine.stateDirectory), ['state.json']);
  });
});
