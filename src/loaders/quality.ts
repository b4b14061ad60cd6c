import type { PrismaClient } from '../database/generated/client/client.ts';
import { decisions, firstPasses, rejections, rework } from '../database/quality.ts';
import type { History } from '../database/scope.ts';
import { atMostMaxRows } from '../domain/time.ts';
import { byScope } from './scopes.ts';

/** How good the work of scopes was. */
export function qualityLoaders(prisma: PrismaClient, history: History) {
  return {
    firstPass: byScope(
      (parents) => firstPasses(prisma, history, parents),
      ([row]) => row ?? { completed: 0, firstPass: 0 },
    ),
    /** Each decision that was taken, by the code of its action. */
    decisions: byScope(
      async (parents) =>
        // Each stands for itself: one that may not be told takes no other with it.
        (await decisions(prisma, history, parents)).map((decision) => ({
          parent: decision.parent,
          decision,
        })),
      (rows) => new Map(rows.map(({ decision }) => [decision.action, decision])),
    ),
    rework: byScope(
      (parents) => rework(prisma, history, parents),
      ([row]) => row ?? { submissions: 0, instances: 0n },
    ),
    rejections: byScope(
      (parents) => rejections(prisma, history, parents),
      (rows) => atMostMaxRows(rows, 'pairs of annotator and checker'),
    ),
  };
}
