import {
  CHANGE_RANKS,
  NOUN_OF_TYPE,
  type ChangePosition,
  type ChangeScope,
} from '../domain/changes.ts';
import { hasTextId, type EntityType } from '../domain/entities.ts';
import { Prisma, type PrismaClient } from './generated/client/client.ts';
import { TABLES } from './where.ts';

/** A page of changes, with what the database says of their history at the same moment. */
export interface ChangesRead {
  /** Which history it is. */
  readonly history: string;
  /** Every transaction with a lower number has ended. */
  readonly horizon: bigint;
  /** No transaction whose work can be seen has this number or a higher one. */
  readonly next: bigint;
  /** Whether there are higher ones all the same, from a dump: then nothing is in order. */
  readonly isDisordered: boolean;
  /** In their order. */
  readonly changes: readonly ChangePosition[];
}

/** The columns that hold what a row belongs to; a type without requests belongs to none. */
const OWNERS: Readonly<Record<EntityType, { campaign: string; request?: string }>> = {
  campaign: { campaign: 'id' },
  annotationRequest: { campaign: 'campaign_id', request: 'id' },
  pool: { campaign: 'campaign_id' },
  task: { campaign: 'campaign_id', request: 'annotation_request_id' },
  annotationHistory: { campaign: 'campaign_id', request: 'annotation_request_id' },
};

/** The changes of one rank after a position, as far as they are final; undefined where there are none by their nature. */
function changesOfRank(
  rank: number,
  after: ChangePosition,
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
    : [owners.campaign, owners.request!];
  const isNumber = !isDeletion && !hasTextId(type);
  const conditions = [
    rank === after.rank
      ? Prisma.sql`(changed_in, id) > (${after.number}, ${isNumber ? BigInt(after.id) : after.id})`
      : Prisma.sql`changed_in ${Prisma.raw(rank > after.rank ? '>=' : '>')} ${after.number}`,
    Prisma.sql`changed_in < (SELECT horizon FROM history)`,
    ...(campaignIds ? [Prisma.sql`${Prisma.raw(campaign)} = ANY (${campaignIds}::text[])`] : []),
    ...(annotationRequestIds
      ? [Prisma.sql`${Prisma.raw(request)} = ANY (${annotationRequestIds}::text[])`]
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
  return Prisma.sql`(
    SELECT changed_in AS number, ${Prisma.raw(String(rank))} AS rank, id::text AS id,
      ${Prisma.raw(isNumber ? 'id' : 'NULL::bigint')} AS digits
    FROM ${Prisma.raw(isDeletion ? 'deleted_row' : table)} AS changed WHERE ${Prisma.join(conditions, ' AND ')}
    ORDER BY changed.changed_in, changed.id LIMIT ${limit})`;
}

/**
 * Reads the changes after a position. Only those of transactions below the oldest one that is still open at the moment of
 * reading: none of these can be joined by another change later.
 */
export async function readChanges(
  prisma: PrismaClient,
  after: ChangePosition,
  scope: ChangeScope,
  limit: number,
): Promise<ChangesRead> {
  const branches = CHANGE_RANKS.flatMap(({ type }, rank) =>
    scope.types.includes(type) ? (changesOfRank(rank, after, scope, BigInt(limit)) ?? []) : [],
  );
  const changes =
    branches.length > 0
      ? Prisma.join(branches, ' UNION ALL ')
      : Prisma.sql`SELECT 0::bigint AS number, 0 AS rank, '' AS id, 0::bigint AS digits WHERE false`;
  const rows = await prisma.$queryRaw<
    (Omit<ChangesRead, 'changes'> & (ChangePosition | { number: null }))[]
  >`
    WITH history AS MATERIALIZED (
      SELECT change_history_identity() AS history, change_number(pg_snapshot_xmin(snapshot)) AS horizon,
        change_number(pg_snapshot_xmax(snapshot)) AS next, highest_change() AS highest
      FROM pg_current_snapshot() AS snapshot)
    SELECT history, horizon, next, coalesce(highest >= next, false) AS "isDisordered", page.number, page.rank, page.id
    FROM history LEFT JOIN (
      SELECT * FROM (${changes}) AS change ORDER BY number, rank, digits, id COLLATE "C" LIMIT ${BigInt(limit)}
    ) AS page ON true
    ORDER BY page.number, page.rank, page.digits, page.id COLLATE "C"`;
  const { history, horizon, next, isDisordered } = rows[0]!;
  return {
    history,
    horizon,
    next,
    isDisordered,
    changes: rows.filter((row): row is typeof row & ChangePosition => row.number !== null),
  };
}
