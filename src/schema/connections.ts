import type { ObjectRef } from '@pothos/core';
import { queryFromInfo } from '@pothos/plugin-prisma';
import { costs } from '../cost/declare.ts';
import type { Noun } from '../domain/nouns.ts';
import { MAX_GROUPS, readGroupKeys } from '../domain/lists/group-keys.ts';
import type { Aggregate } from '../domain/lists/measures.ts';
import type { Connection } from '../domain/paging.ts';
import type { Group } from '../loaders/measures.ts';
import { aggregateType } from './aggregates.ts';
import { builder } from './builder.ts';
import { ROWS_OF_PAGE } from './costs.ts';
import { groupTypes } from './groups.ts';

type BuilderTypes = (typeof builder)['$inferSchemaTypes'];

/** A row as far as a list knows it; what else it has depends on the operation. */
interface Row {
  id: string | bigint;
}

/** What can be found out about a whole list; each is read only if the operation asks for it. */
export interface WholeList {
  totalCount: () => Promise<number>;
  aggregate: () => Promise<Aggregate>;
  groupBy: (keys: readonly string[]) => Promise<Group[]>;
}

/** What a list resolves to: one page, and what there is to know of the whole. */
export interface MeasuredConnection extends Connection<Row>, WholeList {}

/** What a numbered page resolves to; each part is read only if the operation asks for it. */
interface NumberedPageParts {
  nodes: (selection: object) => Promise<Row[]>;
  totalCount: () => Promise<number>;
  unknownAnnotationRequestIds: () => Promise<string[]>;
}

/** The connection type of a noun, shared by every list of it. */
export function connectionType(noun: Noun, nodes: ObjectRef<BuilderTypes, unknown>) {
  const aggregate = aggregateType(noun);
  const { key, group } = groupTypes(noun, nodes, aggregate);
  return builder.connectionObject(
    {
      name: `${noun}Connection`,
      description: `A page of a list of ${noun}.`,
      type: nodes,
      fields: (t) => ({
        totalCount: t.int({
          description: 'How many rows the whole list has, not only this page.',
          ...costs({ share: 1 }),
          resolve: (connection) => (connection as unknown as WholeList).totalCount(),
        }),
        aggregate: t.field({
          description:
            'What the rows of the whole list come to, not only those of this page. Null with an error where that could not be found out; the rest of the answer stands.',
          type: aggregate,
          nullable: true,
          ...costs({ share: 3 }),
          resolve: (connection) => (connection as unknown as WholeList).aggregate(),
        }),
        groupBy: t.field({
          description: `The rows of the whole list in groups, ordered by the keys: codes by their numbers, rows by their own ids, rows without a value last. Null with an error where there are more than ${MAX_GROUPS} groups, or they could not be found out; the rest of the answer stands.`,
          type: [group],
          nullable: true,
          ...costs({ share: 3, items: MAX_GROUPS }),
          args: {
            keys: t.arg({
              type: [key],
              required: true,
              description:
                'What the rows of a group have in common, at least one; the first orders first.',
            }),
          },
          resolve: (connection, { keys }) =>
            (connection as unknown as WholeList).groupBy(readGroupKeys(keys)),
        }),
      }),
    },
    { name: `${noun}Edge`, description: `A row of a list of ${noun}, with its cursor.` },
  ) as unknown as ObjectRef<BuilderTypes, MeasuredConnection>;
}

/** The type of a numbered page of a noun's rows. */
export function numberedPageType(noun: Noun, nodes: ObjectRef<BuilderTypes, unknown>) {
  return builder.objectRef<NumberedPageParts>(`${noun}Page`).implement({
    description: `A numbered page of ${noun} rows, by id ascending.`,
    fields: (t) => ({
      nodes: t.field({
        description: 'The rows of this page; none past the end.',
        type: [nodes],
        ...ROWS_OF_PAGE,
        resolve: (page, _args, context, info) => page.nodes(queryFromInfo({ context, info })),
      }),
      totalCount: t.int({
        description: 'How many rows there are on all pages.',
        ...costs({ share: 1 }),
        resolve: (page) => page.totalCount(),
      }),
      unknownAnnotationRequestIds: t.stringList({
        description:
          'Those of the ids asked for that no annotation request has, which contribute nothing; in the order they were given.',
        ...costs({ price: 10 }),
        resolve: (page) => page.unknownAnnotationRequestIds(),
      }),
    }),
  });
}
