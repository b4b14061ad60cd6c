import type { OrderKey } from '../domain/lists/order.ts';
import type { RawRow } from './aggregates.ts';
import { Prisma, type PrismaClient } from './generated/client/client.ts';
import type { RangeKey } from './ranges.ts';
import { columnOf, whereSql } from './where.ts';

/**
 * Reports: rows that a statement works out, listed like the rows of a table. Each belongs to a `parent`, null where the
 * report is about everything.
 */

/** Which of a report's rows are wanted. */
export interface ReportPage {
  /** A condition that the report's rows fulfil. */
  readonly having: object | undefined;
  readonly order: readonly OrderKey[];
  /** A condition that the page begins or ends at a position of the order. */
  readonly bounds: object | undefined;
  /** How many rows at most, of each parent. */
  readonly take: number;
  /** A column by which rows get a `rank` among those of their parent, the greatest first. */
  readonly rankBy?: string | undefined;
}

/** The order of a report's rows, which the statement calls `t0`. */
export function orderSql(order: readonly OrderKey[]): Prisma.Sql {
  if (order.length === 0) return Prisma.empty;
  const keys = order.map(
    ({ column, direction, nulls }) =>
      `t0.${columnOf(column)} ${direction} ${nulls ? `NULLS ${nulls}` : ''}`,
  );
  return Prisma.raw(`ORDER BY ${keys.join(', ')}`);
}

/** One page of each parent's rows, in one statement. */
export async function pageOfReport(
  prisma: PrismaClient,
  report: Prisma.Sql,
  { having, order, bounds, take, rankBy }: ReportPage,
): Promise<RawRow[]> {
  const rank = rankBy
    ? Prisma.sql`, rank() OVER (PARTITION BY parent ORDER BY ${Prisma.raw(columnOf(rankBy))} DESC NULLS LAST)`
    : Prisma.empty;
  return prisma.$queryRaw<RawRow[]>`
    SELECT * FROM (
      SELECT *, row_number() OVER (PARTITION BY parent ${orderSql(order)}) AS place FROM (
        SELECT * ${rank} FROM (${report}) AS t0 WHERE ${whereSql(undefined, 't0', having ?? {})}) AS t0
      WHERE ${whereSql(undefined, 't0', bounds ?? {})}) AS numbered
    WHERE place <= ${BigInt(take)} ORDER BY place`;
}

/** How many rows each parent has. */
export async function countReport(
  prisma: PrismaClient,
  report: Prisma.Sql,
  having: object | undefined,
): Promise<Map<RangeKey | null, number>> {
  const rows = await prisma.$queryRaw<{ parent: RangeKey | null; count: bigint }[]>`
    SELECT parent, count(*) AS count FROM (${report}) AS t0
    WHERE ${whereSql(undefined, 't0', having ?? {})} GROUP BY parent`;
  return new Map(rows.map(({ parent, count }) => [parent, Number(count)]));
}
