import type { Family } from '../../../src/net/family.ts';

// Who sends what in the hammer. The states (states.ts) are random, but for these sources and ports they all agree.

/**
 * Sources that every state lets in: at the edges of prefixes that are merged and split, next to holes, in a group or
 * not.
 */
export const ALLOWED: Readonly<Record<Family, readonly string[]>> = {
  4: ['10.0.0.0', '10.0.0.63', '10.0.0.64', '10.0.0.99', '10.0.0.127', '10.0.4.77'],
  6: ['2001:db8:a::', '2001:db8:a::7f', '2001:db8:a:4::77'],
};

/** Sources that every state refuses: just outside, in a hole, or denied by one policy here and by another there. */
export const REFUSED: Readonly<Record<Family, readonly string[]>> = {
  4: ['9.255.255.255', '10.0.0.100', '10.0.2.0', '10.0.4.76', '10.0.9.9'],
  6: ['2001:db8:9:ffff::1', '2001:db8:a::100', '2001:db8:a:4::76', '2001:db8:a:9::9'],
};

/** Sources about which the states differ; they make connections whose replies are cut and let through again. */
export const CHANGING: Readonly<Record<Family, readonly string[]>> = {
  4: ['10.0.0.200', '10.0.5.5'],
  6: ['2001:db8:a::8001', '2001:db8:a:5::5'],
};

/**
 * Ports that are guarded in every state: of a Service, of one that comes and goes in a guarded range, of a range alone.
 */
export const GUARDED = [31_001, 30_005, 30_050] as const;

/** Ports that are guarded in some states only. */
export const SOMETIMES = [30_200] as const;

/** The health check's port of a Service, open in the middle of a guarded range. */
export const OPEN = 30_060;

/**
 * Load balancers' addresses that are the node's own, as on kube-ipvs0, at a port that is guarded at all its other
 * addresses. One is open in every state; who is allowed comes in at the other, whatever guards it.
 */
export const VIPS = { open: '192.0.2.201', changing: '192.0.2.200', port: 30_055 } as const;

/** kube-proxy's part: packets to this port are sent on to another one. */
export const TRANSLATED = { from: 31_001, to: 8080 } as const;

export const NODE: Readonly<Record<Family, string>> = { 4: '192.0.2.10', 6: '2001:db8:ff::10' };
