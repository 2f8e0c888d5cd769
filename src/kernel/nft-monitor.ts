import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { readNftTraceLine, type TraceEvent } from '../kernel-trace/nft-trace.ts';

/** Listens to what nftables and iptables-nft tell about traced packets, until it is closed. */
export interface NftMonitor {
  readonly events: readonly TraceEvent[];
  /** When it heard something last; 0: never. */
  readonly last: () => number;
  readonly close: () => void;
}

/** A busy flow is not remembered for ever. */
const MOST_EVENTS = 50_000;

/** So long nft may take to listen. */
const START_MS = 5000;

/**
 * NETLINK_NETFILTER (include/uapi/linux/netlink.h) and NFNLGRP_NFTRACE, the ninth group
 * (include/uapi/linux/netfilter/nfnetlink.h).
 */
const NETFILTER = '12';
const TRACE_GROUP = 1 << 8;

/** Whether, by /proc/net/netlink (net/netlink/af_netlink.c, netlink_native_seq_show), a process listens to traces. */
export const listensToTraces = (text: string, pid: number): boolean =>
  text.split('\n').some((line) => {
    const [, protocol, port, groups] = line.trim().split(/\s+/);
    return protocol === NETFILTER && port === String(pid) && (Number.parseInt(groups ?? '0', 16) & TRACE_GROUP) !== 0;
  });

const sockets = (): string => {
  try {
    return readFileSync('/proc/net/netlink', 'utf8');
  } catch {
    return '';
  }
};

/** Starts `nft monitor trace` and waits until it listens. */
export const openNftMonitor = async (signal: AbortSignal): Promise<NftMonitor> => {
  const child = spawn('nft', ['-a', 'monitor', 'trace'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const events: TraceEvent[] = [];
  const heard = { last: 0, ended: false };
  // Where nft is missing, the arming says so.
  child.on('error', () => (heard.ended = true));
  child.on('close', () => (heard.ended = true));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = readNftTraceLine(line);
    if (event === null) return;
    heard.last = performance.now();
    if (events.length < MOST_EVENTS) events.push(event);
  });
  const end = performance.now() + START_MS;
  const waits = (): boolean => !heard.ended && !signal.aborted && performance.now() < end;
  while (waits() && !listensToTraces(sockets(), child.pid ?? 0)) await sleep(20);
  return { events, last: () => heard.last, close: () => void child.kill('SIGKILL') };
};
