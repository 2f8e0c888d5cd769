import type { Diagnostic, Source, Span } from '../diagnostic/diagnostic.ts';
import type { Origin } from './model.ts';

/** One document of a text, and where its fields stand. */
export interface ManifestDocument {
  readonly source: Source;
  readonly value: unknown;
  /** The span of the value at a path, or of the nearest thing around it. */
  readonly spanOf: (path: readonly PropertyKey[]) => Span;
  /** The span of a key itself. */
  readonly keySpanOf: (path: readonly PropertyKey[]) => Span;
}

/** Objects that come as data, as the Kubernetes API gives them, and where they come from. */
export interface ManifestObjects {
  readonly name: string;
  readonly objects: readonly unknown[];
}

/** What manifests are read from. */
export type ManifestSource = Source | ManifestObjects;

/** What a source holds. */
export interface Documents {
  readonly documents: readonly ManifestDocument[];
  readonly problems: readonly Diagnostic[];
}

/** Where a path of a document stands. The place is looked up when it is first asked for: most are never told. */
export const originOf = (document: ManifestDocument, path: readonly PropertyKey[]): Origin => {
  let span: Span | undefined;
  return {
    source: document.source,
    get span() {
      return (span ??= document.spanOf(path));
    },
  };
};
