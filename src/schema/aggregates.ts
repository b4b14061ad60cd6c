import type { ObjectRef } from '@pothos/core';
import { averages, MEASURES, type Aggregate } from '../domain/lists/measures.ts';
import type { Noun } from '../domain/nouns.ts';
import { builder } from './builder.ts';

type BuilderTypes = (typeof builder)['$inferSchemaTypes'];

/** What a field of the model is called in prose. */
type Values<T> = Readonly<Record<string, T>>;

function sumsType(noun: Noun) {
  return builder.objectRef<Values<bigint>>(`${noun}Sums`).implement({
    description: `The sum of each number over rows of ${noun}; 0 where there is no row.`,
    fields: (t) =>
      Object.fromEntries(
        MEASURES[noun].numbers.map((name) => [
          name,
          t.field({
            type: 'BigInt',
            description: `The sum of \`${name}\`.`,
            resolve: (values) => values[name]!,
          }),
        ]),
      ),
  });
}

function averagesType(noun: Noun) {
  return builder.objectRef<Values<number | null>>(`${noun}Averages`).implement({
    description: `The average of each number over rows of ${noun}; null where there is no row.`,
    fields: (t) =>
      Object.fromEntries(
        MEASURES[noun].numbers.map((name) => [
          name,
          t.float({
            nullable: true,
            description: `The sum of \`${name}\` by the number of rows.`,
            resolve: (values) => values[name]!,
          }),
        ]),
      ),
  });
}

function extremesType(noun: Noun) {
  const { numbers, instants } = MEASURES[noun];
  return builder.objectRef<Values<number | Date | null>>(`${noun}Extremes`).implement({
    description: `The least or the greatest of each value over rows of ${noun}; null where there is no row.`,
    fields: (t) => ({
      ...Object.fromEntries(
        numbers.map((name) => [
          name,
          t.int({
            nullable: true,
            description: `The least or the greatest \`${name}\`.`,
            resolve: (values) => values[name] as number | null,
          }),
        ]),
      ),
      ...Object.fromEntries(
        instants.map((name) => [
          name,
          t.field({
            type: 'DateTime',
            nullable: true,
            description: `The earliest or the latest \`${name}\`.`,
            resolve: (values) => values[name] as Date | null,
          }),
        ]),
      ),
    }),
  });
}

/** The type of what the rows of a noun come to. */
export function aggregateType(noun: Noun): ObjectRef<BuilderTypes, Aggregate> {
  const { numbers, instants } = MEASURES[noun];
  const sums = numbers.length > 0 ? { sum: sumsType(noun), average: averagesType(noun) } : null;
  const extremes = numbers.length + instants.length > 0 ? extremesType(noun) : null;
  return builder.objectRef<Aggregate>(`${noun}Aggregate`).implement({
    description: `What rows of ${noun} come to.`,
    fields: (t) => ({
      count: t.int({ description: 'How many rows there are.', resolve: ({ count }) => count }),
      ...(sums && {
        sum: t.field({
          type: sums.sum,
          description: 'The sums over the rows; 0 where there is none.',
          resolve: ({ sum }) => sum,
        }),
        average: t.field({
          type: sums.average,
          description: 'The averages over the rows; null where there is none.',
          resolve: (aggregate) => averages(aggregate),
        }),
      }),
      ...(extremes && {
        min: t.field({
          type: extremes,
          description: 'The least values of the rows; null where there is none.',
          resolve: ({ min }) => min,
        }),
        max: t.field({
          type: extremes,
          description: 'The greatest values of the rows; null where there is none.',
          resolve: ({ max }) => max,
        }),
      }),
    }),
  });
}
