import { readFileSync } from 'node:fs';
import type { ClientFlow } from '../access/flow.ts';
import { parseAddress, type Address } from '../net/address.ts';

/** IPv4 clients of a socket that listens on `::` appear as `::ffff:192.0.2.1`. */
const plainAddress = (text: string): Address | null => {
  const parsed = parseAddress(text.replace(/^::ffff:(?=\d+\.)/, ''));
  return parsed.ok ? parsed.value : null;
};

/**
 * `client-address client-port server-address server-port` (sshd(8), SSH_CONNECTION) as the flow that it names; null
 * when it is malformed.
 */
export const readSshConnection = (text: string): ClientFlow | null => {
  const [client, clientPort, server, serverPort, ...more] = text.trim().split(/\s+/);
  const [source, destination] = [plainAddress(client ?? ''), plainAddress(server ?? '')];
  const [sourcePort, destinationPort] = [Number(clientPort), Number(serverPort)];
  if (
    more.length > 0 ||
    source === null ||
    destination === null ||
    !Number.isInteger(sourcePort) ||
    !Number.isInteger(destinationPort)
  )
    return null;
  return { protocol: 'tcp', source, destination, sourcePort, destinationPort };
};

const readProc = (pid: number, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
};

/** The parent of a process: fourth field of /proc/PID/stat, behind the name in brackets (proc(5)). */
const parentOf = (pid: number): number => Number(readProc(pid, 'stat').split(') ').at(-1)?.split(' ')[1] ?? 0);

/** sudo takes SSH_CONNECTION away, but the shell above still has it. More ancestors than this nobody has. */
const MOST_ANCESTORS = 64;

/** The SSH session from which this command was started, as a flow to this node; null where there is none. */
export const ownSshFlow = (env: Readonly<Record<string, string | undefined>> = process.env): ClientFlow | null => {
  if (env['SSH_CONNECTION'] !== undefined) return readSshConnection(env['SSH_CONNECTION']);
  for (let pid = process.pid, steps = 0; pid > 1 && steps < MOST_ANCESTORS; pid = parentOf(pid), steps++) {
    const found = readProc(pid, 'environ')
      .split('\0')
      .find((entry) => entry.startsWith('SSH_CONNECTION='));
    if (found !== undefined) return readSshConnection(found.slice('SSH_CONNECTION='.length));
  }
  return null;
};

/** Is one of this process's ancestors an SSH server? Some set-ups take SSH_CONNECTION away from all of them. */
export const runsUnderSshd = (): boolean => {
  for (let pid = process.pid, steps = 0; pid > 1 && steps < MOST_ANCESTORS; pid = parentOf(pid), steps++)
    if (readProc(pid, 'comm').startsWith('sshd')) return true;
  return false;
};
