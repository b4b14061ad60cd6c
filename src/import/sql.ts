import type { Prisma } from '../database/generated/client/client.ts';
import { columnOf } from '../database/where.ts';
import { writeBesideOthers } from '../database/writing.ts';
import type { EntityType } from '../domain/entities.ts';
import { isLower, type Kind } from './kinds.ts';
import { tableOf, type Row } from './tables.ts';

/** A transaction that is open. */
export type Transaction = Pick<
  Prisma.TransactionClient,
  '$queryRaw' | '$queryRawUnsafe' | '$executeRawUnsafe'
>;

const quotedColumn = (field: string) => `"${columnOf(field)}"`;

function kindsOf(type: EntityType): Record<string, Kind> {
  const { fields, derived } = tableOf(type);
  return {
    ...Object.fromEntries(Object.entries(fields).map(([name, { kind }]) => [name, kind])),
    ...derived,
  };
}

/** The names of all columns, as fields. */
export function allFields(type: EntityType): string[] {
  return Object.keys(kindsOf(type));
}

/**
 * The rows of a parameter, which is one JSON array of objects: statements keep one text whatever the number of rows,
 * and nothing is escaped by hand.
 */
function given(type: EntityType, fields: readonly string[]): string {
  const kinds = kindsOf(type);
  const columns = fields.map((field) => `"${field}" ${kinds[field]!.sqlType}`);
  return `json_to_recordset($1::text::json) AS given(${columns.join(', ')})`;
}

/** Everybody writes and locks rows in this order, so that two importers seldom wait for each other in a circle. */
function inKeyOrder<T extends { readonly id: string }>(rows: readonly T[]): T[] {
  return rows.toSorted((a, b) => (isLower(a.id, b.id) ? -1 : 1));
}

/**
 * Reads the stored rows that have one of the keys.
 * @param by the fields that make up a key; a unique index must serve them.
 * @param wanted the fields to read, `id` among them.
 * @param lock whether the rows stay locked against other writers until the transaction ends.
 */
export async function selectRows(
  tx: Transaction,
  type: EntityType,
  by: readonly string[],
  keys: readonly Row[],
  wanted: readonly string[],
  lock: boolean,
): Promise<Row[]> {
  const kinds = kindsOf(type);
  const columns = wanted.map(
    (field) => `${kinds[field]!.select(`t.${quotedColumn(field)}`)} AS "${field}"`,
  );
  const match = by.map((field) => `t.${quotedColumn(field)} = given."${field}"`);
  // OFFSET 0 keeps the planner from anything but one look into the index for each key.
  const [result] = await tx.$queryRawUnsafe<[{ rows: string }]>(
    `SELECT coalesce(json_agg(r), '[]')::text AS rows FROM (
       SELECT ${columns.join(', ')} FROM ${given(type, by)} CROSS JOIN LATERAL (
         SELECT * FROM "${tableOf(type).table}" t WHERE ${match.join(' AND ')} OFFSET 0${lock ? ' FOR NO KEY UPDATE' : ''}
       ) t
     ) r`,
    JSON.stringify(lock ? inKeyOrder(keys) : keys),
  );
  return JSON.parse(result.rows) as Row[];
}

function insertStatement(type: EntityType): string {
  const fields = allFields(type);
  return `INSERT INTO "${tableOf(type).table}" (${fields.map(quotedColumn).join(', ')})
    SELECT ${fields.map((field) => `"${field}"`).join(', ')} FROM ${given(type, fields)}`;
}

/** Writes rows that are new. */
export async function insertRows(tx: Transaction, type: EntityType, rows: readonly Row[]) {
  await tx.$executeRawUnsafe(insertStatement(type), JSON.stringify(inKeyOrder(rows)));
}

/** Writes rows that are stored already, whole: a join could be planned badly, the conflict always takes the index. */
export async function updateRows(tx: Transaction, type: EntityType, rows: readonly Row[]) {
  const { fixed, fields } = tableOf(type);
  const changes = Object.keys(fields)
    .filter((field) => field !== 'id' && !fixed.includes(field))
    .map((field) => `${quotedColumn(field)} = excluded.${quotedColumn(field)}`);
  await tx.$executeRawUnsafe(
    `${insertStatement(type)} ON CONFLICT ("id") DO UPDATE SET ${changes.join(', ')}`,
    JSON.stringify(inKeyOrder(rows)),
  );
}

/**
 * Plans are made while tables are still empty and kept while they grow: without these settings the server could go on
 * reading whole tables, for its own checks of foreign keys too. They end with the transaction.
 */
export async function prepareTransaction(tx: Transaction): Promise<void> {
  await writeBesideOthers(tx);
  await tx.$queryRawUnsafe(
    `SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)`,
  );
}

/**
 * Tells the planner how the tables look now, rather than whenever autovacuum comes by. Leaves out a table that somebody
 * vacuums or analyzes, which may take longer than a statement may.
 */
export async function analyze(tx: Transaction, types: Iterable<EntityType>): Promise<void> {
  for (const type of types)
    await tx.$executeRawUnsafe(`ANALYZE (SKIP_LOCKED) "${tableOf(type).table}"`);
}
