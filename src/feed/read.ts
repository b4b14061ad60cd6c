import { readChanges, type ChangesRead } from '../database/changes.ts';
import type { PrismaClient } from '../database/generated/client/client.ts';
import { scopeOfTypes, type Watermark } from '../domain/changes.ts';
import { GatewayError } from '../domain/errors.ts';
import type { FollowedType } from './page.ts';
import { patiently } from './patience.ts';

/** How many changes are read at once. */
const PAGE_SIZE = 1000;

/** Reads what has changed since a watermark that a caller has given. @throws as `readChanges` does. */
export function readAfter(
  prisma: PrismaClient,
  after: Watermark,
  types: readonly FollowedType[],
): Promise<ChangesRead> {
  return readChanges(prisma, after, scopeOfTypes(types), PAGE_SIZE);
}

/** Reads on with patience, as `readAfter` does. @throws GatewayError SERVICE_UNAVAILABLE where there is no going on. */
export async function readOn(
  prisma: PrismaClient,
  from: Watermark,
  types: readonly FollowedType[],
  signal: AbortSignal,
): Promise<ChangesRead> {
  try {
    return await patiently(() => readAfter(prisma, from, types), signal);
  } catch (error) {
    // A history that has gone on elsewhere can be read from its start only, which is what nobody asked for.
    const isForeign = error instanceof GatewayError && error.code === 'BAD_USER_INPUT';
    if (!isForeign) throw error;
    throw new GatewayError(
      'SERVICE_UNAVAILABLE',
      'The database was restored or emptied: read anew what you show, and subscribe again.',
    );
  }
}
