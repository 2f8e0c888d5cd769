/** The transport protocols a Service can use (core/v1 Protocol, lower case as the kernel's tools write them). */
export type Protocol = 'tcp' | 'udp' | 'sctp';

export const PROTOCOLS: readonly Protocol[] = ['tcp', 'udp', 'sctp'];

/** IANA protocol numbers, as the kernel's `meta l4proto` holds them. */
export const PROTOCOL_NUMBER: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };
