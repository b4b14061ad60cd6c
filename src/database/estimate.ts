import { MAX_WORKING_DAYS, type CompletionFacts } from '../domain/estimate.ts';
import { actions, COMPLETED, OVER } from './codes.ts';
import { Prisma, type PrismaClient } from './generated/client/client.ts';
import { RANGES, tasksOfParent, type RangeKey, type WorkRange } from './ranges.ts';
import { tellingNoWork } from './small-groups.ts';
import { localTime } from './time.ts';

/**
 * What the completion of each parent's tasks is estimated from, in one statement: the records up to an instant, or all.
 * Each task is judged by its own records, read by their index.
 */
export async function completionFacts(
  prisma: PrismaClient,
  range: WorkRange,
  parents: readonly RangeKey[],
  asOf: Date | undefined,
  timeZone: string,
): Promise<Map<RangeKey, CompletionFacts>> {
  const until = asOf ? Prisma.sql`AND created_time <= ${asOf}` : Prisma.empty;
  const now = asOf ? Prisma.sql`${asOf}::timestamptz` : Prisma.sql`latest`;
  const completedOn = Prisma.sql`${localTime(Prisma.raw('completed_at'), timeZone)}::date`;
  const rows = await tellingNoWork(prisma).$queryRaw<(CompletionFacts & { parent: RangeKey })[]>`
    SELECT parent.key AS parent, found.*
    FROM unnest(${parents}::${Prisma.raw(RANGES[range].keyType)}[]) AS parent (key)
    CROSS JOIN LATERAL (
      WITH task AS (
        SELECT past.* FROM (${tasksOfParent(range, asOf)}) AS task
        CROSS JOIN LATERAL (
          SELECT max(created_time) AS latest,
            min(created_time) FILTER (WHERE action_type IN ${COMPLETED}) AS completed_at,
            (array_agg(status ORDER BY created_time DESC, id DESC))[1] NOT IN ${OVER}
              AND NOT bool_or(action_type IN ${actions('INVALID')}) AS remains
          FROM annotation_history WHERE task_id = task.id ${until}) AS past
        WHERE past.latest IS NOT NULL),
      working_day AS (
        SELECT day, count(*) AS completions
        FROM (SELECT ${completedOn} AS day FROM task WHERE completed_at IS NOT NULL) AS completion
        GROUP BY day ORDER BY day DESC LIMIT ${BigInt(MAX_WORKING_DAYS)})
      SELECT ${now} AS "asOf", tasks, remaining, "workingDays", completions, "lowerQuartile", "upperQuartile",
        ${localTime(now, timeZone)}::date - first_day + 1 AS "calendarDays"
      FROM (
        SELECT count(*)::int AS tasks, count(*) FILTER (WHERE remains)::int AS remaining, max(latest) AS latest
        FROM task) AS totals
      CROSS JOIN (
        SELECT count(*)::int AS "workingDays", coalesce(sum(completions), 0)::int AS completions,
          percentile_cont(0.25) WITHIN GROUP (ORDER BY completions) AS "lowerQuartile",
          percentile_cont(0.75) WITHIN GROUP (ORDER BY completions) AS "upperQuartile",
          min(day) AS first_day
        FROM working_day) AS recent) AS found`;
  return new Map(rows.map(({ parent, ...facts }) => [parent, facts]));
}
