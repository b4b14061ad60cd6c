import type { Noun } from '../domain/nouns.ts';
import type { Range, WorkRange } from './ranges.ts';
import type { ScopeKind } from './scope.ts';

/** A part of a text: what stands there always, a column of the row or of one that it belongs to, or what is configured. */
export type TextPart =
  string | { readonly column: string; readonly of?: string } | { readonly config: 'rosettaDomain' };

/**
 * Where the value of a field comes from, for those who build statements of whole operations. It stands with the field where
 * its name and type do not say it.
 */
export type Source =
  /** A text put together. */
  | { readonly from: 'parts'; readonly parts: readonly TextPart[] }
  /** A row, by the arguments that name its columns; where it must be there, its absence is an error that says why. */
  | {
      readonly from: 'key';
      readonly noun: Noun;
      readonly key: Readonly<Record<string, string>>;
      readonly mustExist?: true;
    }
  /** A list of all rows, or of those that hang on the row the field is of. */
  | { readonly from: 'list'; readonly noun: Noun; readonly range?: Range }
  /** A list, or a numbered page, of the rows that hang on some annotation requests. */
  | {
      readonly from: 'requests' | 'page';
      readonly noun: 'Task' | 'AnnotationHistory';
      readonly range: Range;
    }
  /** What the tasks that hang on the row come to. */
  | { readonly from: 'progress' | 'delivery'; readonly range: WorkRange }
  /** Groups of the records of the row, or of all. */
  | { readonly from: 'workload'; readonly scope: ScopeKind | undefined };

/** The name under which a field's source stands among its extensions. */
const SOURCE = 'source';

/** The extensions of a field that comes from a source. */
export function comesFrom(source: Source): { readonly [SOURCE]: Source } {
  return { [SOURCE]: source };
}

/** The source that a field's extensions name. */
export function sourceOf(extensions: Readonly<Record<string, unknown>>): Source | undefined {
  return extensions[SOURCE] as Source | undefined;
}
