// Names that kube-proxy gives whatever the cluster (pkg/proxy/{iptables,ipvs,nftables}/proxier.go), and the kubelet
// beside it.

/** The table of nftables mode, one in family ip and one in ip6. */
export const KUBE_PROXY_TABLE = 'kube-proxy';

/** The dummy link that has the cluster's addresses in ipvs mode (pkg/proxy/ipvs/proxier.go, defaultDummyDevice). */
export const SERVICE_LINK = 'kube-ipvs0';

/** The mark of packets to be masqueraded (--iptables-masquerade-bit 14). */
export const MASQUERADE_MARK = 0x4000n;

/**
 * Chains of the iptables and ipvs modes by which something is told; {@link chainRole} knows what all of them are for.
 */
export const CHAIN = {
  services: 'KUBE-SERVICES',
  /** iptables mode: node ports; of table filter the health checks of load balancers. */
  nodePorts: 'KUBE-NODEPORTS',
  /** ipvs mode: the same. */
  nodePort: 'KUBE-NODE-PORT',
  externalServices: 'KUBE-EXTERNAL-SERVICES',
  postrouting: 'KUBE-POSTROUTING',
  /** The kubelet's: drops what claims to come from 127.0.0.0/8. */
  firewall: 'KUBE-FIREWALL',
  /** ipvs mode, table filter: refuses what is for a Service address but no Service port. */
  ipvsFilter: 'KUBE-IPVS-FILTER',
} as const;

/** The chain of nftables mode that finds Services. */
export const NFT_SERVICES = 'services';
