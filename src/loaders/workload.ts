import DataLoader from 'dataloader';
import type { PrismaClient } from '../database/generated/client/client.ts';
import type { RangeKey } from '../database/ranges.ts';
import {
  countWorkload,
  pageOfWorkload,
  type Workload,
  type WorkloadPage,
  type WorkloadRow,
} from '../database/workload.ts';

/** What can be asked of the groups of a scope, gathered over all scopes of one field. */
export interface WorkloadLoaders {
  page(page: WorkloadPage): Promise<WorkloadRow[]>;
  count(page: Pick<WorkloadPage, 'measures' | 'having'>): Promise<number>;
}

/** Asks for the groups of one scope among many, or, without a scope, of all records. */
export function workloadLoaders(prisma: PrismaClient, workload: Workload) {
  let page: DataLoader<RangeKey, WorkloadRow[]> | undefined;
  let count: DataLoader<RangeKey, number> | undefined;
  return (parent: RangeKey | null): WorkloadLoaders => ({
    async page(wanted) {
      if (parent === null) {
        return (await pageOfWorkload(prisma, workload, [], wanted)).get(null) ?? [];
      }
      page ??= new DataLoader(async (parents) => {
        const pages = await pageOfWorkload(prisma, workload, parents, wanted);
        return parents.map((one) => pages.get(one) ?? []);
      });
      return page.load(parent);
    },
    async count(wanted) {
      if (parent === null) {
        return (await countWorkload(prisma, workload, [], wanted)).get(null) ?? 0;
      }
      count ??= new DataLoader(async (parents) => {
        const counts = await countWorkload(prisma, workload, parents, wanted);
        return parents.map((one) => counts.get(one) ?? 0);
      });
      return count.load(parent);
    },
  });
}
