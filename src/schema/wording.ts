import type { ScopeKind } from '../database/scope.ts';
import { MAX_ROWS } from '../domain/time.ts';

const STANDS = 'the rest of the answer stands.';

/** What the description of every field says that may fail without taking the rest of an answer with it. */
export const SURVIVES = `Null with an error where that could not be found out; ${STANDS}`;

/** The same of a field that lists so many rows at most. */
export const survivesUpToMaxRows = (rows: string) =>
  `Null with an error where there are more than ${MAX_ROWS} ${rows}, or they could not be found out; ${STANDS}`;

/** Whose history a measure is about, as its description says it. */
export const SCOPE_WORDS: Readonly<Record<ScopeKind, string>> = {
  Campaign: 'of the tasks of this campaign',
  AnnotationRequest: 'of the tasks of this request',
  Pool: 'of the tasks that have ever been in this pool, with what they did in other pools',
};
