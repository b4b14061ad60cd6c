import { Prisma } from '../database/generated/client/client.ts';
import { idsOfRanges, RANGES, type Range } from '../database/ranges.ts';
import { orderSql } from '../database/report.ts';
import { asksForPeople } from '../database/scoped.ts';
import type { Source } from '../database/sources.ts';
import { TABLES, whereSql } from '../database/where.ts';
import type { ListName } from '../domain/lists/fields.ts';
import { readOrder } from '../domain/lists/order.ts';
import { allOf, filterWhere, type Where } from '../domain/lists/where.ts';
import type { Noun } from '../domain/nouns.ts';
import {
  boundsOf,
  readingOrder,
  readKeysetPage,
  readNumberedPage,
  type ConnectionArguments,
  type KeysetPage,
} from '../domain/paging.ts';
import { possibleIds, readRequestIds } from '../domain/request-ids.ts';
import { PEOPLE_FIELDS } from '../domain/viewer.ts';
import { Left } from './left.ts';

/** A list: of which rows, and where the id of the row is that they hang on, where they hang on one. */
export interface List {
  readonly noun: Noun;
  readonly range?: Range | undefined;
  readonly parent?: string | undefined;
}

/** What is asked of any list. */
export interface Paged {
  readonly page: KeysetPage;
  readonly where: Where | undefined;
  /** Whether it is about the work of people, whatever is asked of it. */
  readonly tellsWork?: boolean;
}

/** A list, as statements are built of it. */
export interface Listed<Asked extends Paged> {
  /** What its cursors are of. */
  readonly name: ListName;
  /** The rows of a page. @param take how many at most: a number that does not change, or a value. */
  rows(question: Asked, take: Prisma.Sql): Prisma.Sql;
  /** How many rows the whole list has. */
  count(question: Asked): Prisma.Sql;
}

/** What is asked of a list of rows. */
export interface Question extends Paged {
  /** Rows before the page, which are counted and not found by a position. */
  readonly skip: number;
  /** The annotation requests that the rows hang on, each once; undefined: they may hang on any. */
  readonly requestIds: readonly string[] | undefined;
}

type Arguments = Readonly<Record<string, unknown>>;

/** @throws GatewayError (BAD_USER_INPUT) for arguments that are wrong. */
export function readQuestion(source: Source, args: Arguments): Question {
  if (source.from === 'page') {
    const ids = readRequestIds(args.annotationRequestIds as string[]);
    // They are among those that are unknown, and cannot be sent to be looked up.
    if (possibleIds(ids).length < ids.length) throw new Left('argument', 'annotationRequestIds');
    const { noun } = source;
    const { skip, size } = readNumberedPage(noun, args.page as number, args.pageSize as number);
    const order = readOrder(noun, undefined);
    const page = { order, after: undefined, before: undefined, size, backward: false, variant: '' };
    return { page, skip, where: undefined, requestIds: ids };
  }
  const { noun } = source as Extract<Source, { noun: Noun }>;
  const given = args as ConnectionArguments;
  const ids = args.annotationRequestIds as readonly string[] | null | undefined;
  return {
    page: readKeysetPage(noun, given),
    skip: 0,
    where: filterWhere(noun, given.filter),
    requestIds: ids ? possibleIds(readRequestIds(ids)) : undefined,
  };
}

/** Whether a question filters or orders by who did something. */
export function asksWho({ page, where, tellsWork = false }: Paged): boolean {
  return (
    tellsWork ||
    asksForPeople(where, true) ||
    page.order.some(({ column }) => PEOPLE_FIELDS.has(column))
  );
}

const tableOf = (noun: Noun) => Prisma.raw(TABLES[noun].table);

/** The condition that keeps rows of the table `t0` to those that hang on what they are asked for. */
function withinSql({ range, parent }: List, { requestIds }: Question): Prisma.Sql {
  if (range === undefined) return Prisma.sql`true`;
  const column = Prisma.raw(`t0.${RANGES[range].column}`);
  if (parent !== undefined) return Prisma.sql`${column} = ${Prisma.raw(parent)}`;
  if (requestIds === undefined) return Prisma.sql`true`;
  const [only, ...others] = requestIds;
  if (only === undefined) return Prisma.sql`false`;
  // One is answered from one range of an index; = ANY walks another one through the rows of everybody.
  return others.length === 0
    ? Prisma.sql`${column} = ${only}`
    : Prisma.sql`${column} = ANY (${requestIds}::text[])`;
}

/** Whether the ids of a page are found before its rows are: those of several ranges are merged, and what is skipped is not read. */
function isMerged({ page, skip, where, requestIds = [] }: Question): boolean {
  const isById = page.order.length === 1 && page.order[0]!.direction === 'asc';
  return (
    isById &&
    where === undefined &&
    (requestIds.length > 1 || (requestIds.length === 1 && skip > 0))
  );
}

/** @param take how many rows at most. */
export function pageSql(list: List, question: Question, take: Prisma.Sql | number): Prisma.Sql {
  const { noun, range } = list;
  const { page, skip, where } = question;
  if (isMerged(question)) {
    const ids = idsOfRanges(range!, question.requestIds!, {
      after: page.after?.[0] as bigint | undefined,
      before: page.before?.[0] as bigint | undefined,
      backward: page.backward,
      skip,
      take,
    });
    // As an array, so that PostgreSQL plans them by themselves: joined, it finds them where it guesses that there are fewest.
    return Prisma.sql`SELECT * FROM ${tableOf(noun)} AS t0 WHERE t0.id = ANY (ARRAY(${ids}))`;
  }
  const condition = whereSql(noun, 't0', allOf(where, boundsOf(page)) ?? {});
  return Prisma.sql`SELECT * FROM ${tableOf(noun)} AS t0
    WHERE ${withinSql(list, question)} AND ${condition} ${orderSql(readingOrder(page))} LIMIT ${take}`;
}

/** How many rows the whole list has. */
export function countSql(list: List, question: Question): Prisma.Sql {
  const { noun, range } = list;
  const { requestIds = [], where } = question;
  const condition = whereSql(noun, 't0', where ?? {});
  const rows = (within: Prisma.Sql) =>
    Prisma.sql`SELECT count(*) AS count FROM ${tableOf(noun)} AS t0 WHERE ${within} AND ${condition}`;
  if (requestIds.length < 2) return Prisma.sql`(${rows(withinSql(list, question))})`;
  const ofOne = rows(Prisma.sql`t0.${Prisma.raw(RANGES[range!].column)} = asked.id`);
  return Prisma.sql`(SELECT sum(found.count) FROM unnest(${requestIds}::text[]) AS asked (id)
    CROSS JOIN LATERAL (${ofOne}) AS found)`;
}

/** Those of the annotation requests asked for that there are not, as JSON. */
export function unknownIdsSql({ requestIds = [] }: Question): Prisma.Sql {
  const [only, ...others] = requestIds;
  if (only !== undefined && others.length === 0) {
    // PostgreSQL takes an array that it does not know for ten ids, and would make a plan each time rather than read so many.
    return Prisma.sql`CASE WHEN (SELECT true FROM annotation_request AS known WHERE known.id = ${only}) THEN '[]'
      ELSE concat('[', to_json(${only}::text), ']') END`;
  }
  return Prisma.sql`(SELECT concat('[', string_agg(to_json(asked.id)::text, ',' ORDER BY asked.place), ']')
    FROM unnest(${requestIds}::text[]) WITH ORDINALITY AS asked (id, place)
    WHERE (SELECT true FROM annotation_request AS known WHERE known.id = asked.id) IS NULL)`;
}

export function listed(list: List): Listed<Question> {
  return {
    name: list.noun,
    rows: (question, take) => pageSql(list, question, take),
    count: (question) => countSql(list, question),
  };
}
