/**
 * What a step reads, the same for every dialect. Numbers are numbers (addresses, ports, protocols, marks); in angle
 * brackets below are the names that a field can hold.
 */
export type Field =
  /** NFPROTO_IPV4 = 2, NFPROTO_IPV6 = 10. */
  | 'family'
  | 'protocol'
  | 'source'
  | 'destination'
  | 'source-port'
  | 'destination-port'
  /** <original>, <reply>; an untracked packet has none. */
  | 'direction'
  /** A name; empty where the packet has none at that hook. */
  | 'in-interface'
  | 'out-interface'
  /**
   * <unicast>, <local>, <broadcast>, <anycast>, <multicast>, <blackhole>, <unreachable>, <prohibit>, … (RTN_*), by the
   * routing tables.
   */
  | 'source-type'
  | 'destination-type'
  /** The same, with the look-up limited to the interface the packet came by or leaves by. */
  | 'source-type-on-in-interface'
  | 'source-type-on-out-interface'
  | 'destination-type-on-in-interface'
  | 'destination-type-on-out-interface'
  | ReversePathField
  | FibField
  | 'mark'
  | 'ct-mark'
  /** One of <new>, <established>, <related>, <invalid>, <untracked>. */
  | 'ct-state'
  /**
   * Any number of <expected>, <seen-reply>, <assured>, <confirmed>, <snat>, <dnat>, <dying>: holds when one of the
   * values is among them.
   */
  | 'ct-status'
  | 'ct-zone'
  /** Of the connection that expected this one; others have none (net/netfilter/nft_ct.c, NFT_CT_HELPER). */
  | 'ct-helper'
  | 'ct-family'
  | 'ct-protocol'
  | 'ct-original-source'
  | 'ct-original-destination'
  | 'ct-original-source-port'
  | 'ct-original-destination-port'
  | 'ct-reply-source'
  | 'ct-reply-destination'
  | 'ct-reply-source-port'
  | 'ct-reply-destination-port'
  /** Seconds until the entry expires; bytes, packets and so on of a connection. */
  | 'ct-expiration'
  | 'ct-volume'
  | 'icmp-type'
  | 'icmp-code'
  | 'tcp-flags'
  | 'tcp-option'
  /** <first> (or not fragmented), <later>. */
  | 'fragment'
  /**
   * IPv6 extension headers, AH, ESP by the name of iptables' module (<rt>, <frag>, <hbh>, <dst>, <ah>, …): holds when
   * the packet has it.
   */
  | 'extension-header'
  /** Bytes of the packet with its IP header. */
  | 'length'
  /** Time to live, or hop limit. */
  | 'ttl'
  | 'dscp'
  | 'ether-type'
  | 'source-mac'
  | 'destination-mac'
  /** <unicast> (to this host; also <host>), <broadcast>, <multicast>, <other>. */
  | 'packet-type'
  /** <yes> when a local socket sends the packet, else <no>; and its owner. */
  | 'sending-socket'
  | 'socket-user'
  | 'socket-group'
  /** <yes>: a local socket matches the packet; -transparent: with IP_TRANSPARENT. */
  | 'socket'
  | 'socket-transparent'
  | 'socket-mark'
  /** The bridge ports, where the packet passes a bridge; empty: none. */
  | 'in-bridge-port'
  | 'out-bridge-port'
  /** <yes>: the packet is being bridged rather than routed. */
  | 'bridged'
  /** IPVS: <yes> when the packet belongs to an IPVS connection, and of that connection. */
  | 'ipvs-connection'
  | 'ipvs-protocol'
  | 'ipvs-virtual-address'
  | 'ipvs-virtual-port'
  | 'ipvs-direction'
  | 'ipvs-method'
  | 'ipvs-virtual-control-port';

/**
 * The interface by which a look-up of the routes says that an address is reached; empty: it is not. With or without the
 * packet's mark, and of all interfaces or only of the one that the packet came by or leaves by
 * (net/ipv4/netfilter/nft_fib_ipv4.c, nft_fib4_eval).
 */
export type FibField =
  `fib-${'source' | 'destination'}-interface${'' | '-by-mark'}${'' | '-if-in-interface' | '-if-out-interface'}`;

/**
 * <yes> when the way back to the source leaves by the interface the packet came by; -loose: by any interface;
 * -or-local: also where the source is the node's own; -by-mark: with the packet's mark
 * (net/ipv4/netfilter/ipt_rpfilter.c).
 */
export type ReversePathField = `reverse-path${'' | '-loose'}${'' | '-or-local'}${'' | '-by-mark'}`;

export const isReversePath = (field: Field): field is ReversePathField => field.startsWith('reverse-path');

export const isFibField = (field: Field): field is FibField => field.startsWith('fib-');
