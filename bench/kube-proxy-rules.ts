/**
 * An iptables dump as a kube-proxy in iptables mode would leave it for so many Services of 5 endpoints, a quarter of
 * them with a node port: the same chains, matches and targets in the same order (pkg/proxy/iptables, syncProxyRules),
 * nothing else.
 */
export const kubeProxyRules = (services: number): { readonly text: string; readonly rules: number } => {
  const chains: string[] = [];
  const first: string[] = [];
  const nodePorts: string[] = [];
  const rules: string[] = [];
  for (let service = 0; service < services; service++) {
    const name = (prefix: string, number: number): string =>
      `${prefix}-${(service * 8 + number).toString(36).toUpperCase().padStart(16, '0')}`;
    const said = `-m comment --comment "bench/service-${service}:http`;
    const clusterIp = `10.${96 + (service >> 16)}.${(service >> 8) & 255}.${service & 255}/32`;
    const svc = name('KUBE-SVC', 0);
    chains.push(svc);
    first.push(`-A KUBE-SERVICES -d ${clusterIp} -p tcp ${said} cluster IP" -m tcp --dport 80 -j ${svc}`);
    rules.push(
      `-A ${svc} ! -s 10.244.0.0/16 -d ${clusterIp} -p tcp ${said} cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ`,
    );
    if (service % 4 === 0) {
      const ext = name('KUBE-EXT', 0);
      chains.push(ext);
      nodePorts.push(`-A KUBE-NODEPORTS -p tcp ${said}" -m tcp --dport ${30_000 + (service >> 2)} -j ${ext}`);
      rules.push(
        `-A ${ext} ${said.replace('--comment "', '--comment "masquerade traffic for ')} external destinations" -j KUBE-MARK-MASQ`,
      );
      rules.push(`-A ${ext} -j ${svc}`);
    }
    for (let endpoint = 0; endpoint < 5; endpoint++) {
      const sep = name('KUBE-SEP', endpoint + 1);
      const address = `10.244.${(service >> 6) & 255}.${((service & 63) << 2) + (endpoint & 3)}`;
      chains.push(sep);
      const chance =
        endpoint < 4 ? `-m statistic --mode random --probability ${(1 / (5 - endpoint)).toFixed(11)} ` : '';
      rules.push(`-A ${svc} ${chance}-j ${sep}`);
      rules.push(`-A ${sep} -s ${address}/32 -j KUBE-MARK-MASQ`);
      rules.push(`-A ${sep} -p tcp -m tcp -j DNAT --to-destination ${address}:${8080 + endpoint}`);
    }
  }
  const all = [
    '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    '-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000',
    ...first,
    '-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS',
    ...nodePorts,
    ...rules,
  ];
  const names = ['KUBE-SERVICES', 'KUBE-NODEPORTS', 'KUBE-MARK-MASQ', ...chains];
  const lines = [
    '*nat',
    ...['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'].map((chain) => `:${chain} ACCEPT [0:0]`),
    ...names.map((chain) => `:${chain} - [0:0]`),
    ...all.map((rule) => `[0:0] ${rule}`),
    'COMMIT',
  ];
  return { text: `${lines.join('\n')}\n`, rules: all.length };
};
