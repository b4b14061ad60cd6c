import {
  groupColumns,
  measureSql,
  readGroup,
  readMeasures,
  summingClient,
  type AggregateRow,
  type Grouping,
  type GroupRow,
  type MeasuredFields,
  type RawRow,
} from './aggregates.ts';
import { Prisma, type PrismaClient } from './generated/client/client.ts';
import type { RangeKey } from './ranges.ts';
import { tellingNoWork } from './small-groups.ts';
import { TABLES } from './where.ts';

/**
 * The rows behind numbers. A number is known by its cell: the key of its scope, where each scope has one; else the text of
 * a JSON array, which PostgreSQL makes of whatever tells the number from others, and which nobody else needs to read.
 */
export interface Evidence<Values> {
  readonly model: 'Task' | 'AnnotationHistory';
  /** A statement that gives the `id` of each row behind some numbers, and the `cell` of its number; those of others too. */
  readonly rows: (cells: readonly Cell<Values>[]) => Prisma.Sql;
}

/** A number whose rows are asked for: its cell, and the values that it is made of. */
export interface Cell<Values> {
  readonly cell: string;
  readonly values: Values;
}

/** Which of a cell's rows a page has, by id. */
export interface EvidencePage {
  after?: bigint | undefined;
  before?: bigint | undefined;
  backward: boolean;
  take: number;
}

/** The text of a cell, made of SQL expressions. */
export function cellSql(values: readonly Prisma.Sql[]): Prisma.Sql {
  return values.length === 0
    ? Prisma.sql`'[]'`
    : Prisma.sql`jsonb_build_array(${Prisma.join([...values])})::text`;
}

/** A number about a scope. */
export interface OfScope {
  readonly parent: RangeKey;
}

/** The number that a scope has one of, and the column of its cell. */
export function scopeCell(parent: RangeKey): Cell<OfScope> {
  return { cell: String(parent), values: { parent } };
}
export const SCOPE_CELL = Prisma.sql`parent::text AS cell`;

/** The rows behind numbers about scopes, by a statement that finds those of some scopes. */
export function evidenceOfScopes(
  model: Evidence<OfScope>['model'],
  rows: (parents: readonly RangeKey[]) => Prisma.Sql,
): Evidence<OfScope> {
  return { model, rows: (cells) => rows([...new Set(cells.map(({ values }) => values.parent))]) };
}

function evidenceSql<Values>({ rows }: Evidence<Values>, cells: readonly Cell<Values>[]) {
  const names = cells.map(({ cell }) => cell);
  return Prisma.sql`(SELECT cell, id FROM (${rows(cells)}) AS found WHERE cell = ANY (${names}::text[]))`;
}

/** The ids of one page of each cell's rows, in one statement. */
export async function pageOfEvidence<Values>(
  prisma: PrismaClient,
  evidence: Evidence<Values>,
  cells: readonly Cell<Values>[],
  { after, before, backward, take }: EvidencePage,
): Promise<Map<string, bigint[]>> {
  const order = backward ? Prisma.sql`ORDER BY id DESC` : Prisma.sql`ORDER BY id`;
  const rows = await tellingNoWork(prisma).$queryRaw<{ cell: string; id: bigint }[]>`
    SELECT cell, id FROM (
      SELECT cell, id, row_number() OVER (PARTITION BY cell ${order}) AS place
      FROM ${evidenceSql(evidence, cells)} AS evidence
      WHERE true ${after === undefined ? Prisma.empty : Prisma.sql`AND id > ${after}`}
        ${before === undefined ? Prisma.empty : Prisma.sql`AND id < ${before}`}) AS numbered
    WHERE place <= ${BigInt(take)} ${order}`;
  const pages = new Map<string, bigint[]>(cells.map(({ cell }) => [cell, []]));
  for (const { cell, id } of rows) pages.get(cell)!.push(id);
  return pages;
}

/** What the rows of each cell come to, in one statement; a cell without rows is left out. */
export async function aggregateEvidence<Values>(
  prisma: PrismaClient,
  evidence: Evidence<Values>,
  cells: readonly Cell<Values>[],
  fields: MeasuredFields,
): Promise<Map<string, AggregateRow>> {
  const { table } = TABLES[evidence.model];
  const client = summingClient(prisma, evidence.model);
  const rows = await client.$queryRaw<RawRow[]>`
    SELECT cell, ${measureSql(client, evidence.model, fields)}
    FROM ${evidenceSql(evidence, cells)} AS evidence JOIN ${Prisma.raw(table)} AS t0 USING (id)
    GROUP BY cell`;
  return new Map(rows.map((raw) => [raw.cell as string, readMeasures(raw, fields)]));
}

/** How many rows each cell has, in one statement: the lengths of lists that can be read row by row. */
export async function countEvidence<Values>(
  prisma: PrismaClient,
  evidence: Evidence<Values>,
  cells: readonly Cell<Values>[],
): Promise<Map<string, number>> {
  const rows = await tellingNoWork(prisma).$queryRaw<{ cell: string; count: bigint }[]>`
    SELECT cell, count(*) AS count FROM ${evidenceSql(evidence, cells)} AS evidence GROUP BY cell`;
  return new Map(rows.map(({ cell, count }) => [cell, Number(count)]));
}

/** The rows of each cell in groups, in one statement; a limit is one for each cell. */
export async function groupEvidence<Values>(
  prisma: PrismaClient,
  evidence: Evidence<Values>,
  cells: readonly Cell<Values>[],
  fields: MeasuredFields,
  grouping: Grouping & { limit: number },
): Promise<Map<string, GroupRow[]>> {
  const { table } = TABLES[evidence.model];
  const { values, joins, names } = groupColumns(evidence.model, grouping);
  const client = summingClient(prisma, evidence.model);
  const rows = await client.$queryRaw<RawRow[]>`
    SELECT * FROM (
      SELECT *, row_number() OVER (PARTITION BY cell ORDER BY ${names}) AS place FROM (
        SELECT cell, ${values}, ${measureSql(client, evidence.model, fields)}
        FROM ${evidenceSql(evidence, cells)} AS evidence JOIN ${Prisma.raw(table)} AS t0 USING (id) ${joins}
        GROUP BY cell, ${names}) AS grouped) AS numbered
    WHERE place <= ${BigInt(grouping.limit)} ORDER BY place`;
  const groups = new Map<string, GroupRow[]>(cells.map(({ cell }) => [cell, []]));
  for (const raw of rows) groups.get(raw.cell as string)!.push(readGroup(raw, fields, grouping));
  return groups;
}
