import type { MapElement } from '../../ruleset/values/map-element.ts';
import { sameRules } from '../../print/same-rules.ts';
import {
  verdictElements,
  type BaseChain,
  type Chain,
  type NamedSet,
  type Rule,
  type Table,
  type VerdictMap,
} from '../../ruleset/table.ts';
import { withCounts } from '../table/carried-counts.ts';
import type { CompiledTable } from '../table/compiled-table.ts';
import { changedKeys } from '../table/changed-keys.ts';
import { installedIn } from '../table/installed.ts';
import { POSTROUTING, PREROUTING, readOwnName, VIPS } from '../table/names.ts';
import { exposureRules } from '../table/treatment.ts';
import type { Change, Operation, Transaction } from './transaction.ts';

/**
 * How the kernel comes from `current` (what it lists now; null: no table) to `target` (null: no table). `target` must
 * have been compiled with the same `current`, so that no name that stays changes its meaning between the steps.
 */
export const planChange = (current: Table | null, target: CompiledTable | null): Change => {
  if (target === null) return current === null ? NOTHING : planRemoval(current);
  const keys = keyChanges(current, target);
  const chains = chainChanges(current, target);
  const isFirst = current === null;
  // While no packet is judged there is nothing to be careful about.
  const unseen = isFirst ? [...keys.vips.addToNew, ...keys.exact.addToNew] : [];
  return {
    stage: transactions([
      [
        ...(isFirst ? [{ kind: 'add-table' } as const] : []),
        ...newCounters(current, target),
        // Chains before maps: those of intervals come with their keys, which lead to chains.
        ...newChains(current, target, (chain) => isStaged(current, chain)),
        ...newSets(current, target),
        ...unseen,
        ...chains.staged,
      ],
    ]),
    switch: transactions([
      [
        // Adding a table again takes its flag `dormant` away (nf_tables_updtable, net/netfilter/nf_tables_api.c).
        ...(current?.flags === undefined ? [] : [{ kind: 'add-table' } as const]),
        ...strayBaseChains(current, target),
        ...newChains(current, target, (chain) => !isStaged(current, chain) && !isNewJudge(current, chain)),
        ...chains.switched.bases,
        ...chains.switched.vips,
        ...(isFirst ? [] : keys.vips.addToNew),
      ],
      keys.vips.addToOld,
      [...chains.switched.exact, ...(isFirst ? [] : keys.exact.addToNew)],
      keys.exact.addToOld,
      chains.switched.ranges,
      [...newChains(current, target, (chain) => isNewJudge(current, chain)), ...chains.switched.judge],
      keys.exact.remove,
      keys.vips.remove,
      chains.settled,
    ]),
    sweep: planSweep(current, target),
  };
};

const NOTHING: Change = { stage: [], switch: [], sweep: [] };

const transactions = (steps: readonly (readonly Operation[])[]): readonly Transaction[] =>
  steps.filter((operations) => operations.length > 0).map((operations) => ({ operations }));

/**
 * Packets must not meet an old chain with a set already gone: first the base chains let everything by, then the table
 * goes.
 */
const planRemoval = (current: Table): Change => ({
  stage: [],
  switch: transactions([
    [...current.chains.values()]
      .filter(({ base, rules }) => base !== null && rules.length > 0)
      .map(({ name }) => ({ kind: 'replace-rules', chain: name, rules: [] })),
  ]),
  sweep: [{ operations: [{ kind: 'delete-table' }] }],
});

/** The names of what a table has. */
export type Names = Readonly<Record<'chains' | 'sets' | 'counters', ReadonlyMap<string, unknown>>>;

/**
 * Removes from the kernel what the target does not have. Only what nothing has referred to for a second may be swept.
 */
export const planSweep = (current: Table | null, target: Names): readonly Transaction[] => {
  if (current === null) return [];
  const gone = <T>(have: ReadonlyMap<string, T>, want: ReadonlyMap<string, unknown>): string[] =>
    [...have.keys()].filter((name) => !want.has(name));
  // Base chains that do not belong here went at the switch.
  const chains = gone(current.chains, target.chains).filter((name) => current.chains.get(name)?.base === null);
  const sets = gone(current.sets, target.sets).flatMap((name) => current.sets.get(name) ?? []);
  return transactions([
    [
      ...chains.map((chain): Operation => ({ kind: 'replace-rules', chain, rules: [] })),
      // Rules lead to sets, and the keys of maps to chains. Kernels before 6.1.36 keep the chains of a deleted map in
      // use (nft_map_deactivate).
      ...sets.flatMap(emptied),
      ...sets.map(({ name }): Operation => ({ kind: 'delete-set', name })),
      ...chains.map((name): Operation => ({ kind: 'delete-chain', name })),
      ...gone(current.counters, target.counters).map((name): Operation => ({ kind: 'delete-counter', name })),
    ],
  ]);
};

const emptied = (set: NamedSet): readonly Operation[] =>
  set.kind === 'verdict-map' && set.elements.length > 0
    ? [{ kind: 'delete-keys', map: set.name, types: set.types, elements: set.elements }]
    : [];

const newCounters = (current: Table | null, target: CompiledTable): readonly Operation[] =>
  [...target.counters.keys()]
    .filter((name) => current?.counters.has(name) !== true)
    .map((name) => ({ kind: 'add-counter', name }));

const newSets = (current: Table | null, target: CompiledTable): readonly Operation[] =>
  [...target.sets.values()]
    .filter(({ name }) => current?.sets.has(name) !== true)
    .map((set) => ({ kind: 'add-set', set }));

const newChains = (current: Table | null, target: Table, which: (chain: Chain) => boolean): readonly Operation[] =>
  [...target.chains.values()]
    .filter((chain) => which(chain) && !isAttachedAsWanted(current?.chains.get(chain.name), chain))
    .map(({ name, base }) => ({ kind: 'add-chain', name, base }));

/** Unreachable as yet, or without effect: postrouting judges nothing until its map has keys. */
const isStaged = (current: Table | null, { name, base }: Chain): boolean =>
  base === null || (name === POSTROUTING && current?.chains.has(name) !== true);

/** The chain that judges, where there is none: it comes when the maps that it looks into are complete. */
const isNewJudge = (current: Table | null, { name }: Chain): boolean =>
  name === PREROUTING && current?.chains.has(name) !== true;

/**
 * Is a chain there, attached as it should be? Adding a base chain again sets its policy (nf_tables_updchain,
 * net/netfilter/nf_tables_api.c).
 */
const isAttachedAsWanted = (there: Chain | undefined, { base }: Chain): boolean =>
  there !== undefined && (base === null || (sameHook(there.base, base) && there.base?.policy === base.policy));

const sameHook = (a: BaseChain | null, b: BaseChain): boolean =>
  a?.type === b.type && a.hook === b.hook && a.priority === b.priority;

/**
 * Base chains that others have hung into our table, and our own where others have hung them elsewhere. Nothing can
 * refer to a base chain, so it goes at once.
 */
const strayBaseChains = (current: Table | null, target: CompiledTable): readonly Operation[] =>
  [...(current?.chains.values() ?? [])]
    .filter((chain) => isStray(chain, target.chains.get(chain.name)))
    .flatMap(({ name }): Operation[] => [
      { kind: 'replace-rules', chain: name, rules: [] },
      { kind: 'delete-chain', name },
    ]);

const isStray = ({ base }: Chain, wanted: Chain | undefined): boolean =>
  wanted === undefined ? base !== null : wanted.base !== null && !sameHook(base, wanted.base);

/**
 * New chains get their rules while nothing refers to them, changed ones at the switch. Where a protocol's key is about
 * to leave a chain, its old treatment stays in there until the packets that have already found the key are through. The
 * chain of a range changes when the exact ports that leave the range have their own keys.
 */
const chainChanges = (current: Table | null, target: CompiledTable) => {
  const staged: Operation[] = [];
  const list = (): Operation[] => [];
  const switched = { bases: list(), vips: list(), exact: list(), ranges: list(), judge: list() };
  const settled: Operation[] = [];
  const [installed, wanted] = [installedIn(current), installedIn(target)];
  for (const chain of target.chains.values()) {
    const { name, rules } = chain;
    const there = current?.chains.get(name);
    const before = there === undefined || isStray(there, chain) ? undefined : there;
    if (before === undefined && rules.length === 0) continue;
    const replace = (wantedRules: readonly Rule[]): Operation => ({
      kind: 'replace-rules',
      chain: name,
      rules: withCounts(wantedRules, before?.rules ?? []),
    });
    if (before === undefined) {
      const place = isStaged(current, chain) ? staged : there === undefined ? switched[kindOf(chain)] : switched.bases;
      place.push(replace(rules));
      continue;
    }
    const treatments = wanted.get(name);
    const leaving = [...(installed.get(name) ?? [])].filter(([protocol]) => treatments?.has(protocol) !== true);
    const between =
      treatments === undefined || leaving.length === 0
        ? rules
        : exposureRules(new Map([...leaving, ...treatments]), name);
    if (!sameRules(before.rules, between)) switched[kindOf(chain)].push(replace(between));
    if (!sameRules(between, rules)) settled.push(replace(rules));
  }
  return { staged, switched, settled };
};

const kindOf = ({ name, base }: Chain): 'bases' | 'vips' | 'exact' | 'ranges' | 'judge' => {
  if (name === PREROUTING) return 'judge';
  if (base !== null) return 'bases';
  const own = readOwnName(name);
  if (own?.kind === 'vip') return 'vips';
  return own?.kind === 'local' && own.ports.first !== own.ports.last ? 'ranges' : 'exact';
};

const mapsOf = (table: Table): readonly VerdictMap[] =>
  [...table.sets.values()].filter((set) => set.kind === 'verdict-map');

/**
 * Keys of ports and VIPs; those of ranges come and go with their map. A key that leads to a chain which packets already
 * reach waits until that chain has its new rules. An exact key is there before the range around it comes and until it
 * has gone, so that an open port in a guarded range is open all the time; and a VIP's before and after both, for the
 * VIP may be a local address. Whatever takes the place of a key is there before that key goes. A key that stays is
 * never deleted and added again.
 */
const keyChanges = (current: Table | null, target: CompiledTable) => {
  const phases = () => ({ addToNew: [] as Operation[], addToOld: [] as Operation[], remove: [] as Operation[] });
  const [vips, exact] = [phases(), phases()];
  for (const { name, interval, types, elements } of mapsOf(target)) {
    if (interval) continue;
    const { gone, added } = changedKeys(verdictElements(current?.sets.get(name)), elements);
    const isOld = ({ verdict }: MapElement): boolean =>
      'chain' in verdict && current?.chains.has(verdict.chain) === true;
    const fresh = added.filter((element) => !isOld(element));
    const old = added.filter(isOld);
    const { addToNew, addToOld, remove } = isVipMap(name) ? vips : exact;
    if (fresh.length > 0) addToNew.push({ kind: 'add-keys', map: name, types, elements: fresh });
    if (old.length > 0) addToOld.push({ kind: 'add-keys', map: name, types, elements: old });
    if (gone.length > 0) remove.push({ kind: 'delete-keys', map: name, types, elements: gone });
  }
  return { vips, exact };
};

const isVipMap = (map: string): boolean => map === VIPS[4] || map === VIPS[6];
