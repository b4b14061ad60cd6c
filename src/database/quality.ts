import type { TASK_ACTION } from '../domain/codes.ts';
import { MAX_ROWS } from '../domain/time.ts';
import { actions, COMPLETED, SENT_BACK, SUBMITTED } from './codes.ts';
import { cellSql, evidenceOfScopes, SCOPE_CELL } from './evidence.ts';
import { Prisma, type PrismaClient } from './generated/client/client.ts';
import type { RangeKey } from './ranges.ts';
import { IN_TASK, recordsOfScopes, type History } from './scope.ts';
import {
  OPERATOR,
  operatorColumn,
  operatorsColumn,
  operatorsSql,
  type Judged,
} from './small-groups.ts';
import { inTimeRange } from './time.ts';

const AT = Prisma.raw('created_time');

/** How many people have submitted the tasks of a group, for those whom it matters to. */
const SUBMITTERS = Prisma.sql`(
  SELECT nullif(count(DISTINCT ${Prisma.raw(OPERATOR)}), 0) FROM annotation_history
  WHERE task_id = ANY (array_agg(of_group.task_id)) AND action_type IN ${SUBMITTED})`;

/** The tasks that were submitted at any time, and completed for the first time in the range. */
function completedTasks({ scope, timeRange }: History, parents: readonly RangeKey[]): Prisma.Sql {
  return Prisma.sql`SELECT parent, task_id, coalesce(sent_back < completed, false) AS reworked
    FROM (
      SELECT parent, task_id, bool_or(action_type IN ${SUBMITTED}) AS submitted,
        min(place) FILTER (WHERE action_type IN ${SENT_BACK}) AS sent_back,
        min(place) FILTER (WHERE action_type IN ${COMPLETED}) AS completed,
        min(created_time) FILTER (WHERE action_type IN ${COMPLETED}) AS completed_at
      FROM (
        SELECT parent, task_id, action_type, created_time, row_number() OVER ${IN_TASK} AS place
        FROM (${recordsOfScopes(scope, parents)}) AS records
        WHERE action_type IN ${COMPLETED} OR action_type IN ${SUBMITTED} OR action_type IN ${SENT_BACK}) AS steps
      GROUP BY parent, task_id) AS tasks
    WHERE submitted AND completed IS NOT NULL AND ${inTimeRange(Prisma.raw('completed_at'), timeRange)}`;
}

export interface FirstPassRow extends Judged {
  readonly parent: RangeKey;
  readonly completed: number;
  readonly firstPass: number;
}

/** How many tasks were completed, and how many of them without having been sent back; a scope without any is left out. */
export function firstPasses(
  prisma: PrismaClient,
  history: History,
  parents: readonly RangeKey[],
): Promise<FirstPassRow[]> {
  return prisma.$queryRaw`
    SELECT parent, count(*)::int AS completed, (count(*) FILTER (WHERE NOT reworked))::int AS "firstPass"
      ${operatorsColumn(prisma, () => SUBMITTERS)}
    FROM (${completedTasks(history, parents)}) AS of_group GROUP BY parent`;
}

export const completedEvidence = (history: History) =>
  evidenceOfScopes(
    'Task',
    (parents) =>
      Prisma.sql`SELECT ${SCOPE_CELL}, task_id AS id FROM (${completedTasks(history, parents)}) AS tasks`,
  );

export const reworkedEvidence = (history: History) =>
  evidenceOfScopes(
    'Task',
    (parents) =>
      Prisma.sql`SELECT ${SCOPE_CELL}, task_id AS id FROM (${completedTasks(history, parents)}) AS tasks WHERE reworked`,
  );

type Decision = Extract<
  keyof typeof TASK_ACTION,
  'CHECK' | 'SAMPLING' | 'REJECT' | 'RETURN_FROM_WORK_POOL'
>;

/**
 * The records of a decision.
 * @param operator the column that has their operators, where these are counted.
 */
function decided(
  { scope, timeRange }: History,
  decisions: readonly Decision[],
  parents: readonly RangeKey[],
  operator = Prisma.empty,
): Prisma.Sql {
  return Prisma.sql`SELECT parent, id, task_id, action_type ${operator} FROM (${recordsOfScopes(scope, parents)}) AS records
    WHERE action_type IN ${actions(...decisions)} AND ${inTimeRange(AT, timeRange)}`;
}

export interface DecisionRow extends Judged {
  readonly parent: RangeKey;
  readonly action: number;
  readonly count: number;
}

/** How many records there are of each decision; one that was never taken is left out. */
export function decisions(
  prisma: PrismaClient,
  history: History,
  parents: readonly RangeKey[],
): Promise<DecisionRow[]> {
  const all = ['CHECK', 'SAMPLING', 'REJECT', 'RETURN_FROM_WORK_POOL'] as const;
  // A decision is the work of those who took it, about the work of those who submitted.
  const operators = () => Prisma.sql`least(${operatorsSql()}, ${SUBMITTERS})`;
  return prisma.$queryRaw`
    SELECT parent, action_type AS action, count(*)::int AS count ${operatorsColumn(prisma, operators)}
    FROM (${decided(history, all, parents, operatorColumn(prisma))}) AS of_group GROUP BY parent, action_type`;
}

export const decisionEvidence = (history: History, decision: Decision) =>
  evidenceOfScopes(
    'AnnotationHistory',
    (parents) =>
      Prisma.sql`SELECT ${SCOPE_CELL}, id FROM (${decided(history, [decision], parents)}) AS decided`,
  );

/**
 * The submissions of tasks that had been sent back before.
 * @param operator the column that has their operators, where these are counted.
 */
function resubmitted(
  { scope, timeRange }: History,
  parents: readonly RangeKey[],
  operator = Prisma.empty,
): Prisma.Sql {
  return Prisma.sql`SELECT parent, id, instance_num ${operator}
    FROM (
      SELECT parent, id, action_type, created_time, instance_num ${operator},
        bool_or(action_type IN ${SENT_BACK}) OVER ${IN_TASK} AS sent_back
      FROM (${recordsOfScopes(scope, parents)}) AS records
      WHERE action_type IN ${SUBMITTED} OR action_type IN ${SENT_BACK}) AS steps
    WHERE action_type IN ${SUBMITTED} AND sent_back AND ${inTimeRange(AT, timeRange)}`;
}

/** The records that are counted, and those that add instances. */
const ADDING = [Prisma.sql`true`, Prisma.sql`instance_num <> 0`];

export interface ReworkRow extends Judged {
  readonly parent: RangeKey;
  readonly submissions: number;
  readonly instances: bigint;
}

/** What was submitted once more; a scope in which nothing was is left out. */
export function rework(
  prisma: PrismaClient,
  history: History,
  parents: readonly RangeKey[],
): Promise<ReworkRow[]> {
  return prisma.$queryRaw`
    SELECT parent, count(*)::int AS submissions, sum(instance_num)::bigint AS instances
      ${operatorsColumn(prisma, () => operatorsSql(ADDING))}
    FROM (${resubmitted(history, parents, operatorColumn(prisma))}) AS resubmitted GROUP BY parent`;
}

export const reworkEvidence = (history: History) =>
  evidenceOfScopes(
    'AnnotationHistory',
    (parents) =>
      Prisma.sql`SELECT ${SCOPE_CELL}, id FROM (${resubmitted(history, parents)}) AS resubmitted`,
  );

/** The records that send a task back, each with who submitted what it sends back, and who sent it. */
function rejected({ scope, timeRange }: History, parents: readonly RangeKey[]): Prisma.Sql {
  // A task's submissions are counted on, so that each is the only one among the records up to the next.
  return Prisma.sql`SELECT parent, id, action_type, annotator_id, checker_id
    FROM (
      SELECT parent, id, action_type, created_time, pool_assignee_id AS checker_id,
        max(pool_assignee_id) FILTER (WHERE action_type IN ${SUBMITTED})
          OVER (PARTITION BY parent, task_id, submission) AS annotator_id
      FROM (
        SELECT parent, task_id, id, action_type, created_time, pool_assignee_id,
          count(*) FILTER (WHERE action_type IN ${SUBMITTED}) OVER ${IN_TASK} AS submission
        FROM (${recordsOfScopes(scope, parents)}) AS records
        WHERE action_type IN ${SUBMITTED} OR action_type IN ${SENT_BACK}) AS steps) AS judged
    WHERE action_type IN ${SENT_BACK} AND ${inTimeRange(AT, timeRange)}`;
}

const PAIR_CELL = cellSql(['parent', 'annotator_id', 'checker_id'].map((name) => Prisma.raw(name)));

export interface RejectionsRow {
  readonly parent: RangeKey;
  readonly cell: string;
  readonly annotatorId: bigint | null;
  readonly checkerId: bigint | null;
  readonly returns: number;
  readonly rejects: number;
  readonly total: number;
}

/** How often each checker sent back each annotator's work, most first; of each scope one pair more than it may list. */
export function rejections(
  prisma: PrismaClient,
  history: History,
  parents: readonly RangeKey[],
): Promise<RejectionsRow[]> {
  return prisma.$queryRaw`
    SELECT parent, ${PAIR_CELL} AS cell, annotator_id AS "annotatorId", checker_id AS "checkerId",
      returns::int AS returns, rejects::int AS rejects, total::int AS total
    FROM (
      SELECT *, row_number() OVER (PARTITION BY parent ORDER BY total DESC, annotator_id, checker_id) AS place
      FROM (
        SELECT parent, annotator_id, checker_id, count(*) AS total,
          count(*) FILTER (WHERE action_type IN ${actions('RETURN_FROM_WORK_POOL')}) AS returns,
          count(*) FILTER (WHERE action_type IN ${actions('REJECT')}) AS rejects
        FROM (${rejected(history, parents)}) AS rejected
        GROUP BY parent, annotator_id, checker_id) AS pairs) AS numbered
    WHERE place <= ${BigInt(MAX_ROWS + 1)} ORDER BY place`;
}

export const rejectionsEvidence = (history: History) =>
  evidenceOfScopes(
    'AnnotationHistory',
    (parents) =>
      Prisma.sql`SELECT ${PAIR_CELL} AS cell, id FROM (${rejected(history, parents)}) AS rejected`,
  );
