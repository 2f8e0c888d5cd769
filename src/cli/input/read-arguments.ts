import type { StoredOptions } from '../../access/state.ts';
import { error, fail, ok, shift, type Diagnostic, type Result } from '../../diagnostic/diagnostic.ts';
import { parseAddress } from '../../net/address.ts';
import { WIDTH } from '../../net/family.ts';
import { parsePorts, type PortSpec } from '../../net/port.ts';
import { parsePrefix, type Prefix } from '../../net/prefix.ts';
import type { MachineFlags } from './flags.ts';

/** Reads an argument with one of the strict parsers; its problems name the argument. */
const read = <T>(name: string, text: string, parse: (text: string) => Result<T>): Result<T> => {
  const result = parse(text);
  return result.ok ? result : fail(...result.problems.map((problem) => shift(problem, 0, { name, text })));
};

/** `30001`, `30001/udp`, `30000-30099`. */
export const readPort = (text: string): Result<PortSpec> => read('PORT', text, parsePorts);

/** A prefix, or one address alone. */
const parseSource = (text: string): Result<Prefix> => {
  if (text.includes('/')) return parsePrefix(text);
  const address = parseAddress(text);
  return address.ok
    ? ok({ family: address.value.family, address: address.value.value, length: WIDTH[address.value.family] })
    : address;
};

/** All, or the problems of all that are wrong. */
const readAll = <T>(
  name: string,
  texts: readonly string[],
  parse: (text: string) => Result<T>,
): Result<readonly T[]> => {
  const results = texts.map((text) => read(name, text, parse));
  const problems = results.flatMap((result) => (result.ok ? [] : result.problems));
  return problems.length > 0 ? fail(...problems) : ok(results.flatMap((result) => (result.ok ? [result.value] : [])));
};

const splitCommas = (texts: readonly string[]): readonly string[] =>
  texts.flatMap((text) => text.split(',')).filter((text) => text !== '');

/** Sources of `--from`: prefixes or addresses, also several with commas. */
export const readSources = (texts: readonly string[]): Result<readonly Prefix[]> => {
  const sources = splitCommas(texts);
  // An unset variable of a script must not close a port to everybody.
  return sources.length === 0
    ? fail(
        error(
          'from-empty',
          '--from names nobody',
          undefined,
          'Write a prefix or an address; to refuse everybody, apply a policy whose allow is []',
        ),
      )
    : readAll('--from', sources, parseSource);
};

/** Port numbers of `--allow-failsafe`. */
export const readFailsafes = (texts: readonly string[]): Result<readonly number[]> =>
  readAll('--allow-failsafe', splitCommas(texts), (text) => {
    const spec = parsePorts(text);
    if (!spec.ok) return spec;
    const { ports, protocol } = spec.value;
    return ports.first === ports.last && protocol === null
      ? ok(ports.first)
      : fail(
          error(
            'failsafe-single',
            'a failsafe port is named as a single number',
            { start: 0, end: text.length },
            'Write for example --allow-failsafe 22',
          ),
        );
  });

const LABEL = /^([A-Za-z0-9][-A-Za-z0-9_./]*)=([-A-Za-z0-9_.]*)$/;

const readLabel = (text: string): Result<readonly [string, string]> => {
  const [, key, value] = LABEL.exec(text) ?? [];
  return key === undefined || value === undefined
    ? fail(error('label-syntax', 'this is not a label', { start: 0, end: Math.max(1, text.length) }, 'Write key=value'))
    : ok([key, value]);
};

/** The options that were given with an apply. */
export const readOptions = (
  flags: MachineFlags & { readonly allowFailsafe?: readonly string[] },
): Result<Partial<StoredOptions>> => {
  const labels = readAll('--node-label', flags.nodeLabel ?? [], readLabel);
  const pods = readAll('--pod-cidr', splitCommas(flags.podCidr ?? []), parsePrefix);
  const failsafes = readFailsafes(flags.allowFailsafe ?? []);
  const problems: Diagnostic[] = [labels, pods, failsafes].flatMap((result) => (result.ok ? [] : [...result.problems]));
  if (!labels.ok || !pods.ok || !failsafes.ok) return fail(...problems);
  return ok({
    ...(flags.nodeName === undefined ? {} : { nodeName: flags.nodeName }),
    ...(flags.nodeLabel === undefined ? {} : { nodeLabels: Object.fromEntries(labels.value) }),
    ...(flags.podCidr === undefined ? {} : { podCidrs: pods.value }),
    ...(flags.standalone === undefined ? {} : { standalone: flags.standalone }),
    ...(flags.allowFailsafe === undefined ? {} : { allowFailsafe: failsafes.value }),
  });
};

/** `60s`, `2m`, `90` in milliseconds. */
export const readDuration = (name: string, text: string): Result<number> => {
  const [, count, unit] = /^(\d{1,5})(s|m)?$/.exec(text) ?? [];
  if (count === undefined)
    return fail({
      ...error(
        'duration-syntax',
        `${JSON.stringify(text.slice(0, 40))} is not a duration`,
        { start: 0, end: Math.max(1, text.length) },
        'Write 60s or 2m',
      ),
      source: { name, text },
    });
  return ok(Number(count) * (unit === 'm' ? 60_000 : 1000));
};
