import DataLoader from 'dataloader';
import type { PrismaClient } from '../database/generated/client/client.ts';
import type { RangeKey } from '../database/ranges.ts';
import type { ReportCount, ReportPage } from '../database/report.ts';
import { allTold } from '../database/small-groups.ts';
import type { Workload } from '../database/workload-records.ts';
import { countWorkload, pageOfWorkload, type WorkloadRow } from '../database/workload.ts';
import type { WorkloadMeasure } from '../domain/workload.ts';
import { orError } from './once.ts';

/** What is asked of groups of records, for every scope of a field alike. */
export interface WorkloadQuestion {
  readonly workload: Workload;
  readonly measures: ReadonlySet<WorkloadMeasure>;
  readonly page: ReportPage;
}

/** How many groups there are. @throws GatewayError (FORBIDDEN) where that may not be told. */
function countTold(found: ReportCount | undefined): number {
  return found ? allTold([found])[0]!.count : 0;
}

/** Reads the groups of many scopes at once; those of all records have no scope, and null for its key. */
export function workloadLoaders(
  prisma: PrismaClient,
  { workload, measures, page }: WorkloadQuestion,
) {
  const readPages = (parents: readonly RangeKey[]) =>
    pageOfWorkload(prisma, workload, parents, measures, page);
  const readCounts = (parents: readonly RangeKey[]) =>
    countWorkload(prisma, workload, parents, measures, page.having);
  const pages = new DataLoader<RangeKey, readonly WorkloadRow[]>(async (parents) => {
    const found = await readPages(parents);
    return parents.map((parent) => orError(() => allTold(found.get(parent) ?? [])));
  });
  const counts = new DataLoader<RangeKey, number>(async (parents) => {
    const found = await readCounts(parents);
    return parents.map((parent) => orError(() => countTold(found.get(parent))));
  });
  return {
    page: async (parent: RangeKey | null) =>
      parent === null ? allTold((await readPages([])).get(null) ?? []) : pages.load(parent),
    count: async (parent: RangeKey | null) =>
      parent === null ? countTold((await readCounts([])).get(null)) : counts.load(parent),
  };
}
