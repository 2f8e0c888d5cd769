import { spawn } from 'node:child_process';
import { inPlace } from './lab.ts';
import type { Probe } from './probe.ts';
import { programPath } from './program.ts';

/** A connection that stays open, as a client holds it. */
export interface Talk {
  /** Sends a line. Gives the server's next line, or null where none comes within `timeoutMs` (default 500). */
  readonly say: (line: string, timeoutMs?: number) => Promise<string | null>;
  /** The next line that the server sends; null where none comes within `timeoutMs` (default 500). */
  readonly hear: (timeoutMs?: number) => Promise<string | null>;
  /** Forgets the lines that came so far without a question. */
  readonly forget: () => void;
  /** Ends it. */
  readonly close: () => Promise<void>;
}

/**
 * Opens a connection in a lab of this kernel. A server of the lab that gets the line `push 50` sends a line every 50
 * ms. The first `hear` gives `open` where the connection was made. `lost` and the reason is the last line of one that
 * broke.
 */
export const talk = (lab: string, { from, protocol, to, port, source = '', sourcePort }: Probe): Talk => {
  const argv = ['perl', programPath('talk.pl'), protocol, to, `${port}`, source, `${sourcePort ?? ''}`] as const;
  const [program, ...rest] = inPlace(lab, from, { argv: [...argv] }).argv;
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const lines: string[] = [];
  let wake = (): void => undefined;
  let partial = '';
  child.stdin.on('error', () => undefined);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (partial + text).split('\n');
    partial = parts.pop() ?? '';
    lines.push(...parts);
    wake();
  });
  const hear = async (timeoutMs = 500): Promise<string | null> => {
    if (lines.length === 0)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    return lines.shift() ?? null;
  };
  return {
    hear,
    say: (line, timeoutMs) => {
      child.stdin.write(`${line}\n`);
      return hear(timeoutMs);
    },
    forget: () => void lines.splice(0),
    close: async () => {
      child.stdin.end();
      child.kill();
      await ended;
    },
  };
};
