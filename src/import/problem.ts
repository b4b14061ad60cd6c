import type { EntityType } from '../domain/entities.ts';

/** Why a line was rejected, or (the last one) what is odd about one that was taken. */
export type ProblemCode =
  /** Not UTF-8, longer than a line may be, no JSON, or a key twice. */
  | 'SYNTAX'
  /** `type` is missing or none of the five. */
  | 'UNKNOWN_TYPE'
  | 'UNKNOWN_FIELD'
  /** A field is missing or its value is outside what the field allows. */
  | 'INVALID'
  /** Something the line refers to neither exists nor stands on an earlier line. */
  | 'NOT_FOUND'
  /** A unique value belongs to another row, or a pool to another campaign. */
  | 'CONFLICT'
  /** The line would change what ties rows together, or a record of the history. */
  | 'IMMUTABLE'
  /** What an export says of its rows is not so: it was cut, say. */
  | 'INCOMPLETE'
  /** A warning: the counts of `instanceInfo` do not add up to `instanceNum`. */
  | 'SUM';

/** What is wrong with one line of the source. */
export interface LineProblem {
  /** Counted from 1, blank lines included. */
  line: number;
  /** Null where the line does not say, or says something unknown. */
  type: EntityType | null;
  code: ProblemCode;
  /** The field, as `instanceInfo.key` inside `instanceInfo`, cut where it is long; null where the whole line is meant. */
  path: string | null;
  /** A sentence that names what is wrong. */
  message: string;
}

/** Thrown while a line is read or decided; whoever knows the line makes a `LineProblem` of it. */
export class Rejection extends Error {
  override name = 'Rejection';

  constructor(
    readonly code: ProblemCode,
    readonly path: string | null,
    message: string,
  ) {
    super(message);
  }

  at(line: number, type: EntityType | null): LineProblem {
    return { line, type, code: this.code, path: this.path, message: this.message };
  }
}

const SHOWN_CHARACTERS = 255;

/** A piece of the source as far as it is shown: a line is long, and a report holds many problems. */
export function cut(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

/** A piece of the source for a message: cut where it is long, and in the form JSON gives it. */
export function show(text: string): string {
  return JSON.stringify(cut(text));
}
