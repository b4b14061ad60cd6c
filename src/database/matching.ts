import type { Where } from '../domain/lists/where.ts';
import { Prisma, type PrismaClient } from './generated/client/client.ts';
import { tellingNoWork } from './small-groups.ts';
import { TABLES, whereSql, type Model } from './where.ts';

/** Finds which rows fulfil which conditions, in one statement. @returns for each condition the ids of those that do. */
export async function matchingIds(
  prisma: PrismaClient,
  model: Model,
  ids: readonly bigint[],
  conditions: readonly Where[],
): Promise<Set<string>[]> {
  const fits = conditions.map(
    (where) => Prisma.sql`coalesce(${whereSql(model, 't0', where)}, false)`,
  );
  const rows = await tellingNoWork(prisma).$queryRaw<{ id: bigint; fits: boolean[] }[]>`
    SELECT id, ARRAY[${Prisma.join(fits)}] AS fits
    FROM ${Prisma.raw(TABLES[model].table)} AS t0 WHERE id = ANY (${ids}::bigint[])`;
  return conditions.map(
    (_, n) => new Set(rows.filter((row) => row.fits[n]).map(({ id }) => String(id))),
  );
}
