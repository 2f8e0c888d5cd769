import { accessOf } from '../../src/access/access-of.ts';
import { guardsOf } from '../../src/access/guard-of.ts';
import type { Access, AccessOptions } from '../../src/access/model.ts';
import type { Diagnostic, Result } from '../../src/diagnostic/diagnostic.ts';
import { parseAddress, type Address } from '../../src/net/address.ts';
import { hasAddress, nobody } from '../../src/net/address-set.ts';
import { parsePorts } from '../../src/net/port.ts';
import { readManifests } from '../../src/policy/read-manifests.ts';
import type { Manifest } from './policies.ts';

/** A node about which nothing is known. */
export const NO_OPTIONS: AccessOptions = {
  nodeName: null,
  nodeLabels: {},
  podCidrs: nobody,
  standalone: false,
  allowFailsafe: [],
  extraFailsafes: [],
};

/** What manifests come to on a node. */
export const accessOfManifests = (
  manifests: readonly Manifest[],
  options: Partial<AccessOptions> = {},
): Result<Access> => {
  const declared = readManifests(
    manifests.map((manifest, index) => ({ name: `${index}.json`, text: JSON.stringify(manifest) })),
  );
  return declared.ok ? accessOf(declared.value, { ...NO_OPTIONS, ...options }) : declared;
};

const addressOf = (text: string): Address => {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
};

/** `203.0.113.7 → 30001/tcp`: from where, to which port (`192.0.2.200:80/tcp`: of a VIP). */
export type Question = `${string} → ${string}`;

/**
 * `allow: shop/web: allow[0]`, `drop: …`, `reject: …` with the responsible policy; `open`: nothing guards it.
 * `enforced` by the Enforce policies alone, `wouldBe` with the Audit policies as well.
 */
export const answer = (access: Access, question: Question, which: 'enforced' | 'wouldBe' = 'enforced'): string => {
  const [from = '', to = ''] = question.split(' → ');
  const [, bracketed, plain, port = ''] = /^(?:\[(.+)\]:|([^:]+):)?([^:]+)$/.exec(to) ?? [];
  const vip = bracketed ?? plain;
  const ports = parsePorts(port);
  if (!ports.ok || ports.value.protocol === null) throw new Error(question);
  const exposure = guardsOf(access)(
    ports.value.protocol,
    ports.value.ports.first,
    vip === undefined ? 'local' : addressOf(vip),
  );
  const selection = access.selections.get(exposure?.selection ?? '');
  if (selection === undefined) return 'open';
  const parts = which === 'enforced' ? selection.parts : selection.wouldParts;
  const found = parts.filter(({ sources }) => hasAddress(sources, addressOf(from)));
  return found.map(({ verdict, because }) => `${verdict}: ${because}`).join(' and ');
};

/** The answer to a question about manifests; what stands in the way, when there is no answer. */
export const answerOf = (
  manifests: readonly Manifest[],
  question: Question,
  options: Partial<AccessOptions> = {},
): string => {
  const access = accessOfManifests(manifests, options);
  return access.ok ? answer(access.value, question) : access.problems.map(({ code }) => code).join(' ');
};

/** The codes of an access's warnings, or of the problems because of which there is none. */
export const remarksOf = (result: Result<unknown>): readonly string[] =>
  (result.ok ? result.warnings : result.problems).map(({ code }: Diagnostic) => code);
