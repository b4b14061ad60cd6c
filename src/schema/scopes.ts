import type { ScopeKind } from '../database/scope.ts';

/** Whose history a measure is about, as its description says it. */
export const SCOPE_WORDS: Readonly<Record<ScopeKind, string>> = {
  Campaign: 'of the tasks of this campaign',
  AnnotationRequest: 'of the tasks of this request',
  Pool: 'of the tasks that have ever been in this pool, with what they did in other pools',
};

export const SURVIVES =
  'Null with an error where that could not be found out; the rest of the answer stands.';
