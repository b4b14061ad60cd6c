import { Prisma } from '../database/generated/client/client.ts';
import type { Snapshot } from '../database/snapshot.ts';
import { columnOf, TABLES, whereSql, type Model } from '../database/where.ts';
import { NOUN_OF_TYPE } from '../domain/changes.ts';
import { hasTextId, type EntityType } from '../domain/entities.ts';
import type { Where } from '../domain/lists/where.ts';
import { FIELDS } from '../import/tables.ts';

/** A column of an export, and the SQL that gives its value. */
export interface Column {
  readonly name: string;
  readonly sql: string;
}

/** Rows of one type, as a statement gives them. */
export interface Section {
  /** What the rows are called in the export. */
  readonly type: string;
  readonly columns: readonly Column[];
  /** The table or statement that has the rows, under the name `t0`. */
  readonly from: Prisma.Sql;
  /** The condition on them. */
  readonly where: Prisma.Sql;
  /** An ORDER BY clause. */
  readonly order: Prisma.Sql;
  /** What must hold of a row for anything of it to be told, and what is said where it does not; absent: all are told. */
  readonly told?: { readonly condition: Prisma.Sql; readonly refusal: () => Error };
}

/** The text of a row, null where it may not be told. */
export function toldText({ told }: Section, text: Prisma.Sql): Prisma.Sql {
  return told ? Prisma.sql`CASE WHEN ${told.condition} THEN ${text} END` : text;
}

/** Which rows of a type an export has. */
export interface RowsWanted {
  readonly model: Model;
  readonly where: Where | undefined;
}

/** The campaigns that a condition is about have their rows exported with them. */
function inCampaigns(type: EntityType, where: Where): Prisma.Sql {
  const column = Prisma.raw(type === 'campaign' ? 't0.id' : 't0.campaign_id');
  return Prisma.sql`${column} IN (
    SELECT t0.id FROM campaign AS t0 WHERE ${whereSql('Campaign', 't0', where)})`;
}

/**
 * All rows of a type by id, as the import format writes them.
 * @param wanted a condition on them, or on the campaigns they belong to.
 * @param after the id of the row that they come after.
 */
export function sectionOf(
  type: EntityType,
  { model, where }: RowsWanted,
  after: string | undefined,
): Section {
  const noun = NOUN_OF_TYPE[type];
  const condition = !where
    ? Prisma.sql`true`
    : model === noun
      ? whereSql(noun, 't0', where)
      : inCampaigns(type, where);
  const id = hasTextId(type) ? after : after && BigInt(after);
  return {
    type,
    columns: FIELDS[type].map(({ name, kind }) => ({
      name,
      sql: kind.write(`t0.${columnOf(name)}`),
    })),
    from: Prisma.raw(`${TABLES[noun].table} AS t0`),
    where: id === undefined ? condition : Prisma.sql`${condition} AND t0.id > ${id}`,
    order: Prisma.sql`ORDER BY t0.id`,
  };
}

/** How many rows there are. */
export async function countRows(snapshot: Snapshot, sections: readonly Section[]): Promise<number> {
  let count = 0;
  for (const { from, where } of sections) {
    const [row] = await snapshot.rows(
      Prisma.sql`SELECT count(*)::text FROM ${from} WHERE ${where}`,
    );
    count += Number(row![0]);
  }
  return count;
}
