import { readFileSync, writeFileSync } from 'node:fs';
import type { Family } from '../net/family.ts';

// Who takes what the kernel logs about packets, by address family (net/netfilter/nf_log.c): `NONE`, nf_log_ipv4 (the
// kernel's own log, which drops what other network namespaces than the first say), or nfnetlink_log (a program that
// listens to it).

/** AF_INET, AF_INET6. */
const FILES: Readonly<Record<Family, string>> = {
  4: '/proc/sys/net/netfilter/nf_log/2',
  6: '/proc/sys/net/netfilter/nf_log/10',
};

export const NFNETLINK_LOG = 'nfnetlink_log';

/** Null: this kernel logs nothing about packets of the family. */
export const loggerOf = (family: Family): string | null => {
  try {
    return readFileSync(FILES[family], 'utf8').trim();
  } catch {
    return null;
  }
};

/** Whether it could be set. `NONE` takes the present one away. */
export const setLogger = (family: Family, logger: string): boolean => {
  try {
    writeFileSync(FILES[family], logger);
    return true;
  } catch {
    return false;
  }
};
