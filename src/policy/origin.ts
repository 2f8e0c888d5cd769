import type { Diagnostic } from '../diagnostic/diagnostic.ts';
import type { Origin } from './model.ts';

/** The diagnostic with the place of its subject. It stays as it is where that is in no text. */
export const atOrigin = (diagnostic: Diagnostic, origin: Origin | null): Diagnostic =>
  origin === null ? diagnostic : { ...diagnostic, span: origin.span, source: origin.source };
