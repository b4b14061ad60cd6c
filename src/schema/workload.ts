import type { GraphQLResolveInfo } from 'graphql';
import type { RangeKey } from '../database/ranges.ts';
import type { ScopeKind } from '../database/scope.ts';
import { comesFrom } from '../database/sources.ts';
import type { Workload } from '../database/workload-records.ts';
import { workloadEvidence, type WorkloadRow } from '../database/workload.ts';
import { LISTS } from '../domain/lists/fields.ts';
import type { Filter, Where } from '../domain/lists/where.ts';
import type { ConnectionArguments, KeysetPage } from '../domain/paging.ts';
import type { TimeBucket } from '../domain/time.ts';
import {
  isWorkloadMeasure,
  readWorkload,
  readWorkloadPage,
  TIME_UNITS,
  WORKLOAD_KEYS,
  WORKLOAD_MEASURES,
  type WorkloadArguments,
  type WorkloadKey,
  type WorkloadMeasure,
} from '../domain/workload.ts';
import { builder } from './builder.ts';
import type { GatewayContext } from './context.ts';
import { reportCost } from './costs.ts';
import { constantCase } from './enums.ts';
import { byRow, recordsField } from './evidence.ts';
import { keyFields } from './groups.ts';
import { comparisonOf, FILTERS, orderRef } from './list-inputs.ts';
import { pathOf } from './nodes.ts';
import { selectedBelow } from './selection.ts';
import {
  reportConnectionType,
  reportPage,
  toReportConnection,
  type ReportConnection,
} from './reports.ts';
import { TIME_ZONE_ARGUMENT, TimeBucketRef } from './time.ts';
import { SURVIVES } from './wording.ts';

type BuilderTypes = (typeof builder)['$inferSchemaTypes'];

/** A group of records: its keys by their names, its measures, and how it was asked for. */
export interface WorkloadGroup {
  readonly keys: Readonly<Record<string, string | number | bigint | null>>;
  readonly row: WorkloadRow;
  readonly workload: Workload;
}

const DISTINCT = 'Counted once a group, so that those of several groups do not add up.';

/** How each measure is defined. */
const MEASURE_DEFINITIONS: Readonly<Record<WorkloadMeasure, string>> = {
  recordCount: 'How many records the group has: those that `records` lists.',
  taskCount: `How many different tasks the records are of. ${DISTINCT}`,
  instances:
    "The sum of the records' `instanceNum`, attributes included: `attributes` must not be added to it. By operation key: the sum of what their `instanceInfo` has under the key, 0 for records without keys.",
  attributes:
    "The sum of the records' `attributesNum`, which `instances` already includes. Null by operation key, since no key tells them.",
  frames: `The frames of the tasks: each different task once, by the \`frameCount\` of its last record in the group. Null by operation key. ${DISTINCT}`,
  submissions: 'How many records are annotation submissions (action 7).',
  checks: 'How many records are passed reviews (action 8).',
  samplings: 'How many records are passed quality controls (action 9).',
  rejectionsGiven:
    'How many records send a task back from quality control (action 10): rejections given by the one who acted.',
  returnsGiven:
    'How many records send a task back from review (action 17): returns given by the one who acted.',
  rejectionsReceived:
    "How many records 10 are about the group's people: those whose task's latest earlier submission (action 7) is theirs. See `receivedRecords`.",
  returnsReceived:
    "How many records 17 are about the group's people: those whose task's latest earlier submission (action 7) is theirs. See `receivedRecords`.",
  workingDays: `On how many local days of \`timeZone\` there is a record. ${DISTINCT}`,
  firstRecordAt: 'When the first record was done; null where the group has none of its own.',
  lastRecordAt: 'When the last record was done; null where the group has none of its own.',
};

const RECEIVED =
  'Received is a rejection (action 10) or return (17) by the one whose submission it sends back, the latest earlier record 7 of the task: for the filter and the keys it counts as if operator, team and creator were those of that submission, and everything else its own.';

const MEASURE_TYPES = { int: 'Int', bigint: 'BigInt', instant: 'DateTime' } as const;

function measureFields(t: PothosSchemaTypes.ObjectFieldBuilder<BuilderTypes, WorkloadGroup>) {
  return Object.fromEntries(
    WORKLOAD_MEASURES.map((name) => {
      const { kind, nullable = false } = LISTS.Workload.fields[name]!;
      return [
        name,
        t.field({
          type: MEASURE_TYPES[kind as keyof typeof MEASURE_TYPES] as 'Int',
          nullable: nullable as true,
          description: MEASURE_DEFINITIONS[name],
          resolve: ({ row }) => row[name] as number | null,
        }),
      ];
    }),
  );
}

export const WorkloadRef = builder.objectRef<WorkloadGroup>('Workload').implement({
  description: `What the records of a group come to: who did how much. ${RECEIVED}`,
  fields: (t) => ({
    ...(Object.assign(
      {},
      ...Object.entries(WORKLOAD_KEYS).map(([name, key]) => keyFields(t as never, name, key)),
    ) as ReturnType<typeof keyFields>),
    time: t.field({
      type: TimeBucketRef,
      nullable: true,
      description:
        'The hour, day, ISO week or month of the records in `timeZone`; null unless one of them is among the keys.',
      resolve: ({ row }) => (row.time as TimeBucket | undefined) ?? null,
    }),
    ...measureFields(t),
    records: t.field(
      recordsField(
        "The very records behind the group's numbers, by `recordId` ascending; `aggregate` has their sums.",
        ({ row, workload }: WorkloadGroup) => byRow(row, workloadEvidence('own', workload)),
      ),
    ),
    receivedRecords: t.field(
      recordsField(
        'The records 10 and 17 behind `rejectionsReceived` and `returnsReceived`, by `recordId` ascending. They are the work of those who rejected.',
        ({ row, workload }: WorkloadGroup) => byRow(row, workloadEvidence('received', workload)),
      ),
    ),
  }),
});

const KEY_DEFINITIONS: Readonly<Partial<Record<WorkloadKey, string>>> = {
  poolType: 'By the type of their pool.',
  poolAssigneeId: 'By the operator: who acted, or received a rejection.',
  operationKey:
    'By the keys of their `instanceInfo`: a record stands under each of them, one without keys under null.',
};

const GroupBy = builder.enumType('WorkloadKey', {
  description: 'What records can be grouped by.',
  values: {
    ...Object.fromEntries(
      (Object.keys(WORKLOAD_KEYS) as WorkloadKey[]).map((name) => [
        constantCase(name),
        {
          value: name,
          description: KEY_DEFINITIONS[name] ?? `By their \`${name}\`.`,
        },
      ]),
    ),
    ...Object.fromEntries(
      TIME_UNITS.map((name) => [
        constantCase(name),
        {
          value: name,
          description: `By the ${name === 'isoWeek' ? 'ISO week (from Monday)' : name} of \`timeZone\` they were done in. Only one of the stretches of time may be given.`,
        },
      ]),
    ),
  },
});

const ORDER = orderRef('Workload', Object.keys(LISTS.Workload.fields));

const Having = builder.inputRef<Filter>('WorkloadHaving').implement({
  description: 'Which groups there are: those whose measures fulfil every condition given here.',
  fields: (t) => ({
    ...Object.fromEntries(
      WORKLOAD_MEASURES.map((name) => [
        name,
        t.field({
          type: comparisonOf(LISTS.Workload.fields[name]!),
          description: `By \`${name}\`.`,
        }),
      ]),
    ),
    and: t.field({ type: [Having], description: 'All of these hold.' }),
    or: t.field({
      type: [Having],
      description: 'At least one of these holds; an empty list matches nothing.',
    }),
    not: t.field({ type: Having, description: 'This does not hold.' }),
  }),
});

const WorkloadConnection = reportConnectionType('Workload', 'groups of records', WorkloadRef);

/** What is asked, with the page as it was asked for. */
interface Request {
  readonly workload: Workload;
  readonly measures: ReadonlySet<WorkloadMeasure>;
  readonly page: KeysetPage;
  readonly having?: Where | undefined;
  readonly rankBy?: WorkloadMeasure;
}

/** Reads one page of groups, of one scope or of all records. */
export async function readGroups<Row>(
  { workload, measures, page, having, rankBy }: Request,
  toRow: (group: WorkloadGroup) => Row,
  parent: RangeKey | null,
  context: GatewayContext,
  info: GraphQLResolveInfo,
): Promise<ReportConnection<Row>> {
  const groups = context.loaders.workload(pathOf(info), {
    workload,
    measures,
    page: { ...reportPage(page, having), rankBy },
  });
  return toReportConnection(
    'Workload',
    page,
    await groups.page(parent),
    (row) => toRow({ keys: keysOf(row, workload), row, workload }),
    () => groups.count(parent),
  );
}

function keysOf(row: WorkloadRow, { grouping }: Workload): WorkloadGroup['keys'] {
  return Object.fromEntries(
    grouping.keys.map((name) => [name, row[WORKLOAD_KEYS[name].column] as string | null]),
  );
}

const ROW_PATHS = [['edges', 'node'], ['nodes']];

/** The measures that an operation asks for at some place of a connection's rows. */
export function selectedMeasures(
  info: GraphQLResolveInfo,
  below: readonly string[],
): WorkloadMeasure[] {
  const paths = ROW_PATHS.map((path) => [...path, ...below]);
  return [...selectedBelow(info, paths)].filter(isWorkloadMeasure);
}

function resolveWorkload(
  scope: ScopeKind | undefined,
  parent: RangeKey | null,
  args: WorkloadArguments & ConnectionArguments,
  context: GatewayContext,
  info: GraphQLResolveInfo,
): Promise<ReportConnection<WorkloadGroup>> {
  const terms = readWorkload(args);
  const { grouping, timeZone, where, having, measures } = terms;
  const page = readWorkloadPage(terms, args);
  const request = {
    workload: { scope, where, grouping, timeZone },
    page,
    having,
    measures: new Set([...selectedMeasures(info, []), ...measures]),
  };
  return readGroups(request, (group) => group, parent, context, info);
}

const WORKLOAD_ARGUMENTS = builder.args((t) => ({
  filter: t.field({
    type: FILTERS.AnnotationHistory,
    description: 'Only records like this are counted.',
  }),
  groupBy: t.field({
    type: [GroupBy],
    defaultValue: [],
    required: true,
    description: 'What the records of a group have in common; nothing makes one group of all.',
  }),
  ...TIME_ZONE_ARGUMENT,
  having: t.field({ type: Having, description: 'Only groups like this are listed.' }),
  orderBy: t.field({
    type: [ORDER],
    description:
      'The measures and keys to order by (codes by their numbers, rows by their own ids), at most 5, the first of most weight; groups equal in all of them by their keys, as is a list without this. Only keys of `groupBy`.',
  }),
  ...t.connectionArgs(),
}));

const WHAT = `The workload: records of the history in groups, and what each group comes to. A group has at least one record of its own, or one that it received. ${RECEIVED} ${SURVIVES}`;

/** The options of a field that groups the records of a row. */
export function workloadField(scope: ScopeKind, of: string) {
  return {
    description: `${of} ${WHAT}`,
    type: WorkloadConnection,
    nullable: true,
    args: WORKLOAD_ARGUMENTS,
    extensions: {
      ...reportCost('Workload', scope, 20).extensions,
      ...comesFrom({ from: 'workload', scope }),
    },
    resolve: (
      { id }: { id: RangeKey },
      args: WorkloadArguments & ConnectionArguments,
      context: GatewayContext,
      info: GraphQLResolveInfo,
    ) => resolveWorkload(scope, id, args, context, info),
  } as const;
}

builder.queryFields((t) => ({
  workload: t.field({
    description: `Over all campaigns: ${WHAT}`,
    type: WorkloadConnection,
    nullable: true,
    args: WORKLOAD_ARGUMENTS,
    extensions: {
      ...reportCost('Workload', undefined, 20).extensions,
      ...comesFrom({ from: 'workload', scope: undefined }),
    },
    resolve: (_root, args, context, info) => resolveWorkload(undefined, null, args, context, info),
  }),
}));
