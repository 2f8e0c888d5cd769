import type { Diagnostic, Source, Span } from '../diagnostic/diagnostic.ts';
import type { Origin } from './model.ts';

/** One document of a text, and the places of its fields. */
export interface ManifestDocument {
  readonly source: Source;
  readonly value: unknown;
  /** The span of the value at a path, or of the nearest thing around it. */
  readonly spanOf: (path: readonly PropertyKey[]) => Span;
  /** The span of a key itself. */
  readonly keySpanOf: (path: readonly PropertyKey[]) => Span;
}

/** Objects that come as data, such as those of the Kubernetes API, and where they come from. */
export interface ManifestObjects {
  readonly name: string;
  readonly objects: readonly unknown[];
}

/** What manifests are read from. */
export type ManifestSource = Source | ManifestObjects;

/** The documents of a source. */
export interface Documents {
  readonly documents: readonly ManifestDocument[];
  readonly problems: readonly Diagnostic[];
}

/** The place of a path of a document. It is looked up when it is first asked for, because most are never shown. */
export const originOf = (document: ManifestDocument, path: readonly PropertyKey[]): Origin => {
  let span: Span | undefined;
  return {
    source: document.source,
    get span() {
      return (span ??= document.spanOf(path));
    },
  };
};
