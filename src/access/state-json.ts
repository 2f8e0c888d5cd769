import * as z from 'zod';
import { formatPrefix, parsePrefix, type Prefix } from '../net/prefix.ts';
import { readRestriction, restrictionManifest } from '../policy/restriction-manifest.ts';
import type { StoredState } from './state.ts';

const schema = z.object({
  sources: z.array(
    z.union([
      z.object({ name: z.string(), text: z.string() }),
      z.object({ name: z.string(), objects: z.array(z.unknown()) }),
    ]),
  ),
  restrictions: z.array(z.record(z.string(), z.unknown())),
  options: z.object({
    nodeName: z.string().nullable(),
    nodeLabels: z.record(z.string(), z.string()),
    podCidrs: z.array(z.string()),
    standalone: z.boolean(),
    allowFailsafe: z.array(z.number().int()),
  }),
});

/** A state as it is stored: JSON in which a person finds restrictions as manifests and prefixes as texts. */
export const stateJson = ({ sources, restrictions, options }: StoredState) => ({
  sources,
  restrictions: restrictions.map(restrictionManifest),
  options: { ...options, podCidrs: options.podCidrs.map(formatPrefix) },
});

const readAll = <From, To>(list: readonly From[], read: (one: From) => To | null): readonly To[] | null => {
  const all = list.map(read);
  return all.every((one) => one !== null) ? all : null;
};

const readPrefix = (text: string): Prefix | null => {
  const prefix = parsePrefix(text);
  return prefix.ok ? prefix.value : null;
};

/** The state that was stored as `json`; null: this is none. */
export const readStateJson = (json: unknown): StoredState | null => {
  const checked = schema.safeParse(json);
  if (!checked.success) return null;
  const { sources, options } = checked.data;
  const restrictions = readAll(checked.data.restrictions, readRestriction);
  const podCidrs = readAll(options.podCidrs, readPrefix);
  return restrictions === null || podCidrs === null
    ? null
    : { sources, restrictions, options: { ...options, podCidrs } };
};
