import { Prisma, type PrismaClient } from './generated/client/client.ts';
import { tellingNoWork } from './small-groups.ts';
import { TABLES, type Model } from './where.ts';

/**
 * The lists of rows that hang on another row, each served by an index on (`column`, `id`): every key owns one range of
 * it, already in the order of the ids.
 */
export const RANGES = {
  requestsOfCampaign: { model: 'AnnotationRequest', column: 'campaign_id', keyType: 'text' },
  poolsOfCampaign: { model: 'Pool', column: 'campaign_id', keyType: 'text' },
  tasksOfCampaign: { model: 'Task', column: 'campaign_id', keyType: 'text' },
  tasksOfRequest: { model: 'Task', column: 'annotation_request_id', keyType: 'text' },
  tasksOfPool: { model: 'Task', column: 'pool_id', keyType: 'bigint' },
  historyOfRequest: {
    model: 'AnnotationHistory',
    column: 'annotation_request_id',
    keyType: 'text',
  },
  historyOfTask: { model: 'AnnotationHistory', column: 'task_id', keyType: 'bigint' },
} as const satisfies Record<string, { model: Model; column: string; keyType: string }>;

export type Range = keyof typeof RANGES;
export type RangeKey = string | bigint;

/** The lists of tasks that hang on another row: the work of a campaign, a request or a pool. */
export type WorkRange = Extract<Range, 'tasksOfCampaign' | 'tasksOfRequest' | 'tasksOfPool'>;

/** The ids of the tasks of `parent.key`; of a pool, of those that have been in it, or had been at an instant. */
export function tasksOfParent(range: WorkRange, asOf: Date | undefined): Prisma.Sql {
  if (range !== 'tasksOfPool') {
    // The request of a task, and with it the campaign, never changes.
    return Prisma.sql`SELECT id FROM task WHERE ${Prisma.raw(RANGES[range].column)} = parent.key`;
  }
  const until = asOf ? Prisma.sql`AND created_time <= ${asOf}` : Prisma.empty;
  return Prisma.sql`SELECT DISTINCT task_id AS id FROM annotation_history
    WHERE pool_id = parent.key ${until}`;
}

/**
 * Those of some ids that no annotation request has; one probe of its key an id: with `id IN (…)` PostgreSQL may
 * find it cheaper to read the whole table.
 */
export async function unknownRequestIds(
  prisma: PrismaClient,
  ids: readonly string[],
): Promise<Set<string>> {
  const rows = await prisma.$queryRaw<{ place: bigint }[]>`
    SELECT asked.place FROM unnest(${ids}::text[]) WITH ORDINALITY AS asked (id, place)
    WHERE (SELECT true FROM annotation_request AS known WHERE known.id = asked.id) IS NULL`;
  // By their places: the embedded database gives no text back that begins with a byte order mark.
  return new Set(rows.map(({ place }) => ids[Number(place) - 1]!));
}

/** Which ids of several ranges a page has, merged into one ascending (or, backward, descending) order. */
export interface RangePage {
  after?: bigint | undefined;
  before?: bigint | undefined;
  backward: boolean;
  skip: number;
  /** A number, or an expression. */
  take: number | Prisma.Sql;
}

/**
 * A statement that gives the ids of one page of several keys' rows. PostgreSQL merges the keys' ranges as it goes (a Merge Append), so that it
 * reads what the page skips and holds plus one row a key; `key IN (…) ORDER BY id LIMIT n` would walk the primary key
 * through everybody's rows instead.
 */
export function idsOfRanges(
  range: Range,
  keys: readonly RangeKey[],
  { after, before, backward, skip, take }: RangePage,
): Prisma.Sql {
  const { model, column } = RANGES[range];
  const { table } = TABLES[model];
  const order = backward ? Prisma.sql`ORDER BY id DESC` : Prisma.sql`ORDER BY id`;
  const bounds = [
    ...(after === undefined ? [] : [Prisma.sql`AND id > ${after}`]),
    ...(before === undefined ? [] : [Prisma.sql`AND id < ${before}`]),
  ];
  const bound = bounds.length > 0 ? Prisma.join(bounds, ' ') : Prisma.empty;
  const branches = keys.map(
    (key) =>
      Prisma.sql`(SELECT id FROM ${Prisma.raw(table)} WHERE ${Prisma.raw(column)} = ${key} ${bound} ${order})`,
  );
  return Prisma.sql`SELECT id FROM (${uniteAll(branches)}) AS merged
    ${order} OFFSET ${BigInt(skip)} LIMIT ${typeof take === 'number' ? BigInt(take) : take}`;
}

/** Reads them. */
export async function pageOfRanges(
  prisma: PrismaClient,
  range: Range,
  keys: readonly RangeKey[],
  page: RangePage,
): Promise<bigint[]> {
  const statement = idsOfRanges(range, keys, page);
  const rows = await tellingNoWork(prisma).$queryRaw<{ id: bigint }[]>(statement);
  return rows.map(({ id }) => id);
}

/** One UNION ALL of many selects, nested as a balanced tree: PostgreSQL's parser recurses into a chain, and has a limit. */
function uniteAll(selects: readonly Prisma.Sql[]): Prisma.Sql {
  const [first] = selects;
  if (first && selects.length === 1) return first;
  const middle = Math.ceil(selects.length / 2);
  return Prisma.sql`(${uniteAll(selects.slice(0, middle))} UNION ALL ${uniteAll(selects.slice(middle))})`;
}
