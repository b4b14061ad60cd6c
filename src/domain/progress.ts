import { TASK_STATUS } from './codes.ts';

/** A number of tasks that have a code in common. */
export interface CodeCount {
  readonly code: number;
  readonly count: number;
}

/** How far the tasks of a campaign, request or pool are. */
export interface Progress {
  readonly total: number;
  readonly completed: number;
  readonly percent: number | null;
  readonly byStatus: readonly CodeCount[];
  readonly byPoolType: readonly CodeCount[];
}

/** The number of tasks of one status in pools of one type. */
export interface TaskCount {
  readonly status: number;
  readonly poolType: number;
  readonly count: number;
}

function addUp(counts: readonly TaskCount[], key: 'status' | 'poolType'): CodeCount[] {
  const sums = new Map<number, number>();
  for (const cell of counts) sums.set(cell[key], (sums.get(cell[key]) ?? 0) + cell.count);
  return [...sums].map(([code, count]) => ({ code, count })).sort((a, b) => a.code - b.code);
}

/** A task is completed in status 11; one that could not be created (status 0) is no work that could be completed. */
export function progressOf(counts: readonly TaskCount[]): Progress {
  const byStatus = addUp(counts, 'status');
  const inStatus = (status: number) => byStatus.find(({ code }) => code === status)?.count ?? 0;
  const total = byStatus.reduce((sum, { count }) => sum + count, 0);
  const completed = inStatus(TASK_STATUS.APPROVED);
  const denominator = total - inStatus(TASK_STATUS.CREATION_FAILED);
  return {
    total,
    completed,
    percent: denominator === 0 ? null : (100 * completed) / denominator,
    byStatus,
    byPoolType: addUp(counts, 'poolType'),
  };
}
