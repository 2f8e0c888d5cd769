import { spawn } from 'node:child_process';

/** How a program ended. */
export type CommandResult =
  | { readonly kind: 'done'; readonly status: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: 'missing'; readonly name: string }
  | { readonly kind: 'timeout'; readonly name: string; readonly ms: number };

export interface CommandOptions {
  /** May be a promise: the program starts before its input is ready. */
  readonly stdin?: string | Promise<string>;
  /** Milliseconds since it had its input; 60,000 unless told. */
  readonly timeoutMs?: number;
  /** Is told the number of the process. */
  readonly onStart?: (pid: number) => void;
}

/** Enough for the listing of a table with a million elements; more means that something is wrong. */
const MOST_OUTPUT = 512 * 1024 * 1024;

/**
 * nft holds a whole table in small pieces; with huge pages it lists one of 10,000 prefixes in half the time (glibc 2.35
 * and newer, "Memory Allocation Tunables"; an older one ignores what it does not know).
 */
const MEMORY = 'glibc.malloc.hugetlb=1:glibc.malloc.top_pad=16777216';

/** Runs a program without a shell. Arguments are passed one by one, rules on stdin. */
export const runCommand = (
  argv: readonly [string, ...string[]],
  { stdin = '', timeoutMs = 60_000, onStart }: CommandOptions = {},
): Promise<CommandResult> =>
  new Promise((resolve) => {
    const [name, ...args] = argv;
    const child = spawn(name, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C', GLIBC_TUNABLES: MEMORY },
    });
    if (child.pid !== undefined) onStart?.(child.pid);
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let size = 0;
    const take = (stream: 'stdout' | 'stderr') => (chunk: Buffer) => {
      size += chunk.length;
      if (size > MOST_OUTPUT) child.kill('SIGKILL');
      else output[stream].push(chunk);
    };
    let late = false;
    let timer: NodeJS.Timeout | undefined;
    let ended = false;
    const begin = (input: string): void => {
      // It may have ended without any.
      if (ended) return;
      timer = setTimeout(() => {
        late = true;
        child.kill('SIGKILL');
      }, timeoutMs);
      child.stdin.end(input);
    };
    child.stdout.on('data', take('stdout'));
    child.stderr.on('data', take('stderr'));
    child.on('error', (problem: NodeJS.ErrnoException) => {
      ended = true;
      clearTimeout(timer);
      resolve(
        problem.code === 'ENOENT'
          ? { kind: 'missing', name }
          : { kind: 'done', status: 126, stdout: '', stderr: problem.message },
      );
    });
    child.on('close', (status) => {
      ended = true;
      clearTimeout(timer);
      if (late) resolve({ kind: 'timeout', name, ms: timeoutMs });
      else
        resolve({
          kind: 'done',
          status: status ?? 137,
          stdout: Buffer.concat(output.stdout).toString(),
          stderr: Buffer.concat(output.stderr).toString(),
        });
    });
    // A program that ends before it has read everything is judged by its exit status.
    child.stdin.on('error', () => undefined);
    if (typeof stdin === 'string') begin(stdin);
    else void stdin.then(begin);
  });

/** One line about a command that did not do its work. */
export const failureOf = (result: CommandResult): string => {
  switch (result.kind) {
    case 'missing':
      return `the program ${result.name} is not installed`;
    case 'timeout':
      return `${result.name} did not end within ${result.ms} ms`;
    case 'done':
      return result.stderr.trim().split('\n').slice(0, 3).join('\n') || `exit status ${result.status}`;
  }
};
