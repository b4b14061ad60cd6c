import { Prisma, type PrismaClient } from './generated/client/client.ts';

/**
 * The lists of rows that hang on another row, each served by an index on (`column`, `id`): every key owns one range of
 * it, already in the order of the ids.
 */
export const RANGES = {
  requestsOfCampaign: { table: 'annotation_request', column: 'campaign_id', keyType: 'text' },
  poolsOfCampaign: { table: 'pool', column: 'campaign_id', keyType: 'text' },
  tasksOfCampaign: { table: 'task', column: 'campaign_id', keyType: 'text' },
  tasksOfRequest: { table: 'task', column: 'annotation_request_id', keyType: 'text' },
  tasksOfPool: { table: 'task', column: 'pool_id', keyType: 'bigint' },
  historyOfRequest: {
    table: 'annotation_history',
    column: 'annotation_request_id',
    keyType: 'text',
  },
  historyOfTask: { table: 'annotation_history', column: 'task_id', keyType: 'bigint' },
} as const;

export type Range = keyof typeof RANGES;
export type RangeKey = string | bigint;

/**
 * Counts the rows of each key, in one statement that reads the named keys' ranges and nothing else: with `key IN (…)`
 * PostgreSQL may find it cheaper to read the whole table.
 */
export async function countRanges(
  prisma: PrismaClient,
  range: Range,
  keys: readonly RangeKey[],
): Promise<Map<RangeKey, number>> {
  const { table, column, keyType } = RANGES[range];
  const rows = await prisma.$queryRaw<{ key: RangeKey; count: bigint }[]>`
    SELECT key, (SELECT count(*) FROM ${Prisma.raw(table)} WHERE ${Prisma.raw(column)} = key) AS count
    FROM unnest(${keys}::${Prisma.raw(keyType)}[]) AS key`;
  return new Map(rows.map(({ key, count }) => [key, Number(count)]));
}

type GroupBy = (query: object) => Promise<Record<string, unknown>[]>;

/** The column of each range as the model names it, and the table to group. */
const GROUPED: Readonly<Record<Range, readonly [string, (prisma: PrismaClient) => unknown]>> = {
  requestsOfCampaign: ['campaignId', (prisma) => prisma.annotationRequest],
  poolsOfCampaign: ['campaignId', (prisma) => prisma.pool],
  tasksOfCampaign: ['campaignId', (prisma) => prisma.task],
  tasksOfRequest: ['annotationRequestId', (prisma) => prisma.task],
  tasksOfPool: ['poolId', (prisma) => prisma.task],
  historyOfRequest: ['annotationRequestId', (prisma) => prisma.annotationHistory],
  historyOfTask: ['taskId', (prisma) => prisma.annotationHistory],
};

/** Counts the rows of each key that fulfil a condition in Prisma's language, in one statement. */
export async function countFiltered(
  prisma: PrismaClient,
  range: Range,
  keys: readonly RangeKey[],
  where: object,
): Promise<Map<RangeKey, number>> {
  const [key, tableOf] = GROUPED[range];
  const table = tableOf(prisma) as { groupBy: GroupBy };
  const rows = await table.groupBy({
    by: [key],
    where: { AND: [{ [key]: { in: [...keys] } }, where] },
    _count: { _all: true },
  });
  return new Map(rows.map((row) => [row[key] as RangeKey, (row._count as { _all: number })._all]));
}

/** Those of some ids that no annotation request has; one probe of its key an id, as above. */
export async function unknownRequestIds(
  prisma: PrismaClient,
  ids: readonly string[],
): Promise<Set<string>> {
  const rows = await prisma.$queryRaw<{ id: string }[]>`
    SELECT asked.id FROM unnest(${ids}::text[]) AS asked (id)
    WHERE (SELECT true FROM annotation_request AS known WHERE known.id = asked.id) IS NULL`;
  return new Set(rows.map(({ id }) => id));
}

/** Which ids of several ranges a page has, merged into one ascending (or, backward, descending) order. */
export interface RangePage {
  after?: bigint | undefined;
  before?: bigint | undefined;
  backward: boolean;
  skip: number;
  take: number;
}

/**
 * The ids of one page of several keys' rows. PostgreSQL merges the keys' ranges as it goes (a Merge Append), so that it
 * reads what the page skips and holds plus one row a key; `key IN (…) ORDER BY id LIMIT n` would walk the primary key
 * through everybody's rows instead.
 */
export async function pageOfRanges(
  prisma: PrismaClient,
  range: Range,
  keys: readonly RangeKey[],
  { after, before, backward, skip, take }: RangePage,
): Promise<bigint[]> {
  const { table, column } = RANGES[range];
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
  const rows = await prisma.$queryRaw<{ id: bigint }[]>`
    SELECT id FROM (${uniteAll(branches)}) AS merged
    ${order} OFFSET ${BigInt(skip)} LIMIT ${BigInt(take)}`;
  return rows.map(({ id }) => id);
}

/** One UNION ALL of many selects, nested as a balanced tree: PostgreSQL's parser recurses into a chain, and has a limit. */
function uniteAll(selects: readonly Prisma.Sql[]): Prisma.Sql {
  const [first] = selects;
  if (first && selects.length === 1) return first;
  const middle = Math.ceil(selects.length / 2);
  return Prisma.sql`(${uniteAll(selects.slice(0, middle))} UNION ALL ${uniteAll(selects.slice(middle))})`;
}
