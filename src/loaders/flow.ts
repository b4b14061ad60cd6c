import {
  cycleTimes,
  moves,
  throughput,
  timesInPool,
  workInProgress,
  type DailyHistory,
  type DayRow,
} from '../database/flow.ts';
import type { PrismaClient } from '../database/generated/client/client.ts';
import { atMostMaxRows } from '../domain/time.ts';
import { byScope } from './scopes.ts';

const upToMaxDays = (rows: readonly DayRow[]) => atMostMaxRows(rows, 'days');

/** How work went through scopes. */
export function flowLoaders(prisma: PrismaClient, history: DailyHistory) {
  return {
    cycleTime: byScope(
      (parents) => cycleTimes(prisma, history, parents),
      ([row]) => row ?? { count: 0, percentiles: null },
    ),
    timeInPool: byScope(
      (parents) => timesInPool(prisma, history, parents),
      (rows) => rows,
    ),
    moves: byScope(
      (parents) => moves(prisma, history, parents),
      (rows) => atMostMaxRows(rows, 'pairs of pools'),
    ),
    throughput: byScope((parents) => throughput(prisma, history, parents), upToMaxDays),
    workInProgress: byScope((parents) => workInProgress(prisma, history, parents), upToMaxDays),
  };
}
