import type { TASK_ACTION } from '../domain/codes.ts';
import { LISTS } from '../domain/lists/fields.ts';
import type { TimeBucket } from '../domain/time.ts';
import {
  isWorkloadMeasure,
  WORKLOAD_KEYS,
  type WorkloadGrouping,
  type WorkloadKey,
  type WorkloadMeasure,
} from '../domain/workload.ts';
import type { RawRow } from './aggregates.ts';
import { actions, SENT_BACK, SUBMITTED } from './codes.ts';
import { cellSql, type Cell, type Evidence } from './evidence.ts';
import { Prisma, type PrismaClient } from './generated/client/client.ts';
import type { RangeKey } from './ranges.ts';
import { SCOPE_COLUMNS, type ScopeKind } from './scope.ts';
import {
  countReport,
  pageOfReport,
  ROW_OPERATORS,
  type ReportCount,
  type ReportPage,
} from './report.ts';
import { minGroupOf, OPERATOR, operatorsSql, type Judged } from './small-groups.ts';
import { bucketSql, localTime, nearBuckets, readBucket, stretchOf } from './time.ts';
import { columnOf, whereSql } from './where.ts';

/**
 * Records in groups, and what those come to. A group also has the rejections that its operators received: these are taken
 * for records of the one whose submission was rejected, so that filters and keys treat them as his.
 */

/** Which records are grouped, and how. */
export interface Workload {
  /** Whose records: of campaigns, requests or pools; undefined for all. */
  readonly scope: ScopeKind | undefined;
  readonly where: object | undefined;
  readonly grouping: WorkloadGrouping;
  readonly timeZone: string;
}

/** A group, by the names of its columns: keys, measures, and the cell of its evidence. */
export type WorkloadRow = Readonly<Record<string, unknown>> &
  Judged & {
    readonly cell: string;
    readonly parent: RangeKey | null;
  };

/** Who did something, as groups are made and counted by it. */
type Who = readonly string[];
const PEOPLE: Who = ['team_id', 'pool_assignee_id', 'creator_id'];
const COUNTED_PEOPLE: Who = [...PEOPLE, OPERATOR];

const OWN_COLUMNS = [
  'id',
  'task_id',
  'annotation_request_id',
  'campaign_id',
  'pool_id',
  'status',
  'action_type',
  'created_time',
  'instance_info',
  'instance_num',
  'instance_sum',
  'attributes_num',
  'attributes_sum',
  'frame_count',
];

const columns = (alias: string, names: readonly string[]) =>
  Prisma.raw(names.map((name) => `${alias}.${name}`).join(', '));

/** The records that send a task back, each with the people of the submission that it sends back: the task's latest earlier one. */
const received = (who: Who) => Prisma.sql`(
  SELECT ${columns('rejection', OWN_COLUMNS)}, ${columns('submission', who)}
  FROM annotation_history AS rejection CROSS JOIN LATERAL (
    SELECT ${columns('earlier', who)} FROM annotation_history AS earlier
    WHERE earlier.task_id = rejection.task_id AND earlier.action_type IN ${SUBMITTED}
      AND (earlier.created_time, earlier.id) < (rejection.created_time, rejection.id)
    ORDER BY earlier.created_time DESC, earlier.id DESC LIMIT 1) AS submission
  WHERE rejection.action_type IN ${SENT_BACK})`;

export type Source = 'own' | 'received';

const SOURCES: Record<Source, (who: Who) => Prisma.Sql> = {
  own: () => Prisma.sql`annotation_history`,
  received,
};

function recordsSql(
  source: Source,
  { scope, where }: Workload,
  parents: readonly RangeKey[],
  who: Who,
): Prisma.Sql {
  const [column, type] = scope ? SCOPE_COLUMNS[scope] : [];
  const inScope = column
    ? Prisma.sql`t0.${Prisma.raw(column)} = ANY (${parents}::${Prisma.raw(type)}[])`
    : Prisma.sql`true`;
  return Prisma.sql`SELECT ${columns('t0', [...OWN_COLUMNS, ...who])},
      ${Prisma.raw(column ? `t0.${column}` : 'NULL::text')} AS parent, ${Prisma.raw(String(source === 'received'))} AS received
    FROM ${SOURCES[source](who)} AS t0
    WHERE ${inScope} AND ${whereSql('AnnotationHistory', 't0', where ?? {})}`;
}

const KEY_SQL: Readonly<Record<WorkloadKey, string>> = {
  campaign: 'records.campaign_id',
  annotationRequest: 'records.annotation_request_id',
  pool: 'records.pool_id',
  poolType: 'pool.pool_type',
  teamId: 'records.team_id',
  poolAssigneeId: 'records.pool_assignee_id',
  creatorId: 'records.creator_id',
  action: 'records.action_type',
  operationKey: 'operation.key COLLATE "C"',
};

/** What records are grouped by: a column for each key, and one for the time. */
interface KeyColumns {
  /** The scope and the keys; no two groups have all of them in common. */
  names: Prisma.Sql;
  /** The same as they are worked out from a record. */
  selected: Prisma.Sql;
  joins: Prisma.Sql;
  cell: Prisma.Sql;
}

const name = (key: WorkloadKey) => `by_${columnOf(key)}`;
const TIME = Prisma.raw('by_time');

function keyColumns({ grouping: { keys, unit }, timeZone }: Workload): KeyColumns {
  const joins = [
    ...(keys.includes('poolType') ? ['JOIN pool ON pool.id = records.pool_id'] : []),
    ...(keys.includes('operationKey')
      ? ['LEFT JOIN LATERAL jsonb_each_text(records.instance_info) AS operation ON true']
      : []),
  ];
  const names = [
    Prisma.raw('parent'),
    ...keys.map((key) => Prisma.raw(name(key))),
    ...(unit ? [TIME] : []),
  ];
  const selected = [
    Prisma.raw('records.parent'),
    ...keys.map((key) => Prisma.raw(`${KEY_SQL[key]} AS ${name(key)}`)),
    ...(unit
      ? [Prisma.sql`${stretchOf(Prisma.raw('records.created_time'), unit, timeZone)} AS ${TIME}`]
      : []),
  ];
  return {
    names: Prisma.join(names),
    selected: Prisma.join(selected),
    joins: Prisma.raw(joins.join(' ')),
    cell: cellSql(names),
  };
}

const OWN = Prisma.sql`NOT received`;
const ownBy = (action: keyof typeof TASK_ACTION) =>
  Prisma.sql`action_type IN ${actions(action)} AND NOT received`;
const receivedBy = (action: keyof typeof TASK_ACTION) =>
  Prisma.sql`action_type IN ${actions(action)} AND received`;

const isByOperation = ({ grouping }: Workload) => grouping.keys.includes('operationKey');

/** The records of a group that a measure is made of. */
function recordsOf(measure: WorkloadMeasure, workload: Workload): Prisma.Sql {
  switch (measure) {
    case 'recordCount':
    case 'taskCount':
    case 'workingDays':
    case 'firstRecordAt':
    case 'lastRecordAt':
      return OWN;
    // Who touched nothing has added nothing.
    case 'instances':
      return isByOperation(workload)
        ? Prisma.sql`NOT received AND operation_count <> 0`
        : Prisma.sql`NOT received AND instance_num <> 0`;
    case 'attributes':
      return Prisma.sql`NOT received AND attributes_num <> 0`;
    case 'frames':
      return isByOperation(workload) ? OWN : Prisma.sql`is_last`;
    case 'submissions':
      return ownBy('SUBMIT_ANNOTATION');
    case 'checks':
      return ownBy('CHECK');
    case 'samplings':
      return ownBy('SAMPLING');
    case 'rejectionsGiven':
      return ownBy('REJECT');
    case 'returnsGiven':
      return ownBy('RETURN_FROM_WORK_POOL');
    case 'rejectionsReceived':
      return receivedBy('REJECT');
    case 'returnsReceived':
      return receivedBy('RETURN_FROM_WORK_POOL');
  }
}

function measureSql(measure: WorkloadMeasure, workload: Workload): Prisma.Sql {
  const of = Prisma.sql`FILTER (WHERE ${recordsOf(measure, workload)})`;
  const sum = (column: string) => Prisma.sql`coalesce(sum(${Prisma.raw(column)}) ${of}, 0)::bigint`;
  const untold = Prisma.sql`NULL::bigint`;
  switch (measure) {
    case 'taskCount':
      return Prisma.sql`count(DISTINCT task_id) ${of}`;
    case 'instances':
      return sum(isByOperation(workload) ? 'operation_count' : 'instance_num');
    case 'attributes':
      return isByOperation(workload) ? untold : sum('attributes_num');
    case 'frames':
      return isByOperation(workload) ? untold : sum('frame_count');
    case 'workingDays':
      return Prisma.sql`count(DISTINCT ${localTime(Prisma.raw('created_time'), workload.timeZone)}::date) ${of}`;
    case 'firstRecordAt':
      return Prisma.sql`min(created_time) ${of}`;
    case 'lastRecordAt':
      return Prisma.sql`max(created_time) ${of}`;
    case 'recordCount':
    case 'submissions':
    case 'checks':
    case 'samplings':
    case 'rejectionsGiven':
    case 'returnsGiven':
    case 'rejectionsReceived':
    case 'returnsReceived':
      return Prisma.sql`count(*) ${of}`;
  }
}

/** How many people a group is of: all whose records it has, and those whose records a measure is made of. */
function operatorsOf(measures: ReadonlySet<WorkloadMeasure>, workload: Workload): Prisma.Sql {
  const conditions = [...measures].map((measure) => recordsOf(measure, workload));
  const different = new Map(conditions.map((condition) => [condition.sql, condition]));
  return operatorsSql([Prisma.sql`true`, ...different.values()]);
}

/**
 * A statement that gives the groups, with keys, measures and cells under their own names.
 * @param isCounted whether each is to say of how many people it is.
 */
export function groupsSql(
  workload: Workload,
  parents: readonly RangeKey[],
  measures: ReadonlySet<WorkloadMeasure>,
  isCounted: boolean,
): Prisma.Sql {
  const { grouping, timeZone } = workload;
  const keys = keyColumns(workload);
  const byOperation = isByOperation(workload);
  const who = isCounted ? COUNTED_PEOPLE : PEOPLE;
  // A task's last record in its group, which the number of its frames is taken from.
  const last = Prisma.sql`, NOT received AND row_number() OVER (
    PARTITION BY received, ${keys.names}, task_id ORDER BY created_time DESC, id DESC) = 1 AS is_last`;
  const keyed = Prisma.sql`SELECT ${keys.selected}, records.received, records.task_id, records.id,
      records.action_type, records.created_time, records.instance_num, records.attributes_num,
      records.frame_count ${Prisma.raw(byOperation ? ', operation.value::numeric AS operation_count' : '')}
      ${Prisma.raw(isCounted ? `, records.${OPERATOR}` : '')}
    FROM (${recordsSql('own', workload, parents, who)} UNION ALL ${recordsSql('received', workload, parents, who)}) AS records
    ${keys.joins}`;
  const operators = Prisma.raw(ROW_OPERATORS);
  const measured = [
    ...[...measures].map(
      (measure) =>
        Prisma.sql`, ${measureSql(measure, workload)} AS ${Prisma.raw(columnOf(measure))}`,
    ),
    ...(isCounted ? [Prisma.sql`, ${operatorsOf(measures, workload)} AS ${operators}`] : []),
  ];
  const shown = [
    ...grouping.keys.map((key) =>
      Prisma.raw(`${name(key)} AS ${columnOf(WORKLOAD_KEYS[key].column)}`),
    ),
    ...(grouping.unit ? [bucketSql(TIME, grouping.unit, timeZone)] : []),
    ...[...measures].map((measure) => Prisma.raw(columnOf(measure))),
    ...(isCounted ? [operators] : []),
  ];
  return Prisma.sql`SELECT parent, ${keys.cell} AS cell ${shown.length > 0 ? Prisma.sql`, ${Prisma.join(shown)}` : Prisma.empty}
    FROM (
      SELECT ${keys.names} ${measured.length > 0 ? Prisma.join(measured, ' ') : Prisma.empty}
      FROM (SELECT * ${measures.has('frames') && !byOperation ? last : Prisma.empty} FROM (${keyed}) AS keyed) AS records
      GROUP BY ${keys.names}) AS grouped`;
}

/** The same for whoever asks by a client. */
function groupsFor(
  prisma: PrismaClient,
  workload: Workload,
  parents: readonly RangeKey[],
  measures: ReadonlySet<WorkloadMeasure>,
): Prisma.Sql {
  return groupsSql(workload, parents, measures, minGroupOf(prisma) !== undefined);
}

function readRow(
  raw: RawRow,
  { grouping }: Workload,
  measures: Iterable<WorkloadMeasure>,
): WorkloadRow {
  const values = [...grouping.columns, ...measures].map((column) => {
    const value = raw[columnOf(column)];
    const isInt = isWorkloadMeasure(column) && LISTS.Workload.fields[column]!.kind === 'int';
    return [column, isInt ? Number(value) : value] as const;
  });
  return {
    ...Object.fromEntries(values),
    ...(grouping.unit && { time: readBucket(raw) }),
    ...(raw.rank !== undefined && { rank: Number(raw.rank) }),
    cell: raw.cell as string,
    parent: raw.parent as RangeKey | null,
    refused: raw.refused as Judged['refused'],
  };
}

/** One page of groups of each scope, in one statement, by the key of the scope; of all records, under null. */
export async function pageOfWorkload(
  prisma: PrismaClient,
  workload: Workload,
  parents: readonly RangeKey[],
  measures: ReadonlySet<WorkloadMeasure>,
  page: ReportPage,
): Promise<Map<RangeKey | null, WorkloadRow[]>> {
  const rows = await pageOfReport(prisma, groupsFor(prisma, workload, parents, measures), page);
  const pages = new Map<RangeKey | null, WorkloadRow[]>();
  for (const raw of rows) {
    const row = readRow(raw, workload, measures);
    const page = pages.get(row.parent);
    if (page) page.push(row);
    else pages.set(row.parent, [row]);
  }
  return pages;
}

/** How many groups each scope has. */
export function countWorkload(
  prisma: PrismaClient,
  workload: Workload,
  parents: readonly RangeKey[],
  measures: ReadonlySet<WorkloadMeasure>,
  having: object | undefined,
): Promise<Map<RangeKey | null, ReportCount>> {
  return countReport(prisma, groupsFor(prisma, workload, parents, measures), having);
}

/** Keeps records to those that groups can have, as far as an index can help: the keys that are columns, and the time. */
function nearGroups(groups: readonly Cell<WorkloadRow>[], { grouping }: Workload): Prisma.Sql {
  const rows = groups.map(({ values }) => values);
  const direct = grouping.keys.filter((key) => key !== 'poolType' && key !== 'operationKey');
  const conditions = direct.map((key) => {
    const column = Prisma.raw(`records.${columnOf(WORKLOAD_KEYS[key].column)}`);
    const values = [...new Set(rows.map((row) => row[WORKLOAD_KEYS[key].column]))];
    const known = values.filter((value) => value !== null);
    const among = Prisma.sql`${column} = ANY (${known})`;
    return values.length > known.length ? Prisma.sql`(${among} OR ${column} IS NULL)` : among;
  });
  if (grouping.unit) {
    const buckets = rows.map(({ time }) => time as TimeBucket);
    conditions.push(nearBuckets(Prisma.raw('records.created_time'), buckets));
  }
  return conditions.length > 0 ? Prisma.join(conditions, ' AND ') : Prisma.sql`true`;
}

/** The records that groups are made of: their own, or the rejections that they received. */
export function workloadEvidence(source: Source, workload: Workload): Evidence<WorkloadRow> {
  return {
    model: 'AnnotationHistory',
    rows: (groups) => {
      const parents = groups.flatMap(({ values }) =>
        values.parent === null ? [] : [values.parent],
      );
      const keys = keyColumns(workload);
      return Prisma.sql`SELECT ${keys.cell} AS cell, id FROM (
        SELECT ${keys.selected}, records.id
        FROM (${recordsSql(source, workload, [...new Set(parents)], PEOPLE)}) AS records ${keys.joins}
        WHERE ${nearGroups(groups, workload)}) AS keyed`;
    },
  };
}
