import { Prisma, type PrismaClient } from './generated/client/client.ts';
import { RANGES, type Range, type RangeKey } from './ranges.ts';
import { operatorsColumn, operatorsSql, tellingNoWork, type Judged } from './small-groups.ts';
import { columnOf, TABLES, whereSql, type Model } from './where.ts';

/**
 * Sums, averages and groups, over a list or over the lists of many parents at once. Prisma could group too, but not by
 * another row's column, and it refuses a sum above 2^53.
 */

/** Which rows a statement is about, by a condition in Prisma's language. */
export interface Rows {
  model: Model;
  where: object | undefined;
}

/** The fields whose sum is wanted, and those whose least and greatest value is. */
export interface MeasuredFields {
  summed: readonly string[];
  compared: readonly string[];
}

/** A field to group by; of the row that a relation leads to, where it is not the rows' own. */
export interface GroupField {
  column: string;
  through?: string;
}

export interface AggregateRow extends Judged {
  count: number;
  sum: Record<string, bigint>;
  min: Record<string, number | Date | null>;
  max: Record<string, number | Date | null>;
}

export type GroupValue = string | number | bigint | null;

/** A group: the value of each of its fields, in their order, and what was found out about its rows. */
export interface GroupRow extends AggregateRow {
  values: GroupValue[];
}

/** A row as a statement gives it. */
export type RawRow = Record<string, unknown>;

/**
 * The client that tells what rows come to. Records come to somebody's work: they are added up by statements that count
 * operators; tasks are what they are, whoever has worked on them.
 */
export function summingClient(prisma: PrismaClient, model: Model): PrismaClient {
  return model === 'AnnotationHistory' ? prisma : tellingNoWork(prisma);
}

/** How many people are behind the measures of records: a sum is the work of those who added to it. */
function measuredOperators(
  prisma: PrismaClient,
  model: Model,
  { summed }: MeasuredFields,
): Prisma.Sql {
  if (model !== 'AnnotationHistory') return Prisma.empty;
  const adding = summed.map((name) => Prisma.raw(`t0.${columnOf(name)} <> 0`));
  return operatorsColumn(prisma, () => operatorsSql([Prisma.sql`true`, ...adding]));
}

/** The columns that measure rows of the table `t0`. */
export function measureSql(prisma: PrismaClient, model: Model, fields: MeasuredFields): Prisma.Sql {
  const { summed, compared } = fields;
  const parts = ['count(*) AS count'];
  for (const name of summed) {
    parts.push(`coalesce(sum(t0.${columnOf(name)}), 0)::bigint AS "sum:${name}"`);
  }
  for (const name of compared) {
    parts.push(`min(t0.${columnOf(name)}) AS "min:${name}"`);
    parts.push(`max(t0.${columnOf(name)}) AS "max:${name}"`);
  }
  return Prisma.sql`${Prisma.raw(parts.join(', '))}${measuredOperators(prisma, model, fields)}`;
}

/** Reads those columns. */
export function readMeasures(raw: RawRow, { summed, compared }: MeasuredFields): AggregateRow {
  const pick = <T>(kind: string, names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, raw[`${kind}:${name}`] as T]));
  return {
    count: Number(raw.count),
    sum: pick<bigint>('sum', summed),
    min: pick('min', compared),
    max: pick('max', compared),
    refused: raw.refused as Judged['refused'],
  };
}

function conditionSql({ model, where }: Rows, parent?: Range): Prisma.Sql {
  const condition = whereSql(model, 't0', where ?? {});
  if (!parent) return condition;
  return Prisma.sql`t0.${Prisma.raw(RANGES[parent].column)} = parent.key AND ${condition}`;
}

/** One statement for all parents: each reads its own range of the index, as the counts do. */
function forEachParent(range: Range, parents: readonly RangeKey[], select: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`SELECT parent.key AS parent, found.*
    FROM unnest(${parents}::${Prisma.raw(RANGES[range].keyType)}[]) AS parent (key)
    CROSS JOIN LATERAL (${select}) AS found`;
}

function aggregateSql(
  prisma: PrismaClient,
  rows: Rows,
  fields: MeasuredFields,
  parent?: Range,
): Prisma.Sql {
  return Prisma.sql`SELECT ${measureSql(prisma, rows.model, fields)} FROM ${Prisma.raw(TABLES[rows.model].table)} AS t0
    WHERE ${conditionSql(rows, parent)}`;
}

/** Aggregates the rows of a list. */
export async function aggregateRows(
  prisma: PrismaClient,
  rows: Rows,
  fields: MeasuredFields,
): Promise<AggregateRow> {
  const client = summingClient(prisma, rows.model);
  const [raw] = await client.$queryRaw<RawRow[]>(aggregateSql(client, rows, fields));
  return readMeasures(raw!, fields);
}

/** Aggregates the rows of each parent, in one statement; a parent without rows has an answer too. */
export async function aggregateRanges(
  prisma: PrismaClient,
  range: Range,
  parents: readonly RangeKey[],
  rows: Rows,
  fields: MeasuredFields,
): Promise<Map<RangeKey, AggregateRow>> {
  const client = summingClient(prisma, rows.model);
  const found = await client.$queryRaw<RawRow[]>(
    forEachParent(range, parents, aggregateSql(client, rows, fields, range)),
  );
  return new Map(found.map((raw) => [raw.parent as RangeKey, readMeasures(raw, fields)]));
}

/**
 * Counts the rows of each key that fulfil a condition, in one statement that reads the named keys' ranges only. That is the
 * length of a list which can be read row by row, and nobody's work.
 */
export async function countRanges(
  prisma: PrismaClient,
  range: Range,
  keys: readonly RangeKey[],
  where: object | undefined,
): Promise<Map<RangeKey, number>> {
  const rows = { model: RANGES[range].model, where };
  const client = tellingNoWork(prisma);
  const found = await aggregateRanges(client, range, keys, rows, { summed: [], compared: [] });
  return new Map([...found].map(([key, { count }]) => [key, count]));
}

/** What to group by, and how many groups to read at most. */
export interface Grouping {
  by: readonly GroupField[];
  limit?: number;
}

/** The names of a grouping's columns in the answer, which are also its order: by the first field first, null last. */
function valueNames({ by }: Grouping): string[] {
  return by.map((_field, index) => `value_${index}`);
}

/** The columns that rows of the table `t0` are grouped by, their names, and the joins they take. */
export function groupColumns(model: Model, grouping: Grouping) {
  const { relations } = TABLES[model];
  const joins: string[] = [];
  const values = grouping.by.map(({ column, through }, index) => {
    if (through === undefined) return `t0.${columnOf(column)} AS value_${index}`;
    const { model: joined, own, other } = relations[through]!;
    joins.push(`JOIN ${TABLES[joined].table} AS j${index} ON j${index}.${other} = t0.${own}`);
    return `j${index}.${columnOf(column)} AS value_${index}`;
  });
  return {
    values: Prisma.raw(values.join(', ')),
    names: Prisma.raw(valueNames(grouping).join(', ')),
    joins: Prisma.raw(joins.join(' ')),
  };
}

function groupSql(
  prisma: PrismaClient,
  rows: Rows,
  fields: MeasuredFields,
  grouping: Grouping,
  parent?: Range,
) {
  const { values, names, joins } = groupColumns(rows.model, grouping);
  const limit =
    grouping.limit === undefined ? Prisma.empty : Prisma.sql`LIMIT ${BigInt(grouping.limit)}`;
  return Prisma.sql`SELECT ${values}, ${measureSql(prisma, rows.model, fields)}
    FROM ${Prisma.raw(TABLES[rows.model].table)} AS t0 ${joins}
    WHERE ${conditionSql(rows, parent)}
    GROUP BY ${names} ORDER BY ${names} ${limit}`;
}

/** Reads the columns of a grouping and its measures. */
export function readGroup(raw: RawRow, fields: MeasuredFields, grouping: Grouping): GroupRow {
  const values = valueNames(grouping).map((name) => raw[name] as GroupValue);
  return { values, ...readMeasures(raw, fields) };
}

/** Groups the rows of a list. */
export async function groupRows(
  prisma: PrismaClient,
  rows: Rows,
  fields: MeasuredFields,
  grouping: Grouping,
): Promise<GroupRow[]> {
  const client = summingClient(prisma, rows.model);
  const found = await client.$queryRaw<RawRow[]>(groupSql(client, rows, fields, grouping));
  return found.map((raw) => readGroup(raw, fields, grouping));
}

/** Groups the rows of each parent, in one statement; a limit is one for each parent. */
export async function groupRanges(
  prisma: PrismaClient,
  range: Range,
  parents: readonly RangeKey[],
  rows: Rows,
  fields: MeasuredFields,
  grouping: Grouping,
): Promise<Map<RangeKey, GroupRow[]>> {
  const client = summingClient(prisma, rows.model);
  const found = await client.$queryRaw<RawRow[]>(
    // The join promises no order: it is said again.
    Prisma.sql`${forEachParent(range, parents, groupSql(client, rows, fields, grouping, range))}
      ORDER BY ${Prisma.raw(valueNames(grouping).join(', '))}`,
  );
  const groups = new Map<RangeKey, GroupRow[]>(parents.map((parent) => [parent, []]));
  for (const raw of found) {
    groups.get(raw.parent as RangeKey)!.push(readGroup(raw, fields, grouping));
  }
  return groups;
}
