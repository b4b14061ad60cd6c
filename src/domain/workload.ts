import { GatewayError } from './errors.ts';
import { LISTS } from './lists/fields.ts';
import { groupKey, type GroupKey } from './lists/group-keys.ts';
import { readOrder, type OrderArgument, type OrderKey } from './lists/order.ts';
import { filterWhere, type Filter, type Where } from './lists/where.ts';
import { readKeysetPage, type ConnectionArguments, type KeysetPage } from './paging.ts';
import { readTimeZone } from './time.ts';

/** What records can be grouped by, beside time, by the names that GraphQL shows. */
export const WORKLOAD_KEYS = {
  campaign: groupKey('campaignId', { row: 'Campaign' }),
  annotationRequest: groupKey('annotationRequestId', { row: 'AnnotationRequest' }),
  pool: groupKey('poolId', { row: 'Pool' }),
  poolType: { column: 'poolType', kind: 'poolType', through: 'pool' },
  teamId: groupKey('teamId', 'bigint'),
  poolAssigneeId: groupKey('poolAssigneeId', 'bigint'),
  creatorId: groupKey('creatorId', 'bigint'),
  action: groupKey('actionType', 'taskAction'),
  operationKey: groupKey('operationKey', 'text'),
} as const satisfies Readonly<Record<string, GroupKey>>;

export type WorkloadKey = keyof typeof WORKLOAD_KEYS;

/** The stretches of local time that records can be grouped by. */
export const TIME_UNITS = ['hour', 'day', 'isoWeek', 'month'] as const;
export type TimeUnit = (typeof TIME_UNITS)[number];

export type WorkloadGroupBy = WorkloadKey | TimeUnit;

/** How records are grouped. */
export interface WorkloadGrouping {
  readonly keys: readonly WorkloadKey[];
  readonly unit: TimeUnit | undefined;
  /** The columns of the keys, in the order they were given. */
  readonly columns: readonly string[];
}

function isTimeUnit(name: WorkloadGroupBy): name is TimeUnit {
  return (TIME_UNITS as readonly string[]).includes(name);
}

/** The column of the stretch of time, by its start. */
export const TIME_COLUMN = 'timeStart';

/**
 * Reads what records are to be grouped by; a key that is given twice counts once, and none makes one group of all.
 * @throws GatewayError (BAD_USER_INPUT) for more than one stretch of time.
 */
export function readWorkloadGrouping(names: readonly WorkloadGroupBy[]): WorkloadGrouping {
  const distinct = [...new Set(names)];
  const units = distinct.filter(isTimeUnit);
  if (units.length > 1) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      'The argument "groupBy" has several of HOUR, DAY, ISO_WEEK and MONTH: give one of them.',
    );
  }
  return {
    keys: distinct.filter((name) => !isTimeUnit(name)),
    unit: units[0],
    columns: distinct.map((name) => (isTimeUnit(name) ? TIME_COLUMN : WORKLOAD_KEYS[name].column)),
  };
}

const FIELDS = Object.values(LISTS.Workload.fields);

/** The keys that tell any two groups apart. */
export function identityOf({ columns }: WorkloadGrouping): OrderKey[] {
  return columns.map((column) => ({
    column,
    direction: 'asc',
    ...(FIELDS.some((field) => field.column === column && field.nullable) && { nulls: 'last' }),
  }));
}

/** What is found out about the records of a group, by the names that GraphQL shows. */
export const WORKLOAD_MEASURES = [
  'recordCount',
  'taskCount',
  'instances',
  'attributes',
  'frames',
  'submissions',
  'checks',
  'samplings',
  'rejectionsGiven',
  'returnsGiven',
  'rejectionsReceived',
  'returnsReceived',
  'workingDays',
  'firstRecordAt',
  'lastRecordAt',
] as const;

export type WorkloadMeasure = (typeof WORKLOAD_MEASURES)[number];

export function isWorkloadMeasure(name: string): name is WorkloadMeasure {
  return (WORKLOAD_MEASURES as readonly string[]).includes(name);
}

/** @throws GatewayError (BAD_USER_INPUT) for an order by a key that the records are not grouped by. */
function checkWorkloadOrder({ columns }: WorkloadGrouping, order: readonly OrderArgument[]): void {
  const missing = order.find(
    ({ field }) =>
      !isWorkloadMeasure(field) && !columns.includes(LISTS.Workload.fields[field]!.column),
  );
  if (missing) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `The argument "orderBy" has "${missing.field}", which is not among the keys of "groupBy".`,
    );
  }
}

/** Which groups are asked for, as GraphQL hands it over. */
export interface WorkloadArguments {
  groupBy: readonly WorkloadGroupBy[];
  timeZone?: string | null | undefined;
  filter?: Filter | null | undefined;
  having?: Filter | null | undefined;
  orderBy?: readonly OrderArgument[] | null | undefined;
}

/** Which groups are asked for, in which order. */
export interface WorkloadTerms {
  readonly grouping: WorkloadGrouping;
  readonly timeZone: string;
  /** The condition on records. */
  readonly where: Where | undefined;
  /** The condition on groups. */
  readonly having: Where | undefined;
  readonly order: readonly OrderKey[];
  /** The measures that the condition on groups and the order are about. */
  readonly measures: readonly WorkloadMeasure[];
}

/** The measures that a condition is about. */
function measuresOf(having: Filter | null | undefined): WorkloadMeasure[] {
  return Object.entries(having ?? {}).flatMap(([name, value]) =>
    isWorkloadMeasure(name)
      ? [name]
      : ([value].flat() as (Filter | null)[]).flatMap((one) => measuresOf(one)),
  );
}

/** @throws GatewayError (BAD_USER_INPUT) for what no groups can be told by. */
export function readWorkload(args: WorkloadArguments): WorkloadTerms {
  const grouping = readWorkloadGrouping(args.groupBy);
  checkWorkloadOrder(grouping, args.orderBy ?? []);
  const timeZone = readTimeZone(args.timeZone);
  const order = readOrder('Workload', args.orderBy, identityOf(grouping));
  return {
    grouping,
    timeZone,
    where: filterWhere('AnnotationHistory', args.filter),
    having: filterWhere('Workload', args.having),
    order,
    measures: [...measuresOf(args.having), ...order.map(({ column }) => column)].filter(
      isWorkloadMeasure,
    ),
  };
}

/**
 * Reads which page of the groups is asked for.
 * @throws GatewayError (BAD_USER_INPUT) as {@link readKeysetPage} does.
 */
export function readWorkloadPage(
  { grouping, timeZone }: WorkloadTerms,
  args: ConnectionArguments,
): KeysetPage {
  // A stretch of time is where it is only in its unit and zone.
  const variant = grouping.unit ? `${grouping.unit} ${timeZone}` : '';
  return readKeysetPage('Workload', args, identityOf(grouping), variant);
}
