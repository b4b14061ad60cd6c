import { HISTORY, watermarkOf, type History } from '../database/changes.ts';
import { Prisma } from '../database/generated/client/client.ts';
import type { Snapshot } from '../database/snapshot.ts';
import { scopeOfTypes, writeWatermark } from '../domain/changes.ts';
import type { EntityType } from '../domain/entities.ts';

/**
 * The watermark from which `changes` of some types, without a filter, goes on after a snapshot.
 * @throws GatewayError (SERVICE_UNAVAILABLE) where changes are in no order.
 */
export async function watermarkOfSnapshot(
  snapshot: Snapshot,
  types: readonly EntityType[],
): Promise<string> {
  const [row] = await snapshot.rows(Prisma.sql`
    SELECT history, next::text, array_to_string(open, ',') AS open, "isDisordered" FROM (${HISTORY}) AS history`);
  const [history, next, open, isDisordered] = row as [string, string, string, boolean];
  const told: History = {
    history,
    next: BigInt(next),
    open: open === '' ? [] : open.split(',').map(BigInt),
    isDisordered,
  };
  return writeWatermark(scopeOfTypes(types), watermarkOf(told));
}
