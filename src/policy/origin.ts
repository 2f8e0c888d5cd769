import type { Diagnostic } from '../diagnostic/diagnostic.ts';
import type { Origin } from './model.ts';

/** The diagnostic with the place of what it is about; as it is, where that stands in no text. */
export const atOrigin = (diagnostic: Diagnostic, origin: Origin | null): Diagnostic =>
  origin === null ? diagnostic : { ...diagnostic, span: origin.span, source: origin.source };
