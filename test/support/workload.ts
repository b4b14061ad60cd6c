import { POOL_TYPE, TASK_ACTION } from '../../src/domain/codes.ts';
import { matches, type Filter } from './list-evaluation.ts';
import { coded, compare, KEYS, plain, poolCode, type TestKey } from './list-measures.ts';
import type { ModelRow, Value } from './list-rows.ts';
import { isoWeek, localDay, localTime } from './local-time.ts';

/** A record, or a rejection as if it were that of the one who received it; under one of its operation keys, if those count. */
interface Entry {
  row: ModelRow;
  received: boolean;
  operation?: [string, number] | undefined;
}

export const WORKLOAD_KEYS: Record<string, TestKey> = {
  CAMPAIGN: {
    value: (row) => campaignOf(row).values.campaignId!,
    select: 'campaign { campaignId }',
    show: (id) => ({ campaign: { campaignId: id } }),
  },
  ANNOTATION_REQUEST: KEYS.AnnotationHistory.ANNOTATION_REQUEST!,
  POOL: KEYS.AnnotationHistory.POOL!,
  POOL_TYPE: coded('poolType', POOL_TYPE, poolCode),
  TEAM_ID: plain('teamId'),
  POOL_ASSIGNEE_ID: plain('poolAssigneeId'),
  CREATOR_ID: plain('creatorId'),
  ACTION: KEYS.AnnotationHistory.ACTION!,
};
export const UNITS = ['HOUR', 'DAY', 'ISO_WEEK', 'MONTH'];
export const OPERATION_KEY = 'OPERATION_KEY';

export const MEASURES =
  'recordCount taskCount instances attributes frames submissions checks samplings rejectionsGiven returnsGiven rejectionsReceived returnsReceived workingDays firstRecordAt lastRecordAt';

export interface WorkloadQuery {
  groupBy: string[];
  filter: Filter;
  timeZone: string;
}

export const campaignOf = (row: ModelRow) =>
  (row.related.task as ModelRow).related.campaign as ModelRow;

const timeOf = (row: ModelRow) => Date.parse(row.values.createdTime as string);
const idOf = (row: ModelRow) => row.values.recordId as bigint;

/** Whether a record was done before another: by time, then id. */
export function isBefore(a: ModelRow, b: ModelRow): boolean {
  return timeOf(a) !== timeOf(b) ? timeOf(a) < timeOf(b) : idOf(a) < idOf(b);
}

/** The task's latest record of an action before another of its records. */
export function latestBefore(
  history: readonly ModelRow[],
  record: ModelRow,
  action: number,
): ModelRow | undefined {
  let latest: ModelRow | undefined;
  for (const other of history) {
    if (other.related.task !== record.related.task || other.values.actionCode !== action) continue;
    if (isBefore(other, record) && (!latest || isBefore(latest, other))) latest = other;
  }
  return latest;
}

/** The rejections, each as if its people were those of the submission it is about. */
function receivedRows(history: readonly ModelRow[]): ModelRow[] {
  const { REJECT, RETURN_FROM_WORK_POOL, SUBMIT_ANNOTATION } = TASK_ACTION;
  return history
    .filter(({ values }) => [REJECT, RETURN_FROM_WORK_POOL].includes(values.actionCode as 10))
    .flatMap((row) => {
      const submission = latestBefore(history, row, SUBMIT_ANNOTATION);
      if (!submission) return [];
      const { teamId, poolAssigneeId, creatorId } = submission.values;
      return [
        {
          ...row,
          values: { ...row.values, teamId, poolAssigneeId, creatorId } as ModelRow['values'],
        },
      ];
    });
}

/** The start of an hour on local clocks, or the name of a longer stretch. */
function bucketOf(row: ModelRow, unit: string, timeZone: string): string {
  const time = timeOf(row);
  if (unit === 'HOUR') {
    const [, minutes, seconds] = localTime(time, timeZone).slice(11).split(':').map(Number);
    const start = time - (minutes! * 60 + seconds!) * 1000 - (time % 1000);
    return new Date(start).toISOString();
  }
  const day = localDay(time, timeZone);
  return { DAY: day, ISO_WEEK: isoWeek(day), MONTH: day.slice(0, 7) }[unit]!;
}

const labelOf = (bucket: string, unit: string, timeZone: string) =>
  unit === 'HOUR' ? localTime(bucket, timeZone).slice(0, 16) : bucket;

function measure(entries: readonly Entry[], byOperation: boolean, timeZone: string): object {
  const own = entries.filter(({ received }) => !received);
  const rows = own.map(({ row }) => row);
  const sum = (values: number[]) => String(values.reduce((total, value) => total + value, 0));
  const count = (action: number, whose = own) =>
    whose.filter(({ row }) => row.values.actionCode === action).length;
  const received = entries.filter((entry) => entry.received);
  const tasks = [...new Set(rows.map((row) => row.related.task as ModelRow))];
  const framesOf = (task: ModelRow) =>
    rows
      .filter((row) => row.related.task === task)
      .reduce((last, row) => (isBefore(last, row) ? row : last)).values.frameCount as number;
  const times = rows.map((row) => row.values.createdTime as string).sort();
  return {
    recordCount: rows.length,
    taskCount: tasks.length,
    instances: sum(
      own.map(({ row, operation }) =>
        byOperation ? (operation?.[1] ?? 0) : (row.values.instanceNum as number),
      ),
    ),
    attributes: byOperation ? null : sum(rows.map((row) => row.values.attributesNum as number)),
    frames: byOperation ? null : sum(tasks.map(framesOf)),
    submissions: count(7),
    checks: count(8),
    samplings: count(9),
    rejectionsGiven: count(10),
    returnsGiven: count(17),
    rejectionsReceived: count(10, received),
    returnsReceived: count(17, received),
    workingDays: new Set(times.map((time) => localDay(time, timeZone))).size,
    firstRecordAt: times[0] ?? null,
    lastRecordAt: times.at(-1) ?? null,
  };
}

const idsOf = (entries: readonly Entry[], received: boolean) =>
  entries
    .filter((entry) => entry.received === received)
    .map(({ row }) => idOf(row))
    .sort((a, b) => (a < b ? -1 : 1))
    .map(String);

export interface ExpectedGroup {
  shown: object;
  records: string[];
  receivedRecords: string[];
}

/** The workload worked out record by record, in the order of the keys: of all records, or of those in a scope. */
export function workloadOf(
  history: readonly ModelRow[],
  { groupBy, filter, timeZone }: WorkloadQuery,
  isInScope: (row: ModelRow) => boolean = () => true,
): ExpectedGroup[] {
  const byOperation = groupBy.includes(OPERATION_KEY);
  const entries = [
    ...history.map((row): Entry => ({ row, received: false })),
    ...receivedRows(history).map((row): Entry => ({ row, received: true })),
  ]
    .filter(({ row }) => isInScope(row) && matches(row, filter))
    .flatMap((entry): Entry[] => {
      if (!byOperation) return [entry];
      const info = Object.entries(
        entry.row.values.instanceInfo as unknown as Record<string, number>,
      );
      return info.length === 0 ? [entry] : info.map((operation) => ({ ...entry, operation }));
    });
  const valueOf = ({ row, operation }: Entry, key: string): Value => {
    if (key === OPERATION_KEY) return operation?.[0] ?? null;
    if (UNITS.includes(key)) return bucketOf(row, key, timeZone);
    return WORKLOAD_KEYS[key]!.value(row);
  };
  const groups = new Map<string, { values: Value[]; entries: Entry[] }>();
  for (const entry of entries) {
    const values = groupBy.map((key) => valueOf(entry, key));
    const id = values.map((value) => `${typeof value} ${String(value)}`).join('\n');
    if (!groups.has(id)) groups.set(id, { values, entries: [] });
    groups.get(id)!.entries.push(entry);
  }
  const show = (key: string, value: Value): object => {
    if (key === OPERATION_KEY) return { operationKey: value };
    if (UNITS.includes(key)) return { time: { label: labelOf(value as string, key, timeZone) } };
    return WORKLOAD_KEYS[key]!.show(value);
  };
  return [...groups.values()]
    .sort((a, b) => a.values.map((v, i) => compare(v, b.values[i]!)).find((c) => c !== 0) ?? 0)
    .map(({ values, entries: some }) => ({
      shown: {
        ...(Object.assign({}, ...groupBy.map((key, i) => show(key, values[i]!))) as object),
        ...measure(some, byOperation, timeZone),
      },
      records: idsOf(some, false),
      receivedRecords: idsOf(some, true),
    }));
}

/** What to ask of a group to see its keys and measures. */
export function workloadSelection(groupBy: readonly string[]): string {
  const keys = groupBy.map((key) => {
    if (key === OPERATION_KEY) return 'operationKey';
    return UNITS.includes(key) ? 'time { label }' : WORKLOAD_KEYS[key]!.select;
  });
  return `${keys.join(' ')} ${MEASURES}`;
}
