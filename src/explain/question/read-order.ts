import { error, fail, ok, type Result } from '../../diagnostic/diagnostic.ts';
import type { OrderName } from '../../simulate/simulate.ts';

const FAMILIES: ReadonlySet<string> = new Set(['ip', 'ip6', 'inet']);

/**
 * `kube-proxy`, `ip kube-proxy`, `nat PREROUTING`, `ip nat PREROUTING`: chains of one priority, in the order in which
 * they run.
 */
export const readOrder = (texts: readonly string[]): Result<readonly OrderName[]> => {
  const names: OrderName[] = [];
  for (const text of texts) {
    const words = text.trim().split(/\s+/);
    const family = words[0] !== undefined && FAMILIES.has(words[0]) ? words[0] : null;
    const [table, chain, ...more] = family === null ? words : words.slice(1);
    if (table === undefined || table === '' || more.length > 0)
      return fail(
        error(
          'order-syntax',
          `${JSON.stringify(text)} is no chain or table`,
          undefined,
          "Write for example --order 'ip nat PREROUTING,ip kube-proxy nat-prerouting'",
        ),
      );
    names.push({ family, table, chain: chain ?? null });
  }
  return ok(names);
};
