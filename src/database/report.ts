import type { OrderKey } from '../domain/lists/order.ts';
import type { RawRow } from './aggregates.ts';
import { Prisma, type PrismaClient } from './generated/client/client.ts';
import type { RangeKey } from './ranges.ts';
import { minGroupOf, type Judged } from './small-groups.ts';
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

/** The order of rows. @param alias what the statement calls their table. */
export function orderSql(order: readonly OrderKey[], alias = 't0'): Prisma.Sql {
  if (order.length === 0) return Prisma.empty;
  const keys = order.map(
    ({ column, direction, nulls }) =>
      `${alias}.${columnOf(column)} ${direction} ${nulls ? `NULLS ${nulls}` : ''}`,
  );
  return Prisma.raw(`ORDER BY ${keys.join(', ')}`);
}

/** The column of a report that says of how many people a row is, where that matters. */
export const ROW_OPERATORS = 'row_operators';

/**
 * A report whose rows say of how many people the smallest of all of them is: one that is too small takes the others with
 * it, since what it has could be worked out from theirs.
 */
export function judgedReport(report: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`SELECT *, min(${Prisma.raw(ROW_OPERATORS)}) OVER (PARTITION BY parent) AS operators
    FROM (${report}) AS report`;
}

/** A condition on rows of a judged report. It holds for those that may not be told: who asks must not learn by it what they have. */
export function unlessSmall(condition: Prisma.Sql, minGroup: number): Prisma.Sql {
  return Prisma.sql`(t0.operators < ${minGroup} OR ${condition})`;
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
  const minGroup = minGroupOf(prisma);
  const condition = (where: object | undefined) => {
    const sql = whereSql(undefined, 't0', where ?? {});
    return minGroup === undefined ? sql : unlessSmall(sql, minGroup);
  };
  return prisma.$queryRaw<RawRow[]>`
    SELECT * FROM (
      SELECT *, row_number() OVER (PARTITION BY parent ${orderSql(order)}) AS place FROM (
        SELECT * ${rank} FROM (${minGroup === undefined ? report : judgedReport(report)}) AS t0
        WHERE ${condition(having)}) AS t0
      WHERE ${condition(bounds)}) AS numbered
    WHERE place <= ${BigInt(take)} ORDER BY place`;
}

/** How many rows the report of a parent has, if that may be told. */
export interface ReportCount extends Judged {
  readonly count: number;
}

/** How many rows each parent has. */
export async function countReport(
  prisma: PrismaClient,
  report: Prisma.Sql,
  having: object | undefined,
): Promise<Map<RangeKey | null, ReportCount>> {
  const fulfilled = whereSql(undefined, 't0', having ?? {});
  // Whether any row is too small is told whatever the condition is.
  const counts =
    minGroupOf(prisma) === undefined
      ? Prisma.sql`SELECT parent, count(*) AS count FROM (${report}) AS t0 WHERE ${fulfilled}`
      : Prisma.sql`SELECT parent, count(*) FILTER (WHERE ${fulfilled}) AS count,
          min(${Prisma.raw(ROW_OPERATORS)}) AS operators FROM (${report}) AS t0`;
  const rows = await prisma.$queryRaw<
    ({ parent: RangeKey | null; count: bigint } & Judged)[]
  >`${counts} GROUP BY parent`;
  return new Map(
    rows.map(({ parent, count, refused }) => [parent, { count: Number(count), refused }]),
  );
}
