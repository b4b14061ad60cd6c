import DataLoader from 'dataloader';
import { countRanges } from '../database/aggregates.ts';
import type { Evidence } from '../database/evidence.ts';
import type { DailyHistory } from '../database/flow.ts';
import type { PrismaClient } from '../database/generated/client/client.ts';
import type { Range, RangeKey, WorkRange } from '../database/ranges.ts';
import type { ReconciledScope } from '../database/reconciliation.ts';
import type { History } from '../database/scope.ts';
import type { Where } from '../domain/lists/where.ts';
import type { Noun } from '../domain/nouns.ts';
import { estimateByKey } from './estimate.ts';
import { evidenceLoaders, type EvidenceLoaders } from './evidence.ts';
import { flowLoaders } from './flow.ts';
import { aggregateByKey, groupsByKey } from './measures.ts';
import { once } from './once.ts';
import { qualityLoaders } from './quality.ts';
import { discrepanciesByKey } from './reconciliation.ts';
import { deliveryByKey, operationsByKey, progressByKey, workAsOfByKey } from './work.ts';
import { workloadLoaders, type WorkloadQuestion } from './workload.ts';

/** Ids one statement may name: PostgreSQL's protocol counts its parameters in 16 bits. */
const MAX_IDS = 30_000;

/** A loader of the number of rows that hang on a key; zero where the database has none. */
function countByKey(
  prisma: PrismaClient,
  range: Range,
  where: Where | undefined,
): DataLoader<RangeKey, number> {
  return new DataLoader(async (keys) => {
    const counts = await countRanges(prisma, range, keys, where);
    return keys.map((key) => counts.get(key) ?? 0);
  });
}

/**
 * What Prisma cannot fold into the parents' statement, gathered over all parents of a request and read at once.
 * @param prisma the database.
 */
export function createLoaders(prisma: PrismaClient) {
  const loader = once();
  return {
    /** How many rows hang on a key, of those that fulfil a condition. */
    count: (range: Range, where?: Where) =>
      loader('count', [range, where], () => countByKey(prisma, range, where)),

    /** What the numbers of those rows come to. */
    aggregate: (noun: Noun, range: Range, where?: Where) =>
      loader('aggregate', [range, where], () => aggregateByKey(prisma, noun, range, where)),

    /** Those rows in groups. */
    groups: (noun: Noun, range: Range, where: Where | undefined, keys: readonly string[]) =>
      loader('groups', [range, where, keys], () => groupsByKey(prisma, noun, range, where, keys)),

    /** How far the tasks that hang on a key are. */
    progress: (range: WorkRange) => loader('progress', [range], () => progressByKey(prisma, range)),

    /** What those tasks hold, by status. */
    delivery: (range: WorkRange) => loader('delivery', [range], () => deliveryByKey(prisma, range)),

    /** Both as they were at an instant. */
    workAsOf: (range: WorkRange, asOf: Date) =>
      loader('workAsOf', [range, asOf], () => workAsOfByKey(prisma, range, asOf)),

    /** What they hold under each operation key, by status. */
    operations: (range: WorkRange) =>
      loader('operations', [range], () => operationsByKey(prisma, range)),

    /** How good the work of scopes was. */
    quality: (history: History) =>
      loader('quality', [history], () => qualityLoaders(prisma, history)),

    /** How work went through scopes. */
    flow: (history: DailyHistory) => loader('flow', [history], () => flowLoaders(prisma, history)),

    /**
     * Groups of records.
     * @param path tells the field from all others of the operation.
     */
    workload: (path: string, question: WorkloadQuestion) =>
      loader('workload', [path], () => workloadLoaders(prisma, question)),

    /** When those tasks will be completed, seen from an instant, or from the last record. */
    estimate: (range: WorkRange, asOf: Date | undefined, timeZone: string) =>
      loader('estimate', [range, asOf, timeZone], () =>
        estimateByKey(prisma, range, asOf, timeZone),
      ),

    /** What does not add up between the tasks of a scope and their records. */
    reconciliation: (scope: ReconciledScope) =>
      loader('reconciliation', [scope], () => discrepanciesByKey(prisma, scope)),

    /**
     * The rows behind the numbers at one place of an answer.
     * @param path tells the field from all others of the operation.
     */
    evidence: <Values>(path: string, evidence: Evidence<Values>): EvidenceLoaders<Values> =>
      loader('evidence', [path], () => evidenceLoaders(prisma, evidence)),

    /**
     * Rows by their ids, which stand at many places of an answer below one field.
     * @param path tells the field from all others of the operation.
     * @param read reads the rows of some ids; a map by the text of the id.
     */
    rows: (path: string, read: (ids: readonly RangeKey[]) => Promise<Map<string, object>>) =>
      loader('rows', [path], () => {
        const readAll = async (ids: readonly RangeKey[]) => {
          const rows = await read(ids);
          return ids.map((id) => rows.get(String(id)) ?? null);
        };
        return new DataLoader<RangeKey, object | null>(readAll, { maxBatchSize: MAX_IDS });
      }),
  };
}

export type Loaders = ReturnType<typeof createLoaders>;
