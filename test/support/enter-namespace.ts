import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';

/** include/uapi/linux/sched.h. */
const CLONE_NEWNET = 0x4000_0000;

interface Koffi {
  readonly load: (library: string | null) => {
    readonly func: (prototype: string) => (fd: number, kind: number) => number;
  };
}

/**
 * Runs something in a network namespace: sockets that it opens and programs that it starts belong there, for ever. It
 * must not wait for anything, because the whole thread is in there meanwhile.
 */
export const inNamespace = <T>(name: string, run: () => T): T => {
  const koffi = createRequire(import.meta.url)('koffi') as Koffi;
  const setns = koffi.load(null).func('int setns(int, int)');
  const [own, other] = [openSync('/proc/thread-self/ns/net', 'r'), openSync(`/run/netns/${name}`, 'r')];
  try {
    if (setns(other, CLONE_NEWNET) !== 0) throw new Error(`the namespace ${name} cannot be entered`);
    return run();
  } finally {
    if (setns(own, CLONE_NEWNET) !== 0) process.exit(70);
    closeSync(own);
    closeSync(other);
  }
};
