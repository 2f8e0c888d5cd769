// Numbers of the kernel's UAPI. They never change; the header of each is named.

/** include/uapi/linux/netlink.h: types of control messages. */
export const CONTROL = { noop: 1, error: 2, done: 3, overrun: 4 } as const;

/** include/uapi/linux/netlink.h: flags of a message. The meaning of the upper byte depends on the request. */
export const FLAG = {
  request: 0x1,
  acknowledge: 0x4,
  /** The ruleset changed while it was dumped. */
  dumpInterrupted: 0x10,
  dump: 0x300,
  exclusive: 0x200,
  create: 0x400,
  /** An error message without the request's payload. */
  capped: 0x100,
  /** An error message with attributes: a text, an offset. */
  extendedAcknowledgement: 0x200,
} as const;

/** include/uapi/linux/netlink.h: what an attribute's type may carry besides the type. */
export const ATTRIBUTE = { nested: 0x8000, typeMask: 0x3fff, header: 4, longest: 0xffff } as const;

/** struct nlmsghdr (16 bytes) and struct nfgenmsg (4 bytes; include/uapi/linux/netfilter/nfnetlink.h). */
export const HEADER = { netlink: 16, netfilter: 4, both: 20 } as const;

/** include/uapi/linux/netfilter/nfnetlink.h. */
export const SUBSYSTEM_NFTABLES = 10;
export const BATCH = { begin: 0x10, end: 0x11, generation: 1 } as const;

/** include/uapi/linux/netfilter/nf_tables.h, enum nf_tables_msg_types. */
export const MESSAGE = {
  newTable: 0,
  getTable: 1,
  newChain: 3,
  getChain: 4,
  newRule: 6,
  getRule: 7,
  newSet: 9,
  getSet: 10,
  newElements: 12,
  getElements: 13,
  deleteElements: 14,
  newGeneration: 15,
  getGeneration: 16,
  newFlowtable: 22,
  getFlowtable: 23,
} as const;

/** include/uapi/linux/netfilter.h, enum nfproto-like NFPROTO_*: the families of tables. */
export const FAMILY_NUMBER = { inet: 1, ip: 2, arp: 3, netdev: 5, bridge: 7, ip6: 10 } as const;

/** include/uapi/linux/netfilter/nf_tables.h: attributes, by the object that they belong to. */
export const NFTA = {
  element: {
    key: 1,
    data: 2,
    flags: 3,
    timeout: 4,
    expiration: 5,
    userData: 6,
    expression: 7,
    keyEnd: 10,
    expressions: 11,
  },
  elementList: { table: 1, set: 2, elements: 3 },
  data: { value: 1, verdict: 2 },
  verdict: { code: 1, chain: 2 },
  list: { element: 1 },
  generation: { id: 1, process: 2, name: 3 },
  table: { name: 1, flags: 2, handle: 4, owner: 7 },
  chain: { table: 1, handle: 2, name: 3, hook: 4, policy: 5, type: 7, flags: 10 },
  hook: { number: 1, priority: 2, device: 3, devices: 4 },
  device: { name: 1 },
  set: {
    table: 1,
    name: 2,
    flags: 3,
    keyType: 4,
    keyLength: 5,
    dataType: 6,
    dataLength: 7,
    description: 9,
    handle: 16,
  },
  description: { size: 1 },
  flowtable: { table: 1, name: 2, hook: 3, flags: 7 },
  flowtableHook: { number: 1, priority: 2, devices: 3 },
} as const;

/** enum nft_set_elem_flags. */
export const ELEMENT_FLAG = { intervalEnd: 1, catchAll: 2 } as const;

/** enum nft_set_flags. */
export const SET_FLAG = {
  anonymous: 1,
  constant: 2,
  interval: 4,
  map: 8,
  timeout: 0x10,
  dynamic: 0x20,
  concatenation: 0x80,
} as const;

/** enum nft_table_flags. */
export const TABLE_FLAG = { dormant: 1, owner: 2 } as const;

/** include/uapi/linux/netfilter.h (NF_DROP, NF_ACCEPT) and nf_tables.h, enum nft_verdicts. */
export const VERDICT = { drop: 0, accept: 1, continue: -1, jump: -3, goto: -4, return: -5 } as const;

/** include/uapi/linux/netlink.h, enum nlmsgerr_attrs. */
export const ERROR_ATTRIBUTE = { message: 1, offset: 2 } as const;
