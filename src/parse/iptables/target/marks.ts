import { readMasked, readNumber } from '../../values/dump-values.ts';
import { has, valueOf, type Options, type TargetReader } from './target-reader.ts';

/** `--set-xmark` and its short forms, as value and mask: x = (x & ~mask) ^ value (libxt_MARK.c, libxt_CONNMARK.c). */
const readSetMark = (options: Options): { readonly value: number; readonly mask: number } | null | undefined => {
  const [option, ...more] = options.filter(({ name }) => name.endsWith('mark') && !/^--(?:save|restore)/.test(name));
  if (option === undefined) return undefined;
  const given = more.length > 0 ? null : readMasked(option.values[0] ?? '');
  if (given === null) return null;
  const { value, mask } = given;
  switch (option.name) {
    case '--set-xmark':
      return given;
    case '--set-mark':
      // The bits of the mask and those of the value are cleared, then the value is set.
      return { value, mask: (mask | value) >>> 0 };
    case '--and-mark':
      return { value: 0, mask: ~value >>> 0 };
    case '--or-mark':
      return { value, mask: value };
    case '--xor-mark':
      return { value, mask: 0 };
    default:
      return null;
  }
};

/** `-j MARK`; null when it is not understood. */
export const mark: TargetReader = (options) => {
  const set = readSetMark(options);
  return set === null || set === undefined ? null : { kind: 'mark', ...set };
};

/** `-j CONNMARK`; null when it is not understood. */
export const connmark: TargetReader = (options) => {
  const save = has(options, '--save-mark');
  const restore = has(options, '--restore-mark');
  if (!save && !restore) {
    const set = readSetMark(options);
    return set === null || set === undefined ? null : { kind: 'connmark-set', ...set };
  }
  const read = (name: string): number | null => {
    const text = valueOf(options, name) ?? valueOf(options, '--mask');
    return text === null ? 0xffff_ffff : readNumber(text);
  };
  const nfMask = read('--nfmask');
  const ctMask = read('--ctmask');
  if (nfMask === null || ctMask === null) return null;
  return { kind: save ? 'connmark-save' : 'connmark-restore', nfMask, ctMask };
};
