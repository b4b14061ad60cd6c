import type { ObjectRef } from '@pothos/core';
import { queryFromInfo } from '@pothos/plugin-prisma';
import type { Noun } from '../domain/nouns.ts';
import type { Connection } from '../domain/paging.ts';
import { builder } from './builder.ts';

type BuilderTypes = (typeof builder)['$inferSchemaTypes'];

/** A row as far as a list knows it; what else it has depends on the operation. */
interface Row {
  id: string | bigint;
}

/** What a list resolves to: one page, and a way to count the whole list, used only if the operation asks for it. */
interface CountedConnection extends Connection<Row> {
  totalCount: () => Promise<number>;
}

/** What a numbered page resolves to; each part is read only if the operation asks for it. */
interface NumberedPageParts {
  nodes: (selection: object) => Promise<Row[]>;
  totalCount: () => Promise<number>;
  unknownAnnotationRequestIds: () => Promise<string[]>;
}

/** The connection type of a noun, shared by every list of it. */
export function connectionType(noun: Noun, nodes: ObjectRef<BuilderTypes, unknown>) {
  return builder.connectionObject(
    {
      name: `${noun}Connection`,
      description: `A page of a list of ${noun}.`,
      type: nodes,
      fields: (t) => ({
        totalCount: t.int({
          description: 'How many rows the whole list has, not only this page.',
          resolve: (connection) => (connection as unknown as CountedConnection).totalCount(),
        }),
      }),
    },
    { name: `${noun}Edge`, description: `A row of a list of ${noun}, with its cursor.` },
  ) as unknown as ObjectRef<BuilderTypes, CountedConnection>;
}

/** The type of a numbered page of a noun's rows. */
export function numberedPageType(noun: Noun, nodes: ObjectRef<BuilderTypes, unknown>) {
  return builder.objectRef<NumberedPageParts>(`${noun}Page`).implement({
    description: `A numbered page of ${noun} rows, by id ascending.`,
    fields: (t) => ({
      nodes: t.field({
        description: 'The rows of this page; none past the end.',
        type: [nodes],
        resolve: (page, _args, context, info) => page.nodes(queryFromInfo({ context, info })),
      }),
      totalCount: t.int({
        description: 'How many rows there are on all pages.',
        resolve: (page) => page.totalCount(),
      }),
      unknownAnnotationRequestIds: t.stringList({
        description:
          'Those of the ids asked for that no annotation request has, which contribute nothing; in the order they were given.',
        resolve: (page) => page.unknownAnnotationRequestIds(),
      }),
    }),
  });
}
