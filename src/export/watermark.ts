import { Prisma } from '../database/generated/client/client.ts';
import type { Snapshot } from '../database/snapshot.ts';
import { beforeTransaction, writeWatermark } from '../domain/changes.ts';
import type { EntityType } from '../domain/entities.ts';

/** The watermark from which `changes` of some types, without a filter, goes on after a snapshot. */
export async function watermarkOf(
  snapshot: Snapshot,
  types: readonly EntityType[],
): Promise<string> {
  const [row] = await snapshot.rows(Prisma.sql`
    SELECT change_history_identity(), change_number(pg_snapshot_xmin(pg_current_snapshot()))::text`);
  const [history, horizon] = row as [string, string];
  const scope = { types, campaignIds: undefined, annotationRequestIds: undefined };
  return writeWatermark(history, scope, beforeTransaction(BigInt(horizon)));
}
