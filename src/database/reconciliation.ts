import { TASK_ACTION, TASK_STATUS } from '../domain/codes.ts';
import { DISCREPANCY_KINDS, type DiscrepancyKind } from '../domain/reconciliation.ts';
import { cellSql, type Cell, type Evidence } from './evidence.ts';
import { Prisma, type PrismaClient } from './generated/client/client.ts';
import { SCOPE_COLUMNS, type ScopeKind } from './scope.ts';
import { tellingNoWork } from './small-groups.ts';

/** Where tasks as they stand now and their records disagree, or records among themselves. */

/** Whose tasks and records are checked. */
export type ReconciledScope = Exclude<ScopeKind, 'Pool'>;

/** What the rows of a discrepancy are found by. */
interface DiscrepancyKey {
  readonly parent: string;
  readonly kind: DiscrepancyKind;
}

/** One kind of disagreement in a scope, and how many records or tasks it concerns. */
export interface Discrepancy extends Cell<DiscrepancyKey> {
  readonly count: number;
}

/** What must not hold of a record or a task, and the id of the record that shows it. */
interface Check {
  readonly of: 'record' | 'task';
  readonly condition: string;
  readonly shownBy: string;
}

const ofRecord = (condition: string): Check => ({ of: 'record', condition, shownBy: 'record.id' });
const ofLast = (condition: string): Check => ({ of: 'task', condition, shownBy: 'last.id' });
// No record shows that one is missing.
const ofTask = (condition: string): Check => ({ of: 'task', condition, shownBy: 'NULL::bigint' });

const hasNo = (action: keyof typeof TASK_ACTION) => `NOT EXISTS (
  SELECT FROM annotation_history WHERE task_id = task.id AND action_type = ${TASK_ACTION[action]})`;

const CHECKS: Readonly<Record<DiscrepancyKind, Check>> = {
  // Most records touch no instance: not to look inside saves most of the time.
  RECORD_INSTANCES: ofRecord(`record.instance_num <> CASE WHEN record.instance_info = '{}' THEN 0
    ELSE (SELECT sum(info.value::numeric) FROM jsonb_each_text(record.instance_info) AS info) END`),
  TASK_INSTANCES: ofLast('task.instance_num <> last.instance_sum'),
  TASK_ATTRIBUTES: ofLast('task.attribute_num <> last.attributes_sum'),
  TASK_FRAMES: ofLast('task.frame_num <> last.frame_count'),
  TASK_STATUS: ofLast('task.status <> last.status'),
  TASK_POOL: ofLast('task.pool_id <> last.pool_id'),
  MISSING_INITIALIZATION: ofTask(hasNo('INITIALIZATION')),
  BACKWARDS: ofRecord('record.created_time < record.latest_so_far'),
  COMPLETED_WITHOUT_SUBMISSION: ofTask(
    `task.status = ${TASK_STATUS.APPROVED} AND ${hasNo('SUBMIT_ANNOTATION')}`,
  ),
};

/** The tasks or records that checks are made of, in the scope `parent.key`. */
const CHECKED: Readonly<Record<Check['of'], (column: string) => string>> = {
  record: (column) => `(
    SELECT *, max(created_time) OVER (PARTITION BY task_id ORDER BY id) AS latest_so_far
    FROM annotation_history WHERE ${column} = parent.key) AS record`,
  task: (column) => `(
    SELECT *, id AS task_id FROM task WHERE ${column} = parent.key) AS task
    LEFT JOIN LATERAL (
      SELECT * FROM annotation_history WHERE task_id = task.id
      ORDER BY created_time DESC, id DESC LIMIT 1) AS last ON true`,
};

/** The kind, the task and the record of everything of some kinds that fails its check in the scope `parent.key`. */
function failures(scope: ReconciledScope, kinds: readonly DiscrepancyKind[]): Prisma.Sql {
  const branches = (['record', 'task'] as const).flatMap((of) => {
    const checks = kinds.filter((kind) => CHECKS[kind].of === of);
    if (checks.length === 0) return [];
    const values = checks.map(
      (kind) => `('${kind}', ${CHECKS[kind].condition}, ${CHECKS[kind].shownBy})`,
    );
    return `SELECT checked.kind, ${of}.task_id, checked.record_id
      FROM ${CHECKED[of](SCOPE_COLUMNS[scope][0])}
      CROSS JOIN LATERAL (VALUES ${values.join(', ')}) AS checked (kind, fails, record_id)
      WHERE checked.fails`;
  });
  return Prisma.raw(branches.join(' UNION ALL '));
}

const CELL = cellSql([Prisma.raw('parent.key'), Prisma.raw('found.kind')]);

/** What does not add up in each scope, in one statement; nothing where everything does. */
export async function discrepanciesOfScopes(
  prisma: PrismaClient,
  scope: ReconciledScope,
  parents: readonly string[],
): Promise<Map<string, Discrepancy[]>> {
  const rows = await tellingNoWork(prisma).$queryRaw<
    (DiscrepancyKey & { cell: string; count: bigint })[]
  >`
    SELECT ${CELL} AS cell, parent.key AS parent, found.*
    FROM unnest(${parents}::text[]) AS parent (key)
    CROSS JOIN LATERAL (
      SELECT kind, count(*) AS count FROM (${failures(scope, DISCREPANCY_KINDS)}) AS failure
      GROUP BY kind) AS found`;
  const found = new Map<string, Discrepancy[]>(parents.map((parent) => [parent, []]));
  for (const { cell, count, parent, kind } of rows) {
    found.get(parent)!.push({ cell, values: { parent, kind }, count: Number(count) });
  }
  const place = ({ values }: Discrepancy) => DISCREPANCY_KINDS.indexOf(values.kind);
  for (const list of found.values()) list.sort((a, b) => place(a) - place(b));
  return found;
}

/** The tasks that discrepancies concern, or the records that show them. */
export function discrepancyEvidence(
  scope: ReconciledScope,
  model: 'Task' | 'AnnotationHistory',
): Evidence<DiscrepancyKey> {
  const id = Prisma.raw(model === 'Task' ? 'task_id' : 'record_id');
  return {
    model,
    rows: (cells) => {
      const parents = [...new Set(cells.map(({ values }) => values.parent))];
      const kinds = [...new Set(cells.map(({ values }) => values.kind))];
      // A task can concern a discrepancy by several of its records.
      return Prisma.sql`SELECT ${CELL} AS cell, found.id
        FROM unnest(${parents}::text[]) AS parent (key)
        CROSS JOIN LATERAL (
          SELECT DISTINCT kind, ${id} AS id FROM (${failures(scope, kinds)}) AS failure
          WHERE ${id} IS NOT NULL) AS found`;
    },
  };
}
