import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { endianness } from 'node:os';
import { error, fail, ok, type Result } from '../diagnostic/diagnostic.ts';

// include/uapi/asm-generic/socket.h, include/linux/socket.h, include/uapi/linux/netlink.h. The numbers are those of
// every processor that koffi is built for here.
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_NETFILTER = 12;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;

/** A batch is one datagram: a million elements are 16 MB. What is not used is not taken. */
const SEND_BUFFER = 1 << 28;
const RECEIVE_BUFFER = 1 << 27;

/** Seconds after which a read gives up: the kernel answers at once, or never. */
const ANSWER_WITHIN = 30;

/** The three calls that Node does not have. */
interface Libc {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly bind: (fd: number, address: Uint8Array, length: number) => number;
  readonly setsockopt: (fd: number, level: number, name: number, value: Uint8Array, length: number) => number;
  readonly errno: () => number;
}

interface Koffi {
  readonly load: (library: string | null) => { readonly func: (prototype: string) => never };
  readonly errno: () => number;
}

let loaded: Result<Libc> | null = null;

/**
 * Loads koffi and the three calls, once. A processor, a libc or a policy that it is not made for is a problem, not an
 * exception.
 */
const loadLibc = (): Result<Libc> => {
  try {
    if (endianness() !== 'LE') throw new Error('netlink is written here for processors with the least byte first');
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    // The libraries that the process has already: glibc or musl, whatever its file is called.
    const libc = koffi.load(null);
    return ok({
      socket: libc.func('int socket(int, int, int)'),
      bind: libc.func('int bind(int, void*, uint32_t)'),
      setsockopt: libc.func('int setsockopt(int, int, int, void*, uint32_t)'),
      errno: koffi.errno,
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    return fail(error('netlink-unavailable', `netlink cannot be used here: ${why}`));
  }
};

const numbers = (...list: readonly number[]): Uint8Array => new Uint8Array(Int32Array.from(list).buffer);

/** struct timeval, both fields of 64 bits. */
const seconds = (count: number): Uint8Array => new Uint8Array(BigInt64Array.from([BigInt(count), 0n]).buffer);

/**
 * Opens a socket to nfnetlink in the network namespace of this process, with buffers as large as nft makes them, and
 * gives its file descriptor. `groups`: whose events it gets. Problems: `netlink-unavailable` where koffi cannot load or
 * the kernel refuses.
 */
export const openNetlinkSocket = (groups: readonly number[] = []): Result<number> => {
  loaded ??= loadLibc();
  if (!loaded.ok) return loaded;
  const { socket, bind, setsockopt, errno } = loaded.value;
  const refused = (what: string): Result<never> =>
    fail(error('netlink-unavailable', `netlink cannot be used here: ${what} failed with error ${errno()}`));
  const fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (fd < 0) return refused('socket()');
  // struct sockaddr_nl: the kernel chooses the port.
  const address = new Uint8Array(12);
  address[0] = AF_NETLINK;
  const set = (level: number, name: number, value: Uint8Array): boolean =>
    setsockopt(fd, level, name, value, value.length) === 0;
  const isReady =
    bind(fd, address, address.length) === 0 &&
    set(SOL_NETLINK, NETLINK_EXT_ACK, numbers(1)) &&
    set(SOL_NETLINK, NETLINK_CAP_ACK, numbers(1)) &&
    set(SOL_SOCKET, SO_SNDBUFFORCE, numbers(SEND_BUFFER)) &&
    set(SOL_SOCKET, SO_RCVBUFFORCE, numbers(RECEIVE_BUFFER)) &&
    (groups.length > 0 || set(SOL_SOCKET, SO_RCVTIMEO, seconds(ANSWER_WITHIN))) &&
    groups.every((group) => set(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, numbers(group)));
  if (isReady) return ok(fd);
  const problem = refused('setting up the socket');
  closeSync(fd);
  return problem;
};
