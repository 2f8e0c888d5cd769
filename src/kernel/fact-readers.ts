/** `nftables v1.0.6 (Lester Gooch #5)` → [1, 0, 6]; `6.1.0-28-amd64` → [6, 1, 0]; a text without any → [0]. */
export const readVersion = (text: string): readonly number[] =>
  (/(\d+(?:\.\d+)+)/.exec(text)?.[1] ?? '0').split('.').map(Number);

const DATAPLANES = [
  [/\b(cil_from_(?:netdev|host)\S*|bpf_(?:netdev|host)\S*\.o\S*)/, "Cilium's eBPF dataplane"],
  [/\b(cali_tc_preamble\S*|calico_from_(?:host|wep)\S*|cali_\S+)/, "Calico's eBPF dataplane"],
] as const;

/** Known service dataplanes in the output of `tc filter show dev LINK ingress`. */
export const readDataplanePrograms = (text: string, link: string): readonly string[] =>
  DATAPLANES.flatMap(([pattern, name]) => {
    const program = pattern.exec(text)?.[1];
    return program === undefined ? [] : [`${name} (${program} on ${link})`];
  });
