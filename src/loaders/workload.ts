import DataLoader from 'dataloader';
import type { PrismaClient } from '../database/generated/client/client.ts';
import type { RangeKey } from '../database/ranges.ts';
import type { ReportPage } from '../database/report.ts';
import {
  countWorkload,
  pageOfWorkload,
  type Workload,
  type WorkloadRow,
} from '../database/workload.ts';
import type { WorkloadMeasure } from '../domain/workload.ts';

/** What is asked of groups of records, for every scope of a field alike. */
export interface WorkloadQuestion {
  readonly workload: Workload;
  readonly measures: ReadonlySet<WorkloadMeasure>;
  readonly page: ReportPage;
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
  const pages = new DataLoader<RangeKey, WorkloadRow[]>(async (parents) => {
    const found = await readPages(parents);
    return parents.map((parent) => found.get(parent) ?? []);
  });
  const counts = new DataLoader<RangeKey, number>(async (parents) => {
    const found = await readCounts(parents);
    return parents.map((parent) => found.get(parent) ?? 0);
  });
  return {
    page: async (parent: RangeKey | null) =>
      parent === null ? ((await readPages([])).get(null) ?? []) : pages.load(parent),
    count: async (parent: RangeKey | null) =>
      parent === null ? ((await readCounts([])).get(null) ?? 0) : counts.load(parent),
  };
}
