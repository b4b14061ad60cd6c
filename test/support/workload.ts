import type { Database } from '../../src/database/database.ts';
import { POOL_TYPE } from '../../src/domain/codes.ts';
import type { Entity } from '../../src/domain/entities.ts';
import { matches, type Filter } from './list-evaluation.ts';
import { coded, compare, KEYS, plain, poolCode, type TestKey } from './list-measures.ts';
import { rowsOfEntities, type ModelRow, type Value } from './list-rows.ts';
import { isoWeek, localDay, localTime } from './local-time.ts';
import { ascending, inOrder, sendsBack, stepOf, submissionBefore } from './records.ts';
import { replaceAll } from './rows.ts';

/** Puts entities in the place of all that a database has, and gives the records among them as rows. */
export async function importRows(database: Database, entities: Entity[]): Promise<ModelRow[]> {
  await replaceAll(database, entities);
  return rowsOfEntities(entities).AnnotationHistory;
}

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

export const timeOf = (row: ModelRow) => Date.parse(row.values.createdTime as string);
const idOf = (row: ModelRow) => row.values.recordId as bigint;

/** The rejections, each as if its people were those of the submission it is about. */
function receivedRows(history: readonly ModelRow[]): ModelRow[] {
  return history
    .filter((row) => sendsBack(stepOf(row)))
    .flatMap((row) => {
      const { annotationHistory } = (row.related.task as ModelRow).related;
      const records = (annotationHistory as ModelRow[]).map(stepOf);
      const submission = submissionBefore(records, stepOf(row));
      if (!submission) return [];
      const { teamId, poolAssigneeId, creatorId } = submission;
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
      .reduce((last, row) => (inOrder(stepOf(last), stepOf(row)) < 0 ? row : last)).values
      .frameCount as number;
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
  ascending(entries.filter((entry) => entry.received === received).map(({ row }) => idOf(row))).map(
    String,
  );

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
