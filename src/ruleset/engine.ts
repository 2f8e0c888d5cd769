/**
 * Who holds a table: nf_tables by itself, the iptables commands on top of nf_tables, or the legacy tables of x_tables.
 * All three can be active on one node at the same time.
 */
export type Engine = 'nft' | 'iptables-nft' | 'iptables-legacy';

/** The engines whose rules are those of iptables. */
export type IptablesEngine = Exclude<Engine, 'nft'>;
