import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { VERSION } from '../../src/cli/version.ts';
import { CLIENT, makeMachine, noMachines, runProgram, type Machine } from '../support/command-line.ts';
import { PORTCULLIS } from '../support/portcullis.ts';

const VERBS = [
  'restrict',
  'apply',
  'diff',
  'status',
  'denied',
  'verify',
  'render',
  'confirm',
  'restore',
  'remove',
  'completion',
];
const cli = (...words: readonly string[]) => runProgram([...PORTCULLIS, ...words]);

describe('words that are understood, and others', () => {
  test('--help starts with examples and lists every verb', async () => {
    for (const words of [['--help'], ['-h'], []]) {
      const { status, out, err } = await cli(...words);
      assert.deepEqual([status, err], [0, '']);
      assert.match(
        out,
        /^USAGE\n {2}portcullis restrict 30001 --from 198\.51\.100\.0\/30 {3}let these in, refuse everyone else\n/,
      );
      for (const verb of VERBS) assert.match(out, new RegExp(`^  ${verb} {2,}\\S`, 'm'));
    }
  });

  for (const verb of VERBS)
    test(`${verb} --help starts with examples, and says which flags there are`, async () => {
      const { status, out } = await cli(verb, '--help');
      assert.equal(status, 0);
      assert.match(out, new RegExp(`^USAGE\\n  portcullis ${verb}`));
      assert.match(out, /^FLAGS\n/m);
    });

  test('--version is that of the package', async () => {
    const { out } = await cli('--version');
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    assert.deepEqual([out, VERSION], [`${version}\n`, version]);
  });

  const HOW = '  portcullis status --help shows how it is used\n';
  const wrong: [words: string[], message: string][] = [
    [['restrct'], 'error: there is no command restrct\n  Did you mean portcullis restrict?\n'],
    [['frobnicate'], 'error: there is no command frobnicate\n  portcullis --help shows all\n'],
    [['status', '--bogus'], `error: there is no flag --bogus\n${HOW}`],
    [['status', '--ouput', 'json'], `error: there is no flag --ouput\n  Did you mean --output?\n${HOW}`],
    [['status', '-x'], `error: there is no flag -x\n${HOW}`],
    [['status', '-o', 'xml'], `error: --output xml is not known\n  Write table, wide, json or yaml\n${HOW}`],
    [['status', 'now'], `error: "now" is one word too many\n${HOW}`],
    [['apply'], 'error: --file is missing\n  portcullis apply --help shows how it is used\n'],
    [['apply', '-f'], 'error: --file has no value\n  portcullis apply --help shows how it is used\n'],
    [['lab', 'upp'], 'error: there is no command upp\n  Did you mean portcullis lab up?\n'],
    [['lab', 'exec'], 'error: PLACE -- PROGRAM is missing\n  portcullis lab exec --help shows how it is used\n'],
    [['diff', '-f', 'nowhere.yaml'], 'error: nowhere.yaml cannot be read: no such file or directory\n'],
    [
      ['completion', 'tcsh'],
      'error: SHELL: "tcsh" is not bash, zsh or fish\n  portcullis completion --help shows how it is used\n',
    ],
  ];
  for (const [words, message] of wrong)
    test(`portcullis ${words.join(' ')}: exit status 2`, async () => {
      const { status, out, err } = await cli(...words);
      assert.deepEqual([status, out, err], [2, '', message]);
    });
});

describe('completion', () => {
  const propose = async (...words: readonly string[]) =>
    (await cli('__complete', ...words)).out
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[0]);

  test('verbs, flags and the values of a flag are proposed', async () => {
    assert.deepEqual(await propose('re'), ['restrict', 'render', 'restore', 'remove']);
    assert.ok((await propose('apply', '--d')).includes('--dry-run'));
    assert.deepEqual(await propose('status', '-o', 'j'), ['json']);
  });

  test('bash completes with the script', async () => {
    const script = `
      portcullis() { ${PORTCULLIS.map((word) => JSON.stringify(word)).join(' ')} "$@"; }
      source <(portcullis completion bash)
      complete -p portcullis
      COMP_WORDS=(portcullis rest); COMP_CWORD=1; _portcullis
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { out, err } = await runProgram(['bash', '--norc', '-c', script]);
    assert.equal(out, 'complete -o default -F _portcullis portcullis\nrestrict\nrestore\n', err);
  });

  for (const [shell, check] of [
    ['zsh', ['zsh', '-n']],
    ['fish', ['fish', '--no-execute']],
  ] as const)
    test(
      `the script for ${shell} is well formed`,
      {
        skip: existsSync(`/usr/bin/${shell}`) ? false : `${shell} is not installed`,
      },
      async () => {
        const { out } = await cli('completion', shell);
        assert.match(out, /portcullis __complete/);
        const file = join(mkdtempSync(join(tmpdir(), 'portcullis-')), 'script');
        writeFileSync(file, out);
        const { status, err } = await runProgram([...check, file]);
        rmSync(dirname(file), { recursive: true });
        assert.equal(status, 0, err);
      },
    );
});

describe('the Node that it is started with', () => {
  let checkout: string;
  before(() => {
    checkout = mkdtempSync(join(tmpdir(), 'portcullis-node-'));
    mkdirSync(join(checkout, 'bin'));
    for (const file of ['portcullis.js', 'own-node.js'])
      cpSync(new URL(`../../bin/${file}`, import.meta.url), join(checkout, 'bin', file));
    writeFileSync(join(checkout, 'package.json'), '{"type":"module"}');
    mkdirSync(join(checkout, 'src/cli'), { recursive: true });
    writeFileSync(
      join(checkout, 'src/cli/main.ts'),
      'console.log(process.version, ...process.argv.slice(2)); process.exitCode = 1 as number;',
    );
  });
  after(() => rmSync(checkout, { recursive: true }));

  // The same file read by a Node that says it is an old one.
  const asOld = (...words: readonly string[]) => {
    const pretend = join(checkout, 'old.cjs');
    writeFileSync(
      pretend,
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.19.0' } }); Object.defineProperty(process, 'version', { value: 'v18.19.0' });",
    );
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--require', pretend, join(checkout, 'bin/portcullis.js'), ...words],
      { encoding: 'utf8', env: {} },
    );
    return { status, out: stdout, err: stderr };
  };

  test('an old one without node_modules: a clear sentence, exit status 2', () => {
    assert.deepEqual(asOld('status'), {
      status: 2,
      out: '',
      err: 'portcullis needs Node 24 or newer, and this is v18.19.0\n  In a checkout: npm ci  (brings Node 24 along)\n',
    });
  });

  test('an old one with node_modules: the Node there takes over, with the same words and exit status', () => {
    const folder = join(checkout, `node_modules/node-linux-${process.arch}/bin`);
    mkdirSync(folder, { recursive: true });
    symlinkSync(process.execPath, join(folder, 'node'));
    assert.deepEqual(asOld('status', '-o', 'json'), { status: 1, out: `${process.version} status -o json\n`, err: '' });
  });
});

describe('what is printed', { skip: noMachines() }, () => {
  let machine: Machine;
  before(async () => {
    machine = await makeMachine('shell');
    machine.write(
      'policy.yaml',
      `apiVersion: portcullis.dev/v1alpha1\nkind: ClusterNodePortPolicy\nmetadata: { name: web }\nspec: { tier: Admin, priority: 10, subject: { ports: [30001] }, rules: [{ action: Accept, from: [{ cidr: ${CLIENT}/32 }] }, { action: Deny, from: [{ everyone: true }] }] }\n`,
    );
    assert.equal((await machine.cli('apply', '-f', 'policy.yaml')).status, 0);
  });
  after(() => machine.close());

  const forms: [words: string[], kind: string, fields: string[]][] = [
    [['status'], 'Status', ['kubeProxy', 'selections', 'exposures', 'packets', 'proof', 'pendingUntil', 'warnings']],
    [['denied'], 'Denied', ['audit', 'entries', 'size', 'full', 'unnoted']],
    [['verify'], 'Verification', ['holds', 'exposures', 'differences']],
    [['render'], 'Rendering', ['style', 'estimate', 'ruleset']],
    [['render', '--style', 'redirect'], 'Rendering', ['style', 'family', 'ruleset']],
    [['diff', '-f', 'policy.yaml'], 'Diff', ['changes', 'unchanged']],
    [
      ['apply', '-f', 'policy.yaml', '--dry-run'],
      'ApplyResult',
      ['dryRun', 'changes', 'unchanged', 'cut', 'estimate', 'inForce', 'confirmWithinMs', 'warnings'],
    ],
    [
      ['restrict', '30002', '--from', CLIENT, '--dry-run'],
      'RestrictResult',
      ['dryRun', 'changes', 'unchanged', 'cut', 'estimate', 'inForce', 'confirmWithinMs', 'warnings'],
    ],
  ];
  for (const [words, kind, fields] of forms)
    test(`${words.join(' ')}: the same as JSON and YAML, with a version and these fields`, async () => {
      const json = await machine.cli(...words, '-o', 'json');
      assert.equal(json.status, 0);
      const data = JSON.parse(json.out) as Record<string, unknown>;
      assert.deepEqual(Object.keys(data), ['apiVersion', 'kind', ...fields]);
      assert.deepEqual([data['apiVersion'], data['kind']], ['portcullis.dev/v1alpha1', kind]);
      const yaml = await machine.cli(...words, '-o', 'yaml');
      assert.deepEqual(parse(yaml.out), data);
    });

  test('colour on a terminal alone, and not with NO_COLOR, --no-color or TERM=dumb', async () => {
    const onTerminal = async (env: Record<string, string>, ...words: string[]) => {
      const line = machine
        .command({}, ...words)
        .map((word) => `'${word}'`)
        .join(' ');
      const run = await runProgram(['script', '-qec', line, '/dev/null'], {
        env: { TERM: 'xterm', PORTCULLIS_STATE_DIR: machine.stateDirectory, ...env },
      });
      return run.out.includes('\u001b[3');
    };
    assert.equal(await onTerminal({}, 'verify'), true);
    assert.equal(await onTerminal({ NO_COLOR: '1' }, 'verify'), false);
    assert.equal(await onTerminal({ TERM: 'dumb' }, 'verify'), false);
    assert.equal(await onTerminal({}, 'verify', '--no-color'), false);
    assert.equal((await machine.cli('verify')).out.includes('\u001b'), false);
  });

  test('a reader that goes away is no error', async () => {
    const line = machine
      .command({}, 'render')
      .map((word) => `'${word}'`)
      .join(' ');
    const { out, err } = await runProgram(['bash', '--norc', '-c', `${line} | head -n 1; echo "\${PIPESTATUS[0]}"`], {
      env: { PORTCULLIS_STATE_DIR: machine.stateDirectory },
    });
    assert.deepEqual([out, err], ['add table inet portcullis\n0\n', '']);
  });

  test('-f - at a keyboard is answered, not waited for', async () => {
    const line = machine
      .command({}, 'diff', '-f', '-')
      .map((word) => `'${word}'`)
      .join(' ');
    const { status, out } = await runProgram(['script', '-qec', line, '/dev/null'], {
      env: { PORTCULLIS_STATE_DIR: machine.stateDirectory },
    });
    assert.equal(status, 2);
    assert.match(out, /-f - reads manifests from standard input, and that is your keyboard/);
  });
});
