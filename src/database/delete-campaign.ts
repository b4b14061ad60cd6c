import type { EntityType } from '../domain/entities.ts';
import type { Prisma, PrismaClient } from './generated/client/client.ts';
import { inTransactionAlone } from './writing.ts';

/** How many rows of each type hang on a campaign, itself included. */
export type CampaignRows = Readonly<Record<EntityType, number>>;

/** Tasks that are deleted with their records in one statement each. */
const TASKS_AT_ONCE = 500;

/** Counts what hangs on a campaign; undefined if there is none of that id. */
export async function countCampaignRows(
  prisma: PrismaClient,
  campaignId: string,
): Promise<CampaignRows | undefined> {
  const where = { campaignId };
  const [campaign, annotationRequest, pool, task, annotationHistory] = await Promise.all([
    prisma.campaign.count({ where: { id: campaignId } }),
    prisma.annotationRequest.count({ where }),
    prisma.pool.count({ where }),
    prisma.task.count({ where }),
    prisma.annotationHistory.count({ where }),
  ]);
  return campaign === 0
    ? undefined
    : { campaign, annotationRequest, pool, task, annotationHistory };
}

export interface DeletionOptions {
  /** Called after each part: rows deleted so far. */
  onProgress?: (rows: number) => void;
  /** Stops the deletion after the part under way, and undoes it. */
  signal?: AbortSignal;
}

/**
 * Deletes a campaign with all that hangs on it, in one transaction.
 * @returns how many rows were deleted.
 * @throws the signal's reason if it came before the end; then nothing is deleted.
 */
export function deleteCampaign(
  prisma: PrismaClient,
  campaignId: string,
  { onProgress = () => {}, signal }: DeletionOptions = {},
): Promise<CampaignRows> {
  const deleteRows = async (tx: Prisma.TransactionClient): Promise<CampaignRows> => {
    // The server's own checks of foreign keys are to look into indexes, however small the tables were when it planned them.
    await tx.$queryRaw`SELECT set_config('enable_seqscan', 'off', true)`;
    const where = { campaignId };
    let task = 0;
    let annotationHistory = 0;
    for (let after = -1n; ;) {
      signal?.throwIfAborted();
      const tasks = await tx.task.findMany({
        where: { ...where, id: { gt: after } },
        orderBy: { id: 'asc' },
        take: TASKS_AT_ONCE,
        select: { id: true },
      });
      if (tasks.length === 0) break;
      const ids = tasks.map(({ id }) => id);
      annotationHistory += await tx.$executeRaw`
        DELETE FROM annotation_history WHERE task_id = ANY (${ids}::bigint[])`;
      task += await tx.$executeRaw`DELETE FROM task WHERE id = ANY (${ids}::bigint[])`;
      onProgress(annotationHistory + task);
      after = ids.at(-1)!;
    }
    const { count: pool } = await tx.pool.deleteMany({ where });
    const { count: annotationRequest } = await tx.annotationRequest.deleteMany({ where });
    const { count: campaign } = await tx.campaign.deleteMany({ where: { id: campaignId } });
    return { campaign, annotationRequest, pool, task, annotationHistory };
  };
  return inTransactionAlone(prisma, deleteRows, signal);
}
