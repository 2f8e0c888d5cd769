import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { missing } from '../../src/lab/needs.ts';
import { PORTCULLIS } from './portcullis.ts';

// The command as a process, on a machine that is a network namespace: node 192.0.2.10, and a client at the other end of
// a cable.

export const NODE = '192.0.2.10';
export const CLIENT = '192.0.2.20';
export const OTHER_CLIENT = '192.0.2.21';

/** How a process ended, and what it wrote. */
export interface Run {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Stands in front of Node and the command: `setpriv …`, `script …`. */
  readonly before?: readonly string[];
}

/**
 * Runs a program to its end. The surroundings are always the same: nothing of the caller's shell but the search path.
 */
export const runProgram = async (
  [program = '', ...words]: readonly string[],
  { stdin = '', env = {} }: RunOptions = {},
  cwd = '/',
): Promise<Run> => {
  const child = spawn(program, words, { cwd, stdio: 'pipe', env: surroundings(env) });
  const written = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (written.err += text));
  child.stdin.on('error', () => undefined).end(stdin);
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { status, signal, ...written };
};

// An SSH session that no test refuses: else that of whoever runs the tests would count.
const surroundings = (env: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`,
  SSH_CONNECTION: '127.0.0.1 50000 127.0.0.1 22',
  ...env,
});

/**
 * Why there are no such machines here; false: there are. For the `skip` of a suite: where CI=true, skipped tests count
 * as failures.
 */
export const noMachines = (): string | false => {
  const problems = missing({ ip: 'iproute2', nft: 'nftables', conntrack: 'conntrack' });
  return problems.length === 0 ? false : problems.map(({ message }) => message).join('; ');
};

/** A throw-away machine with the command line on it. */
export interface Machine {
  readonly namespace: string;
  readonly clientNamespace: string;
  readonly folder: string;
  readonly stateDirectory: string;
  /** Runs `portcullis WORDS`. */
  readonly cli: (...words: readonly string[]) => Promise<Run>;
  readonly cliWith: (options: RunOptions, ...words: readonly string[]) => Promise<Run>;
  /** What `cli` runs, with what stands in front of it on this machine. */
  readonly command: (options: Pick<RunOptions, 'before'>, ...words: readonly string[]) => readonly string[];
  /** Runs another program on the machine, which must succeed. */
  readonly run: (...words: readonly string[]) => Promise<string>;
  readonly nft: (text: string) => Promise<string>;
  /** The rules of all tables as nft lists them, without counters and the ledger's elements. */
  readonly rules: () => Promise<string>;
  /** The ids of the processes that run on it. */
  readonly processes: () => Promise<string>;
  readonly write: (name: string, text: string) => string;
  readonly close: () => Promise<void>;
}

const must = async (...words: readonly string[]): Promise<string> => {
  const { status, out, err } = await runProgram(words);
  assert.equal(status, 0, `${words.join(' ')}: ${err}`);
  return out;
};

/** Builds a machine. `name`: short, of the test file. */
export const makeMachine = async (name: string): Promise<Machine> => {
  const namespace = `pclab-cli-${name}-${process.pid}`;
  const clientNamespace = `${namespace}-c`;
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  const stateDirectory = join(folder, 'lib', 'state');
  mkdirSync(dirname(stateDirectory));
  const inside = ['ip', 'netns', 'exec', namespace];
  for (const each of [namespace, clientNamespace]) await must('ip', 'netns', 'add', each);
  await must('ip', '-n', namespace, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'eth0', 'netns', clientNamespace);
  for (const [each, addresses] of [
    [namespace, [`${NODE}/24`, '2001:db8:2::10/64']],
    [clientNamespace, [`${CLIENT}/24`, `${OTHER_CLIENT}/24`, '2001:db8:2::20/64']],
  ] as const) {
    for (const address of addresses)
      await must('ip', '-n', each, 'addr', 'add', address, 'dev', 'eth0', ...nodad(address));
    for (const link of ['lo', 'eth0']) await must('ip', '-n', each, 'link', 'set', link, 'up');
  }
  // Where nothing looks at connections the kernel does not track them; every node with kube-proxy does.
  await must(
    ...inside,
    'nft',
    'add table inet tracking; add chain inet tracking c { type filter hook input priority 0; }; add rule inet tracking c ct state new',
  );
  const command: Machine['command'] = ({ before = [] }, ...words) => [...inside, ...before, ...PORTCULLIS, ...words];
  const cliWith: Machine['cliWith'] = (options, ...words) =>
    runProgram(
      command(options, ...words),
      { ...options, env: { PORTCULLIS_STATE_DIR: stateDirectory, ...options.env } },
      folder,
    );
  const run: Machine['run'] = (...words) => must(...inside, ...words);
  return {
    namespace,
    clientNamespace,
    folder,
    stateDirectory,
    command,
    cliWith,
    cli: (...words) => cliWith({}, ...words),
    run,
    nft: (text) => run('nft', text),
    rules: async () => (await run('nft', '--stateless', 'list', 'ruleset')).replace(/ expires \w+/g, ''),
    processes: () => must('ip', 'netns', 'pids', namespace),
    write: (file, text) => {
      const path = join(folder, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return path;
    },
    close: async () => {
      for (const each of [clientNamespace, namespace]) {
        for (const pid of (await must('ip', 'netns', 'pids', each)).trim().split('\n')) stop(Number(pid));
        await must('ip', 'netns', 'del', each);
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

// An IPv6 address must be usable at once.
const nodad = (address: string): readonly string[] => (address.includes(':') ? ['nodad'] : []);

const stop = (pid: number): void => {
  if (pid > 1)
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
};

/** Is the state directory gone, with all that was in it? */
export const nothingStored = ({ stateDirectory }: Machine): boolean => !existsSync(stateDirectory);

const SERVER = `
const { createServer } = require('node:net');
createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(Number(process.argv[1]), '::', () => console.log('ready'));
`;

const CLIENT_PROGRAM = `
const { connect } = require('node:net');
const [source, target, port, hold] = process.argv.slice(1);
const socket = connect({ host: target, port: Number(port), localAddress: source });
const say = (word) => { console.log(word); if (hold !== 'hold' || word !== 'connected') process.exit(); };
socket.setTimeout(700, () => say('silence'));
socket.on('error', (problem) => say(problem.code === 'ECONNREFUSED' ? 'rejected' : problem.code));
socket.on('connect', () => socket.write('x'));
socket.on('data', () => { socket.setTimeout(0); say('connected'); });
`;

const started = async (words: readonly string[]): Promise<readonly [ChildProcess, string]> => {
  const [program = '', ...rest] = words;
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'], env: surroundings({}) });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return [child, line.toString().trim()];
};

/** Starts a TCP server on the machine that sends back what it gets; it ends with the machine. */
export const serve = async ({ namespace }: Machine, port: number): Promise<void> => {
  await started(['ip', 'netns', 'exec', namespace, process.execPath, '-e', SERVER, String(port)]);
};

export type Outcome = 'connected' | 'silence' | 'rejected';

/** What a client meets that connects to the machine. */
export const connect = async ({ clientNamespace }: Machine, source: string, port: number): Promise<Outcome> => {
  const target = source.includes(':') ? '2001:db8:2::10' : NODE;
  const words = ['ip', 'netns', 'exec', clientNamespace, process.execPath, '-e', CLIENT_PROGRAM, source, target];
  return (await must(...words, String(port))).trim() as Outcome;
};

/** A client that connects and stays connected until the machine is closed or `close` is called. */
export const stayConnected = async (
  { clientNamespace }: Machine,
  source: string,
  port: number,
): Promise<{ readonly close: () => void }> => {
  const words = ['ip', 'netns', 'exec', clientNamespace, process.execPath, '-e', CLIENT_PROGRAM, source, NODE];
  const [child, outcome] = await started([...words, String(port), 'hold']);
  assert.equal(outcome, 'connected');
  return { close: () => child.kill('SIGKILL') };
};
