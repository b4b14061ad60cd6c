import {
  CHANGE_RANKS,
  foreignWatermark,
  laterOf,
  NOTHING_SEEN,
  NOUN_OF_TYPE,
  rangesAfter,
  type ChangePosition,
  type ChangeScope,
  type NumberRange,
  type Watermark,
} from '../domain/changes.ts';
import { hasTextId, type EntityType } from '../domain/entities.ts';
import { GatewayError } from '../domain/errors.ts';
import { Prisma, type PrismaClient } from './generated/client/client.ts';
import { tellingNoWork } from './small-groups.ts';
import { TABLES } from './where.ts';

/** The columns that hold what a row belongs to; a type without requests belongs to none. */
const OWNERS: Readonly<Record<EntityType, { campaign: string; request?: string }>> = {
  campaign: { campaign: 'id' },
  annotationRequest: { campaign: 'campaign_id', request: 'id' },
  pool: { campaign: 'campaign_id' },
  task: { campaign: 'campaign_id', request: 'annotation_request_id' },
  annotationHistory: { campaign: 'campaign_id', request: 'annotation_request_id' },
};

/**
 * What of some ranges is to be read of a rank, after a position that is at the start of one, or before it: each from an id
 * on, that one not included.
 */
function rangesOfRank(
  ranges: readonly NumberRange[],
  after: ChangePosition | undefined,
  rank: number,
): (NumberRange & { afterId?: string })[] {
  return ranges
    .map(({ low, high }) => {
      if (low !== after?.number || rank > after.rank) return { low, high };
      return rank === after.rank ? { low, high, afterId: after.id } : { low: low + 1n, high };
    })
    .filter(({ low, high }) => low <= high);
}

/** The changes of one rank by transactions of some numbers, after a position; undefined where there are none by their nature. */
function changesOfRank(
  rank: number,
  ranges: readonly NumberRange[],
  after: ChangePosition | undefined,
  { campaignIds, annotationRequestIds }: ChangeScope,
  limit: bigint,
): Prisma.Sql | undefined {
  const { type, kind } = CHANGE_RANKS[rank]!;
  const table = TABLES[NOUN_OF_TYPE[type]].table;
  const owners = OWNERS[type];
  if (annotationRequestIds && !owners.request) return undefined;
  const isDeletion = kind === 'DELETED';
  const [campaign, request] = isDeletion
    ? ['campaign_id', 'annotation_request_id']
    : [owners.campaign, owners.request];
  const isNumber = !isDeletion && !hasTextId(type);
  const own = rangesOfRank(ranges, after, rank);
  // No row has an id as low as that.
  const afterIds = own.map(({ afterId }) => (isNumber ? BigInt(afterId ?? -1) : (afterId ?? '')));
  const conditions = [
    // One condition for where to begin: of two, an index would take one and read on until the other holds.
    Prisma.sql`(changed_in, id) > (low, after_id) AND changed_in <= high`,
    ...(campaignIds ? [Prisma.sql`${Prisma.raw(campaign)} = ANY (${campaignIds}::text[])`] : []),
    ...(annotationRequestIds
      ? [Prisma.sql`${Prisma.raw(request!)} = ANY (${annotationRequestIds}::text[])`]
      : []),
    // A transaction that is older than a deletion can make the row anew after it. What exists was not deleted; one probe of
    // the key a deletion, where NOT EXISTS might read the whole table.
    ...(isDeletion
      ? [
          Prisma.sql`type = ${type}`,
          Prisma.raw(
            `(SELECT true FROM ${table} AS known WHERE known.id = changed.id${hasTextId(type) ? '' : '::bigint'}) IS NULL`,
          ),
        ]
      : []),
  ];
  // A range at a time, each in the order of an index: together they would be sorted, however many there are.
  return Prisma.sql`(
    SELECT change.* FROM unnest(
      ${own.map(({ low }) => low)}::bigint[], ${own.map(({ high }) => high)}::bigint[],
      ${afterIds}::${Prisma.raw(isNumber ? 'bigint' : 'text')}[]) AS range(low, high, after_id)
    CROSS JOIN LATERAL (
      SELECT changed_in AS number, ${Prisma.raw(String(rank))} AS rank, id::text AS id,
        ${Prisma.raw(isNumber ? 'id' : 'NULL::bigint')} AS digits, ${Prisma.raw(request ?? 'NULL')} AS request
      FROM ${Prisma.raw(isDeletion ? 'deleted_row' : table)} AS changed WHERE ${Prisma.join(conditions, ' AND ')}
      ORDER BY changed.changed_in, changed.id LIMIT ${limit}) AS change)`;
}

/** What the database says of the history of its changes, at the moment of a statement. */
export interface History {
  readonly history: string;
  /** All numbers below are seen but for those that are open, and none from here on is told yet. */
  readonly next: bigint;
  readonly open: readonly bigint[];
  /** Whether rows have numbers that no transaction has reached, from a dump: then nothing is in order. */
  readonly isDisordered: boolean;
}

/**
 * One row with the columns of {@link History}, and with how far transactions have come. A standby does not tell which of them
 * are open: there nothing counts as seen from the first of those on.
 */
export const HISTORY = Prisma.sql`
  SELECT change_history_identity() AS history, change_number(pg_snapshot_xmax(snapshot)) AS reached,
    pg_is_in_recovery() AS "isStandby", change_number(
      CASE WHEN pg_is_in_recovery() THEN pg_snapshot_xmin(snapshot) ELSE pg_snapshot_xmax(snapshot) END) AS next,
    ARRAY(SELECT change_number(open) FROM pg_snapshot_xip(snapshot) AS open ORDER BY open) AS open,
    coalesce(highest_change() >= change_number(pg_snapshot_xmax(snapshot)), false) AS "isDisordered"
  FROM pg_current_snapshot() AS snapshot`;

/**
 * The watermark of the moment that a row of {@link HISTORY} tells.
 * @throws GatewayError (SERVICE_UNAVAILABLE) where nothing is in order.
 */
export function watermarkOf({ history, next, open, isDisordered }: History): Watermark {
  if (isDisordered) {
    throw new GatewayError(
      'SERVICE_UNAVAILABLE',
      'The database was restored from a dump: its changes can be read once "rosetta-gateway migrate" has run.',
    );
  }
  return { history, seen: { next, open } };
}

/** The watermark before everything that is not committed yet. */
export async function readWatermarkOfNow(prisma: PrismaClient): Promise<Watermark> {
  const rows = await prisma.$queryRaw<History[]>(HISTORY);
  return watermarkOf(rows[0]!);
}

/** A change, and where a reader stands who has read up to it. */
export interface ChangeRead extends ChangePosition {
  /** The annotation request that the row belongs to; null where it belongs to none. */
  readonly request: string | null;
  readonly watermark: Watermark;
}

/** The watermark is that of a reader who has been told more elsewhere. */
function standbyBehind(): GatewayError {
  return new GatewayError(
    'SERVICE_UNAVAILABLE',
    'The database of this gateway is a copy that has not come as far as the argument "after".',
  );
}

/** The changes after a watermark that can be seen, or could be where a page broke off, in their order. */
async function readBatch(
  prisma: PrismaClient,
  after: Watermark | undefined,
  scope: ChangeScope,
  limit: number,
): Promise<{ changes: ChangeRead[]; end: Watermark }> {
  const ranges = rangesAfter(after);
  const branches = CHANGE_RANKS.flatMap(({ type }, rank) =>
    scope.types.includes(type)
      ? (changesOfRank(rank, ranges, after?.within?.last, scope, BigInt(limit)) ?? [])
      : [],
  );
  const changes =
    branches.length > 0
      ? Prisma.join(branches, ' UNION ALL ')
      : Prisma.sql`SELECT 0::bigint AS number, 0 AS rank, '' AS id, 0::bigint AS digits, '' AS request WHERE false`;
  type ChangeRow = Omit<ChangeRead, 'watermark'>;
  type Told = History & { reached: bigint; isStandby: boolean };
  type Row = Told & (ChangeRow | { number: null });
  const rows = await tellingNoWork(prisma).$queryRaw<Row[]>`
    WITH history AS MATERIALIZED (${HISTORY})
    SELECT history.*, page.number, page.rank, page.id, page.request
    FROM history LEFT JOIN (
      SELECT * FROM (${changes}) AS change ORDER BY number, rank, digits, id COLLATE "C" LIMIT ${BigInt(limit)}
    ) AS page ON true
    ORDER BY page.number, page.rank, page.digits, page.id COLLATE "C"`;
  const now = watermarkOf(rows[0]!);
  const { history } = now;
  const { reached, isStandby } = rows[0]!;
  if (after && after.history !== history) throw foreignWatermark();
  const seen = after?.seen ?? NOTHING_SEEN;
  const broken = after?.within?.upTo;
  if (seen.next > reached || (broken && broken.next > now.seen.next)) {
    if (isStandby) throw standbyBehind();
    // One from the future is of this database before it was set back to an earlier state.
    throw foreignWatermark();
  }
  const upTo = broken ?? laterOf(now.seen, seen);
  return {
    changes: rows
      .filter((row): row is Told & ChangeRow => row.number !== null && row.number < now.seen.next)
      .map(({ number, rank, id, request }) => {
        const last = { number, rank, id };
        return { ...last, request, watermark: { history, seen, within: { upTo, last } } };
      }),
    end: { history, seen: upTo },
  };
}

/** A page of changes, in their order. */
export interface ChangesRead {
  readonly changes: readonly ChangeRead[];
  /** Where who has read them stands. */
  readonly watermark: Watermark;
  readonly hasMore: boolean;
}

/**
 * Reads the changes after a watermark, or from the start: what can be seen now and could not be seen then, whichever
 * transaction began first. None is left out, and none comes twice without having been changed in between.
 * @throws GatewayError BAD_USER_INPUT for a watermark of another history, SERVICE_UNAVAILABLE where nothing is in order.
 */
export async function readChanges(
  prisma: PrismaClient,
  after: Watermark | undefined,
  scope: ChangeScope,
  size: number,
): Promise<ChangesRead> {
  const page: ChangeRead[] = [];
  for (let at = after; ;) {
    const room = size - page.length;
    const { changes, end } = await readBatch(prisma, at, scope, room + 1);
    page.push(...changes.slice(0, room));
    if (changes.length > room) {
      // Where the page is full already, it ends before what was read last.
      const watermark = room > 0 ? page.at(-1)!.watermark : at!;
      return { changes: page, watermark, hasMore: true };
    }
    // What broke off has ended; what came since then follows.
    if (!at?.within) return { changes: page, watermark: end, hasMore: false };
    at = end;
  }
}
