import type { ObjectRef } from '@pothos/core';
import type { ReportPage } from '../database/report.ts';
import type { ListName } from '../domain/lists/fields.ts';
import type { Where } from '../domain/lists/where.ts';
import { costs } from '../cost/declare.ts';
import {
  boundsOf,
  Edge,
  readingOrder,
  toConnection,
  type Connection,
  type KeysetPage,
} from '../domain/paging.ts';
import { builder } from './builder.ts';

type BuilderTypes = (typeof builder)['$inferSchemaTypes'];

/** What a list of a report's rows resolves to: one page, and what there is to know of the whole. */
export interface ReportConnection<Row> extends Connection<Row> {
  totalCount: () => Promise<number>;
}

/** The connection type of a report. */
export function reportConnectionType<Row>(
  name: string,
  rows: string,
  type: ObjectRef<BuilderTypes, Row>,
) {
  return builder.connectionObject(
    {
      name: `${name}Connection`,
      description: `A page of a list of ${rows}.`,
      type,
      fields: (t) => ({
        totalCount: t.int({
          description: 'How many there are in the whole list, not only on this page.',
          ...costs({ share: 1 }),
          resolve: (connection) => (connection as unknown as ReportConnection<Row>).totalCount(),
        }),
      }),
    },
    { name: `${name}Edge`, description: `One of a list of ${rows}, with its cursor.` },
  ) as unknown as ObjectRef<BuilderTypes, ReportConnection<Row>>;
}

/** The part of a report that makes one page of it. */
export function reportPage(page: KeysetPage, having: Where | undefined): ReportPage {
  return { having, order: readingOrder(page), bounds: boundsOf(page), take: page.size + 1 };
}

/** Makes a connection of the rows that were read for a page. */
export function toReportConnection<Raw extends object, Row>(
  list: ListName,
  page: KeysetPage,
  rows: readonly Raw[],
  toRow: (raw: Raw) => Row,
  totalCount: () => Promise<number>,
): ReportConnection<Row> {
  const { edges, pageInfo } = toConnection(list, page, rows);
  return {
    pageInfo,
    edges: edges.map((edge) => new Edge(toRow(edge.node), () => edge.cursor)),
    totalCount,
  };
}
