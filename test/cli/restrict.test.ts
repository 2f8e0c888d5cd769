import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  CLIENT,
  connect,
  makeMachine,
  noMachines,
  nothingStored,
  OTHER_CLIENT,
  serve,
  type Machine,
} from '../support/command-line.ts';

describe('portcullis restrict and remove', { skip: noMachines() }, () => {
  let machine: Machine;
  before(async () => {
    machine = await makeMachine('restrict');
    await serve(machine, 30001);
  });
  after(() => machine.close());

  test('lets the named addresses in, refuses everyone else, and proves it', async () => {
    assert.equal(await connect(machine, OTHER_CLIENT, 30001), 'connected');
    const { status, out, err } = await machine.cli('restrict', '30001', '--from', CLIENT);
    assert.deepEqual([status, err], [0, '']);
    assert.match(
      out,
      /^NodePort 30001\/tcp,udp,sctp on this node\n {2}may come in {2}192\.0\.2\.20 {3}\(1 address\)\n {2}refused {6}every other IPv4 address, all IPv6\nin force and proven: /,
    );
    assert.equal(await connect(machine, CLIENT, 30001), 'connected');
    assert.equal(await connect(machine, OTHER_CLIENT, 30001), 'silence');
    assert.equal(await connect(machine, '2001:db8:2::20', 30001), 'silence');
  });

  test('repeated, it replaces who may come in and prints who gains and who loses', async () => {
    const { status, out } = await machine.cli('restrict', '30001', '--from', OTHER_CLIENT, '--otherwise', 'reject');
    assert.equal(status, 0);
    const [gains, loses] = out.split('\n');
    assert.match(gains ?? '', /^30001\/tcp,udp,sctp {2}\+ {2}192\.0\.2\.21 {2}restrict-30001: rules\[0\]$/);
    assert.match(loses ?? '', /^ {20}- {2}192\.0\.2\.20 {2}restrict-30001: rules\[1\]$/);
    assert.equal(await connect(machine, OTHER_CLIENT, 30001), 'connected');
    assert.equal(await connect(machine, CLIENT, 30001), 'rejected');
  });

  test('--add lets in besides those of before, also an IPv6 prefix', async () => {
    const { status, out } = await machine.cli('restrict', '30001', '--add', '--from', `${CLIENT},2001:db8:2::/64`);
    assert.equal(status, 0);
    assert.match(out, /^30001\/tcp,udp,sctp {2}\+ {2}192\.0\.2\.20, 2001:db8:2::\/64 {2}/);
    for (const source of [CLIENT, OTHER_CLIENT, '2001:db8:2::20'])
      assert.equal(await connect(machine, source, 30001), 'connected', source);
  });

  test('a range and a protocol stand beside it, and the more exact one decides', async () => {
    const { status, out } = await machine.cli('restrict', '30000-30099/tcp', '--from', '10.0.0.0/8');
    assert.equal(status, 0);
    assert.match(out, /NodePort 30000\/tcp on this node\n {2}may come in {2}10\.0\.0\.0\/8/);
    assert.match(out, /NodePort 30001\/tcp on this node\n {2}may come in {2}192\.0\.2\.20\/31, 2001:db8:2::\/64/);
    assert.match(out, /NodePort 30002-30099\/tcp on this node/);
    assert.equal(await connect(machine, CLIENT, 30001), 'connected');
  });

  test('a range over port 22 passes over it and says so', async () => {
    const { status, out, err } = await machine.cli('restrict', '20-25', '--from', '10.0.0.0/8', '--dry-run');
    assert.equal(status, 0);
    assert.match(err, /^warning: the range 20-25 passes over 22\/tcp \(SSH\)$/m);
    assert.doesNotMatch(out, /^\S+ 22\/tcp|20-25\/tcp/m);
    assert.match(out, /23-25\/tcp/);
  });

  test('port 22 is guarded when it is named with --allow-failsafe', async () => {
    const { status, out } = await machine.cli(
      'restrict',
      '22',
      '--from',
      '10.0.0.0/8',
      '--allow-failsafe',
      '22',
      '--dry-run',
    );
    assert.equal(status, 0);
    assert.match(out, /22\/tcp,udp,sctp on this node\n {2}may come in +10\.0\.0\.0\/8/);
  });

  const wrong: [what: string, words: string[], message: RegExp][] = [
    [
      'a port that there is not',
      ['70000', '--from', '10.0.0.0/8'],
      /^PORT:1:1 {2}error: there is no port 70000\n {2}1 \| 70000\n {4}\| \^{5}\n/,
    ],
    [
      'a protocol that there is not',
      ['30001/xyz', '--from', '10.0.0.0/8'],
      /error: "xyz" is not a protocol.*\n.*30001\/xyz\n {4}\| {7}\^\^\^\n/,
    ],
    [
      'a range the wrong way round',
      ['30099-30000', '--from', '10.0.0.0/8'],
      /ends before it begins\n(.*\n){2} {2}Write 30000-30099\n/,
    ],
    [
      'host bits',
      ['30001', '--from', '192.168.1.5/24'],
      /host bits are set in 192\.168\.1\.5\/24\n {2}1 \| .*\n {4}\| \^{14}\n {2}Did you mean the network 192\.168\.1\.0\/24 or the one address 192\.168\.1\.5\/32\?\n/,
    ],
    ['a leading zero', ['30001', '--from', '010.0.0.1'], /a leading zero in 010\.0\.0\.1/],
    ['the second of two prefixes', ['30001', '--from', '10.0.0.0/8,fe80::1/10'], /host bits are set in fe80::1\/10/],
    [
      'two wrong ones, both told',
      ['30001', '--from', 'foo', '--from', '10.0.0.0/33'],
      /"foo" is not an address(.*\n)*.*10\.0\.0\.0\/33/,
    ],
    ['an empty --from (an unset variable)', ['30001', '--from', ''], /^error: --from names nobody\n/],
    ['no --from', ['30001'], /^error: --from is missing\n {2}portcullis restrict --help shows how it is used\n$/],
    [
      'no value behind --from',
      ['30001', '--from'],
      /^error: --from has no value\n {2}portcullis restrict --help shows how it is used\n$/,
    ],
    [
      'no port',
      ['--from', '10.0.0.0/8'],
      /^error: PORT is missing\n {2}portcullis restrict --help shows how it is used\n$/,
    ],
    [
      'the failsafe port 22',
      ['22', '--from', '10.0.0.0/8'],
      /^error: 22\/tcp is a failsafe port \(SSH\)\n.*--allow-failsafe 22/,
    ],
    [
      '--add to nothing',
      ['30777', '--add', '--from', '10.0.0.0/8'],
      /no restriction restrict-30777 to add to\n.*there are: restrict-30001, restrict-30000-30099-tcp\n/,
    ],
    [
      'a wrong duration',
      ['30001', '--from', '10.0.0.0/8', '--confirm-within', 'soon'],
      /"soon" is not a duration\n(.*\n){2} {2}Write 60s or 2m\n/,
    ],
  ];
  for (const [what, words, message] of wrong)
    test(`${what} is refused with the reason, and nothing is changed`, async () => {
      const before = await machine.rules();
      const { status, out, err } = await machine.cli('restrict', ...words);
      assert.deepEqual([status, out], [2, '']);
      assert.match(err, message);
      if (!err.endsWith(' --help shows how it is used\n')) assert.match(err, /\nnothing was changed\n$/);
      assert.equal(await machine.rules(), before);
    });

  test('it is listed by status, and survives apply -f', async () => {
    machine.write('empty-handed.yaml', 'kind: Namespace\napiVersion: v1\nmetadata: { name: shop }\n');
    const applied = await machine.cli('apply', '-f', 'empty-handed.yaml');
    assert.deepEqual([applied.status, applied.out.split('\n')[0]], [0, 'nothing changes, 5 guarded exposures stay']);
    const { status, out } = await machine.cli('status');
    assert.equal(status, 0);
    assert.match(
      out,
      /^30001\/tcp +- +restrict-30001, restrict-30000-30099-tcp +192\.0\.2\.20\/31, 2001:db8:2::\/64 +\d+ +\d+$/m,
    );
    assert.match(out, /^30002-30099\/tcp +- +restrict-30000-30099-tcp +10\.0\.0\.0\/8 +0 +0$/m);
  });

  test('remove of a port that is not restricted names those that are', async () => {
    const { status, err } = await machine.cli('remove', '30555');
    assert.equal(status, 2);
    assert.match(
      err,
      /^error: there is no restriction restrict-30555\n {2}There are: restrict-30001, restrict-30000-30099-tcp\n/,
    );
  });

  test('remove --dry-run says who would gain and changes nothing', async () => {
    const before = await machine.rules();
    const { status, out, err } = await machine.cli('remove', '30001', '--dry-run');
    assert.deepEqual(
      [status, err],
      [
        0,
        'warning: no Services are known, so a range may close the health check port of a load balancer\n  Give the Service manifests beside the policies: their healthCheckNodePorts then stay open\ndry run: nothing was changed\n',
      ],
    );
    assert.match(
      out,
      /^30001\/udp,sctp {2}\+ {2}everyone but 192\.0\.2\.20\/31, 2001:db8:2::\/64 {2}no policy selects it$/m,
    );
    assert.equal(await machine.rules(), before);
  });

  test('remove PORT takes that one away', async () => {
    const { status } = await machine.cli('remove', '30000-30099/tcp');
    assert.equal(status, 0);
    assert.equal((await machine.cli('verify')).status, 0);
    assert.doesNotMatch((await machine.cli('status')).out, /10\.0\.0\.0/);
  });

  test('remove leaves nothing behind: no table, no state, no process', async () => {
    const processes = await machine.processes();
    const { status, out } = await machine.cli('remove');
    assert.equal(status, 0);
    assert.match(out, /\nnothing is guarded: no table in the kernel, no stored state\n$/);
    assert.doesNotMatch(await machine.rules(), /portcullis/);
    assert.ok(nothingStored(machine));
    assert.equal(await machine.processes(), processes);
    assert.equal(await connect(machine, OTHER_CLIENT, 30001), 'connected');
  });

  test('where nothing is guarded before and after, diff says that nothing changes', async () => {
    machine.write('nobody.yaml', 'kind: Namespace\napiVersion: v1\nmetadata: { name: shop }\n');
    const { status, out } = await machine.cli('diff', '-f', 'nobody.yaml');
    assert.deepEqual([status, out], [0, 'nothing changes\n']);
  });

  test('remove where nothing is guarded is fine', async () => {
    const { status, out, err } = await machine.cli('remove');
    assert.deepEqual([status, out, err], [0, 'nothing is guarded: no table in the kernel, no stored state\n', '']);
    assert.ok(nothingStored(machine));
  });
});
