import type { Noun } from '../nouns.ts';
import { LISTS } from './fields.ts';

/** The fields of a noun that a list can be summed up by, by their names in the model of schema.prisma. */
export interface Measures {
  /** Counts: they have a sum, an average, a least and a greatest. */
  readonly numbers: readonly string[];
  /** Instants: they have an earliest and a latest. */
  readonly instants: readonly string[];
}

/** The numbers that stand for names; a sum of them means nothing. */
const CODES: ReadonlySet<string> = new Set(['statusCode', 'actionCode', 'typeCode']);

function measuresOf(noun: Noun): Measures {
  const fields = Object.entries(LISTS[noun].fields);
  const columns = (kind: string) =>
    fields
      .filter(([name, field]) => field.kind === kind && !CODES.has(name))
      .map(([, field]) => field.column);
  return { numbers: columns('int'), instants: columns('instant') };
}

export const MEASURES: Readonly<Record<Noun, Measures>> = {
  Campaign: measuresOf('Campaign'),
  AnnotationRequest: measuresOf('AnnotationRequest'),
  Pool: measuresOf('Pool'),
  Task: measuresOf('Task'),
  AnnotationHistory: measuresOf('AnnotationHistory'),
};

/** What was found out about the rows of a list. */
export interface Aggregate {
  count: number;
  sum: Readonly<Record<string, bigint>>;
  min: Readonly<Record<string, number | Date | null>>;
  max: Readonly<Record<string, number | Date | null>>;
}

/** The average of each number; null where there is no row. */
export function averages({ count, sum }: Aggregate): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(sum).map(([name, total]) => [name, count === 0 ? null : Number(total) / count]),
  );
}
