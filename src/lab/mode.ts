/** How kube-proxy writes its rules: its `--proxy-mode`, with the flavour of the iptables tools. */
export const MODES = ['iptables-nft', 'iptables-legacy', 'nftables', 'ipvs'] as const;

export type Mode = (typeof MODES)[number];

/** Is this the name of a mode? */
export const isMode = (text: string): text is Mode => (MODES as readonly string[]).includes(text);
