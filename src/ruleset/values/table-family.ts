/** The families of tables (nft(8), ADDRESS FAMILIES). */
export const TABLE_FAMILIES = ['ip', 'ip6', 'inet', 'bridge', 'arp', 'netdev'] as const;

export type TableFamily = (typeof TABLE_FAMILIES)[number];

/** The family of that name; null: there is none. */
export const readTableFamily = (text: string): TableFamily | null =>
  TABLE_FAMILIES.find((family) => family === text) ?? null;
