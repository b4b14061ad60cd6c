import type { ObjectRef } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import type { RangeKey } from '../database/ranges.ts';
import type { ScopeKind } from '../database/scope.ts';
import { workloadEvidence, type Workload, type WorkloadRow } from '../database/workload.ts';
import { LISTS } from '../domain/lists/fields.ts';
import {
  afterPosition,
  reverseOrder,
  type OrderArgument,
  type OrderKey,
} from '../domain/lists/order.ts';
import { filterWhere, type Filter, type Where } from '../domain/lists/where.ts';
import {
  readKeysetPage,
  toConnection,
  type Connection,
  type ConnectionArguments,
  type KeysetPage,
} from '../domain/paging.ts';
import { readTimeZone, type TimeBucket } from '../domain/time.ts';
import {
  checkWorkloadOrder,
  identityOf,
  isWorkloadMeasure,
  readWorkloadGrouping,
  TIME_UNITS,
  WORKLOAD_KEYS,
  WORKLOAD_MEASURES,
  type WorkloadGroupBy,
  type WorkloadKey,
  type WorkloadMeasure,
} from '../domain/workload.ts';
import { builder } from './builder.ts';
import type { GatewayContext } from './context.ts';
import { constantCase } from './enums.ts';
import { recordsField } from './evidence.ts';
import { keyFields } from './groups.ts';
import { comparisonOf, FILTERS, orderRef } from './list-inputs.ts';
import { allOf } from './lists.ts';
import { pathOf } from './nodes.ts';
import { selectedBelow } from './selection.ts';
import { TIME_ZONE_ARGUMENT, TimeBucketRef } from './time.ts';

type BuilderTypes = (typeof builder)['$inferSchemaTypes'];

/** A group of records: its keys by their names, its measures, and how it was asked for. */
interface WorkloadGroup {
  readonly keys: Readonly<Record<string, string | number | bigint | null>>;
  readonly row: WorkloadRow;
  readonly workload: Workload;
}

const DISTINCT = 'Counted once a group, so that those of several groups do not add up.';

const DEFINITIONS: Readonly<Record<WorkloadMeasure, string>> = {
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
          description: DEFINITIONS[name],
          resolve: ({ row }) => row[name] as number | null,
        }),
      ];
    }),
  );
}

const WorkloadRef = builder.objectRef<WorkloadGroup>('Workload').implement({
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
        ({ row, workload }: WorkloadGroup) => ({
          cell: row.cell,
          values: row,
          evidence: workloadEvidence('own', workload),
        }),
      ),
    ),
    receivedRecords: t.field(
      recordsField(
        'The records 10 and 17 behind `rejectionsReceived` and `returnsReceived`, by `recordId` ascending. They are the work of those who rejected.',
        ({ row, workload }: WorkloadGroup) => ({
          cell: row.cell,
          values: row,
          evidence: workloadEvidence('received', workload),
        }),
      ),
    ),
  }),
});

const GroupBy = builder.enumType('WorkloadKey', {
  description: 'What records can be grouped by.',
  values: {
    ...Object.fromEntries(
      (Object.keys(WORKLOAD_KEYS) as WorkloadKey[]).map((name) => [
        constantCase(name),
        { value: name as WorkloadGroupBy, description: describeKey(name) },
      ]),
    ),
    ...Object.fromEntries(
      TIME_UNITS.map((name) => [
        constantCase(name),
        {
          value: name as WorkloadGroupBy,
          description: `By the ${name === 'isoWeek' ? 'ISO week (from Monday)' : name} of \`timeZone\` they were done in. Only one of the stretches of time may be given.`,
        },
      ]),
    ),
  },
});

function describeKey(name: WorkloadKey): string {
  switch (name) {
    case 'poolType':
      return 'By the type of their pool.';
    case 'poolAssigneeId':
      return 'By the operator who acted.';
    case 'operationKey':
      return 'By the keys of their `instanceInfo`: a record stands under each of them, one without keys under null.';
    default:
      return `By their \`${name}\`.`;
  }
}

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

/** The measures that a condition is about. */
function measuresOf(having: Filter | null | undefined): WorkloadMeasure[] {
  return Object.entries(having ?? {}).flatMap(([name, value]) =>
    isWorkloadMeasure(name)
      ? [name]
      : ([value].flat() as (Filter | null)[]).flatMap((one) => measuresOf(one)),
  );
}

/** What a list of groups resolves to: one page, and what there is to know of the whole. */
interface GroupConnection<Row> extends Connection<Row> {
  totalCount: () => Promise<number>;
}

function groupConnection<Row>(name: string, of: string, type: ObjectRef<BuilderTypes, Row>) {
  return builder.connectionObject(
    {
      name: `${name}Connection`,
      description: `A page of a list of ${of}.`,
      type,
      fields: (t) => ({
        totalCount: t.int({
          description: 'How many there are in the whole list, not only on this page.',
          resolve: (connection) => (connection as unknown as GroupConnection<Row>).totalCount(),
        }),
      }),
    },
    { name: `${name}Edge`, description: `One of a list of ${of}, with its cursor.` },
  ) as unknown as ObjectRef<BuilderTypes, GroupConnection<Row>>;
}

const WorkloadConnection = groupConnection('Workload', 'groups of records', WorkloadRef);

const SURVIVES =
  'Null with an error where that could not be found out; the rest of the answer stands.';

interface Request {
  readonly workload: Workload;
  readonly page: KeysetPage;
  readonly having: Where | undefined;
  readonly measures: ReadonlySet<WorkloadMeasure>;
  readonly rankBy?: WorkloadMeasure;
}

/** Reads one page of groups, of one scope or of all records. */
async function readGroups<Row>(
  { workload, page, having, measures, rankBy }: Request,
  toRow: (group: WorkloadGroup) => Row,
  parent: RangeKey | null,
  context: GatewayContext,
  info: GraphQLResolveInfo,
): Promise<GroupConnection<Row>> {
  const groups = context.loaders.workload(pathOf(info), workload)(parent);
  const order = page.backward ? reverseOrder(page.order) : page.order;
  const rows = await groups.page({
    measures,
    having,
    order,
    bounds: allOf(
      page.after && afterPosition(page.order, page.after),
      page.before && afterPosition(reverseOrder(page.order), page.before),
    ),
    take: page.size + 1,
    rankBy,
  });
  const connection = toConnection('Workload', page, rows);
  return {
    pageInfo: connection.pageInfo,
    edges: connection.edges.map(({ cursor, node: row }) => ({
      cursor,
      node: toRow({ keys: keysOf(row, workload), row, workload }),
    })),
    totalCount: () => groups.count({ measures, having }),
  };
}

function keysOf(row: WorkloadRow, { grouping }: Workload): WorkloadGroup['keys'] {
  return Object.fromEntries(
    grouping.keys.map((name) => [name, row[WORKLOAD_KEYS[name].column] as string | null]),
  );
}

interface WorkloadArguments extends ConnectionArguments {
  groupBy: readonly WorkloadGroupBy[];
  timeZone?: string | null | undefined;
  having?: Filter | null | undefined;
}

const ROW_PATHS = [['edges', 'node'], ['nodes']];

function selectedMeasures(info: GraphQLResolveInfo, below: readonly string[]): WorkloadMeasure[] {
  const paths = ROW_PATHS.map((path) => [...path, ...below]);
  return [...selectedBelow(info, paths)].filter(isWorkloadMeasure);
}

function orderedMeasures(order: readonly OrderKey[]): WorkloadMeasure[] {
  return order.map(({ column }) => column).filter(isWorkloadMeasure);
}

function resolveWorkload(
  scope: ScopeKind | undefined,
  parent: RangeKey | null,
  args: WorkloadArguments,
  context: GatewayContext,
  info: GraphQLResolveInfo,
): Promise<GroupConnection<WorkloadGroup>> {
  const grouping = readWorkloadGrouping(args.groupBy);
  checkWorkloadOrder(grouping, args.orderBy ?? []);
  const page = readKeysetPage('Workload', args, identityOf(grouping));
  const request = {
    workload: {
      scope,
      where: filterWhere('AnnotationHistory', args.filter),
      grouping,
      timeZone: readTimeZone(args.timeZone),
    },
    page,
    having: filterWhere('Workload', args.having),
    measures: new Set([
      ...selectedMeasures(info, []),
      ...orderedMeasures(page.order),
      ...measuresOf(args.having),
    ]),
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
      'The measures and keys to order by, at most 5, the first of most weight; groups equal in all of them by their keys, as is a list without this. Only keys of `groupBy`.',
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
    resolve: (
      { id }: { id: RangeKey },
      args: WorkloadArguments,
      context: GatewayContext,
      info: GraphQLResolveInfo,
    ) => resolveWorkload(scope, id, args, context, info),
  } as const;
}

/** An operator's place among the operators of a campaign. */
interface Ranked extends WorkloadGroup {
  readonly rank: number;
}

const OperatorRank = builder.objectRef<Ranked>('OperatorRank').implement({
  description: 'An operator and the place that a measure gives it among the others.',
  fields: (t) => ({
    rank: t.exposeInt('rank', {
      description:
        'The place, from 1: one more than there are operators with more. Equals share it.',
    }),
    poolAssigneeId: t.field({
      type: 'BigInt',
      description: 'The operator.',
      resolve: ({ keys }) => keys.poolAssigneeId as bigint,
    }),
    workload: t.field({
      type: WorkloadRef,
      description: "What the operator's records come to.",
      resolve: (group) => group,
    }),
  }),
});

const OperatorRankConnection = groupConnection('OperatorRank', 'operators by rank', OperatorRank);

const RankBy = builder.enumType('OperatorRankBy', {
  description: 'The measures that operators can be ranked by, the greatest first.',
  values: Object.fromEntries(
    WORKLOAD_MEASURES.filter((name) => LISTS.Workload.fields[name]!.kind !== 'instant').map(
      (name) => [constantCase(name), { value: name, description: DEFINITIONS[name] }],
    ),
  ),
});

interface RankingArguments extends Pick<
  ConnectionArguments,
  'first' | 'last' | 'after' | 'before' | 'filter'
> {
  by: WorkloadMeasure;
  timeZone?: string | null | undefined;
}

function resolveRanking(
  parent: RangeKey,
  { by, filter, timeZone, ...pageArguments }: RankingArguments,
  context: GatewayContext,
  info: GraphQLResolveInfo,
): Promise<GroupConnection<Ranked>> {
  const grouping = readWorkloadGrouping(['poolAssigneeId']);
  const orderArgument: OrderArgument = { field: by, direction: 'desc' };
  const page = readKeysetPage(
    'Workload',
    { ...pageArguments, orderBy: [orderArgument] },
    identityOf(grouping),
  );
  const request = {
    workload: {
      scope: 'Campaign',
      where: allOf({ poolAssigneeId: { not: null } }, filterWhere('AnnotationHistory', filter)),
      grouping,
      timeZone: readTimeZone(timeZone),
    },
    page,
    having: undefined,
    measures: new Set([by, ...selectedMeasures(info, ['workload'])]),
    rankBy: by,
  } as const;
  return readGroups(
    request,
    (group) => ({ ...group, rank: group.row.rank as number }),
    parent,
    context,
    info,
  );
}

/** The options of a field that ranks the operators of a campaign. */
export const OPERATOR_RANKING = {
  description: `The operators who acted in this campaign, by a measure of their workload, the greatest first; equals by \`poolAssigneeId\`. ${SURVIVES}`,
  type: OperatorRankConnection,
  nullable: true,
  args: builder.args((t) => ({
    by: t.field({ type: RankBy, required: true, description: 'What gives the rank.' }),
    filter: t.field({
      type: FILTERS.AnnotationHistory,
      description: 'Only records like this are counted.',
    }),
    ...TIME_ZONE_ARGUMENT,
    ...t.connectionArgs(),
  })),
  resolve: (
    { id }: { id: RangeKey },
    args: RankingArguments,
    context: GatewayContext,
    info: GraphQLResolveInfo,
  ) => resolveRanking(id, args, context, info),
} as const;

builder.queryFields((t) => ({
  workload: t.field({
    description: `Over all campaigns: ${WHAT}`,
    type: WorkloadConnection,
    nullable: true,
    args: WORKLOAD_ARGUMENTS,
    resolve: (_root, args, context, info) => resolveWorkload(undefined, null, args, context, info),
  }),
}));
