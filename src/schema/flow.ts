import {
  completionEvidence,
  moveEvidence,
  type CycleRow,
  type DailyHistory,
  type DayRow,
  type MoveRow,
  type PoolTypeRow,
} from '../database/flow.ts';
import { costs } from '../cost/declare.ts';
import type { RangeKey } from '../database/ranges.ts';
import type { ScopeKind } from '../database/scope.ts';
import {
  MAX_ROWS,
  readTimeRange,
  readTimeZone,
  type TimeBucket,
  type TimeRange,
} from '../domain/time.ts';
import { builder } from './builder.ts';
import { measureCost } from './costs.ts';
import { knownPoolType, PoolType } from './enums.ts';
import { byRow, recordsField } from './evidence.ts';
import { rowField } from './groups.ts';
import { TIME_RANGE_ARGUMENT, TIME_ZONE_ARGUMENT, TimeBucketRef } from './time.ts';
import { SCOPE_WORDS, SURVIVES, survivesUpToMaxRows } from './wording.ts';

type DurationsRow = Pick<CycleRow, 'count' | 'percentiles'>;

const percentile = (of: string, index: 0 | 1 | 2) => ({
  nullable: true as const,
  description: `${of}, in seconds, between two durations interpolated (\`percentile_cont\`); null where \`count\` is 0.`,
  resolve: ({ percentiles }: DurationsRow) => percentiles?.[index] ?? null,
});

const Durations = builder.objectRef<DurationsRow>('Durations').implement({
  description: 'How long something took, over all times that it happened.',
  fields: (t) => ({
    count: t.exposeInt('count', { description: 'How many durations there are.' }),
    p50: t.float(percentile('The median: half of them are no longer', 0)),
    p90: t.float(percentile('What nine in ten of them are no longer than', 1)),
    p99: t.float(percentile('What 99 in a hundred of them are no longer than', 2)),
  }),
});

const durationsOf = (part: 'total' | 'working' | 'waiting') => ({
  type: Durations,
  resolve: (row: PoolTypeRow): DurationsRow => ({ count: row.visits, percentiles: row[part] }),
});

const PoolTypeTime = builder.objectRef<PoolTypeRow>('PoolTypeTime').implement({
  description:
    'How long tasks stayed in pools of a type. A visit is a run of records of a task in one pool, from the first of them to its next record in another pool.',
  fields: (t) => ({
    poolType: t.field({
      description: 'The type of the pools; null for a code that no document lists.',
      type: PoolType,
      nullable: true,
      resolve: ({ poolType }) => knownPoolType(poolType),
    }),
    poolTypeCode: t.exposeInt('poolType', {
      description: 'The number behind `poolType`, also where that is null.',
    }),
    visits: t.exposeInt('visits', {
      description: 'How many visits ended in the time range, whenever they began.',
    }),
    openVisits: t.exposeInt('openVisits', {
      description:
        'How many visits nothing has ended yet: the task has no later record in another pool. Of these, the ones that began before the end of the time range. They have no duration.',
    }),
    total: t.field({
      description: 'How long the `visits` took from begin to end.',
      ...durationsOf('total'),
    }),
    working: t.field({
      description:
        'How much of each of the `visits` was work: the time from a record of status 3, 6 or 9 to the next record of the task, unless it was paused. It is paused from a record 1 or 11 on, until its next record of any action but 1, 11, 4 and 15.',
      ...durationsOf('working'),
    }),
    waiting: t.field({
      description: 'How much of each of the `visits` was not work: total less working.',
      ...durationsOf('waiting'),
    }),
  }),
});

/** What has been measured, and of which history. */
type Measured<Row> = Row & { readonly history: DailyHistory };

const Move = builder.objectRef<Measured<MoveRow>>('Move').implement({
  description:
    'How often tasks moved from one pool to another: two records of a task that follow each other, in different pools, at the time of the second.',
  fields: (t) => ({
    from: t.field(
      rowField(
        'Pool',
        `The pool of the first record. ${SURVIVES}`,
        ({ fromPoolId }: MoveRow) => fromPoolId,
      ),
    ),
    fromPoolId: t.expose('fromPoolId', { type: 'BigInt', description: 'The id of `from`.' }),
    to: t.field(
      rowField(
        'Pool',
        `The pool of the second record. ${SURVIVES}`,
        ({ toPoolId }: MoveRow) => toPoolId,
      ),
    ),
    toPoolId: t.expose('toPoolId', { type: 'BigInt', description: 'The id of `to`.' }),
    count: t.exposeInt('count', { description: 'How many such moves there were.' }),
    medianSeconds: t.exposeFloat('medianSeconds', {
      description:
        'The median length, in seconds, of the visits to `from` that these moves ended, from the first record of the visit to the move; between two interpolated (`percentile_cont`).',
    }),
    records: t.field(
      recordsField(
        'The second records of the moves, by `recordId` ascending.',
        (move: Measured<MoveRow>) => byRow(move, moveEvidence(move.history)),
      ),
    ),
  }),
});

const DAY = {
  type: TimeBucketRef,
  description: 'The whole local day, also where the time range begins or ends in it.',
  resolve: ({ label, start, end }: DayRow): TimeBucket => ({ label, start, end }),
};

const DayThroughput = builder.objectRef<Measured<DayRow>>('DayThroughput').implement({
  description: 'How many tasks were completed on a day.',
  fields: (t) => ({
    day: t.field(DAY),
    tasks: t.exposeInt('tasks', {
      description:
        'How many tasks were completed on it for the first time: their first record 6 lies in the day and in the time range.',
    }),
    completions: t.field(
      recordsField('These first records 6, by `recordId` ascending.', (row: Measured<DayRow>) =>
        byRow(row, completionEvidence(row.history)),
      ),
    ),
  }),
});

const DayCount = builder.objectRef<DayRow>('DayCount').implement({
  description: 'How many tasks were in progress when a day ended.',
  fields: (t) => ({
    day: t.field(DAY),
    tasks: t.exposeInt('tasks', {
      description:
        'How many tasks had a record, none of action 15, and as their last status neither 11 nor 0, when the day or the time range ended.',
    }),
  }),
});

interface Scoped {
  readonly parent: RangeKey;
  readonly history: DailyHistory;
}

const DAYS = `Every local day of \`timeZone\` is listed, in order, from the first record (or the start of the time range, if later) to the last (or the end of the time range, if earlier); none where the time range ends before the first or begins after the last. Null with an error where that is more than ${MAX_ROWS} days, or it could not be found out; the rest of the answer stands.`;

const Flow = builder.objectRef<Scoped>('Flow').implement({
  description:
    'How tasks went their way, by the records of the history: an event counts by its own time, what it is measured from may lie before the time range.',
  fields: (t) => ({
    cycleTime: t.field({
      description: `How long tasks took from their first record to their first record 6 (completed), of those where that lies in the time range. ${SURVIVES}`,
      type: Durations,
      nullable: true,
      ...costs({ share: 10 }),
      resolve: ({ parent, history }, _args, { loaders }) =>
        loaders.flow(history).cycleTime.load(parent),
    }),
    timeInPool: t.field({
      description: `How long tasks stayed in the pools of each type, by \`poolTypeCode\` ascending; of a pool, the visits to that very one. ${SURVIVES}`,
      type: [PoolTypeTime],
      nullable: true,
      ...costs({ share: 20 }),
      resolve: ({ parent, history }, _args, { loaders }) =>
        loaders.flow(history).timeInPool.load(parent),
    }),
    moves: t.field({
      description: `How often tasks moved from pool to pool in the time range, by \`fromPoolId\`, then \`toPoolId\`; of a pool, the moves from it and to it. ${survivesUpToMaxRows('pairs of pools')}`,
      type: [Move],
      nullable: true,
      ...costs({ share: 20, items: MAX_ROWS }),
      resolve: async ({ parent, history }, _args, { loaders }) =>
        (await loaders.flow(history).moves.load(parent)).map((row) => ({ ...row, history })),
    }),
    throughput: t.field({
      description: `How many tasks were completed (first record 6) on each day. ${DAYS}`,
      type: [DayThroughput],
      nullable: true,
      ...costs({ share: 20, items: MAX_ROWS }),
      resolve: async ({ parent, history }, _args, { loaders }) =>
        (await loaders.flow(history).throughput.load(parent)).map((row) => ({ ...row, history })),
    }),
    workInProgress: t.field({
      description: `How many tasks were in progress at the end of each day, counted from the very beginning of the history. ${DAYS}`,
      type: [DayCount],
      nullable: true,
      ...costs({ share: 20 }),
      resolve: ({ parent, history }, _args, { loaders }) =>
        loaders.flow(history).workInProgress.load(parent),
    }),
  }),
});

interface FlowArguments {
  timeRange?: TimeRange | null | undefined;
  timeZone?: string | null | undefined;
}

/** The options of a field that tells how work went through a scope. */
export function flowField(scope: ScopeKind) {
  return {
    description: `How work went its way, by the records ${SCOPE_WORDS[scope]}. ${SURVIVES}`,
    type: Flow,
    nullable: true,
    args: builder.args(() => ({ ...TIME_RANGE_ARGUMENT, ...TIME_ZONE_ARGUMENT })),
    ...measureCost(scope, 0),
    resolve: (
      { id: parent }: { id: RangeKey },
      { timeRange, timeZone }: FlowArguments,
    ): Scoped => ({
      parent,
      history: { scope, timeRange: readTimeRange(timeRange), timeZone: readTimeZone(timeZone) },
    }),
  } as const;
}
