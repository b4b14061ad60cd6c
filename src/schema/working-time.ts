import {
  countWorkingTime,
  pageOfWorkingTime,
  workingTimeEvidence,
  type WorkingTime,
  type WorkingTimeRow,
} from '../database/working-time.ts';
import { GatewayError } from '../domain/errors.ts';
import { LISTS } from '../domain/lists/fields.ts';
import type { OrderKey } from '../domain/lists/order.ts';
import { filterWhere } from '../domain/lists/where.ts';
import { readKeysetPage } from '../domain/paging.ts';
import { readTimeZone } from '../domain/time.ts';
import { builder } from './builder.ts';
import { reportCost } from './costs.ts';
import { byRow, recordsField } from './evidence.ts';
import { FILTERS, orderRef } from './list-inputs.ts';
import { reportConnectionType, reportPage, toReportConnection } from './reports.ts';
import { TIME_ZONE_ARGUMENT, TimeBucketRef } from './time.ts';
import { SURVIVES } from './wording.ts';

const DEFAULT_MAX_GAP_SECONDS = 30 * 60;
const DEFAULT_MAX_TASK_GAP_SECONDS = 4 * 60 * 60;

/** An operator's day, and how it was asked for. */
interface OperatorDay {
  readonly row: WorkingTimeRow;
  readonly workingTime: WorkingTime;
}

const Excluded = builder.objectRef<WorkingTimeRow>('ExcludedTime').implement({
  description: 'Time between records that a limit has left out.',
  fields: (t) => ({
    count: t.exposeInt('excludedCount', {
      description: 'How many gaps between two consecutive records of the operator were left out.',
    }),
    durationSeconds: t.exposeFloat('excludedSeconds', {
      description: 'How long they are together, in seconds.',
    }),
  }),
});

const WorkingTimeRef = builder.objectRef<OperatorDay>('WorkingTime').implement({
  description: 'How long an operator worked on a day, as far as records tell.',
  fields: (t) => ({
    poolAssigneeId: t.field({
      type: 'BigInt',
      description: 'The operator.',
      resolve: ({ row }) => row.poolAssigneeId,
    }),
    time: t.field({
      type: TimeBucketRef,
      description: 'The local day of `timeZone`.',
      resolve: ({ row }) => row.time,
    }),
    recordCount: t.int({
      description: "How many of the operator's records lie in the day: those that `records` lists.",
      resolve: ({ row }) => row.recordCount,
    }),
    instances: t.field({
      type: 'BigInt',
      description: "The sum of those records' `instanceNum`, attributes included.",
      resolve: ({ row }) => row.instances,
    }),
    durationSeconds: t.float({
      description:
        'The working duration that lies in the day, in seconds: the union of the intervals described at `workingTime`.',
      resolve: ({ row }) => row.durationSeconds,
    }),
    secondsPerInstance: t.float({
      nullable: true,
      description: '`durationSeconds` / `instances`; null where there are no instances.',
      resolve: ({ row }) => row.secondsPerInstance,
    }),
    excluded: t.field({
      type: Excluded,
      description:
        'What the limits have left out: gaps between consecutive records that would lie in the union without them and do not with them, on the day they end.',
      resolve: ({ row }) => row,
    }),
    records: t.field(
      recordsField(
        'The records behind `recordCount` and `instances`, by `recordId` ascending.',
        ({ row, workingTime }: OperatorDay) => byRow(row, workingTimeEvidence(workingTime)),
      ),
    ),
  }),
});

const WorkingTimeConnection = reportConnectionType(
  'WorkingTime',
  "operators' days",
  WorkingTimeRef,
);

const ORDER = orderRef('WorkingTime', Object.keys(LISTS.WorkingTime.fields));

const IDENTITY: readonly OrderKey[] = [
  { column: 'poolAssigneeId', direction: 'asc' },
  { column: 'timeStart', direction: 'asc' },
];

function readLimit(name: string, seconds: number): number {
  if (seconds >= 0) return seconds;
  throw new GatewayError(
    'BAD_USER_INPUT',
    `The argument "${name}" is ${seconds}; it may be 0 or more.`,
  );
}

builder.queryFields((t) => ({
  workingTime: t.field({
    description: `The working duration of operators by local day: the union of (a) the intervals between two consecutive records of one operator that are at most \`maxGapSeconds\` apart, and (b) those from an operator's record 13 (SEND_TASK) or 3 (RESUME) to the operator's next record on the same task, if at most \`maxTaskGapSeconds\`. They are found among all records of the operator; \`filter\` selects those whose ending record is like this. Intervals over midnight are split. By operator and day unless told; records without an operator have no part in it. ${SURVIVES}`,
    type: WorkingTimeConnection,
    nullable: true,
    args: {
      filter: t.arg({
        type: FILTERS.AnnotationHistory,
        description: 'Only intervals that end with a record like this, and only such records.',
      }),
      ...TIME_ZONE_ARGUMENT,
      maxGapSeconds: t.arg.int({
        required: true,
        defaultValue: DEFAULT_MAX_GAP_SECONDS,
        description: 'The longest interval (a), in seconds.',
      }),
      maxTaskGapSeconds: t.arg.int({
        required: true,
        defaultValue: DEFAULT_MAX_TASK_GAP_SECONDS,
        description: 'The longest interval (b), in seconds.',
      }),
      orderBy: t.arg({
        type: [ORDER],
        description:
          'What to order by, at most 5 keys, the first of most weight; equals by operator and day.',
      }),
      ...t.arg.connectionArgs(),
    },
    ...reportCost('WorkingTime', undefined, 20),
    resolve: async (_root, { timeZone, filter, ...args }, { prisma }) => {
      const zone = readTimeZone(timeZone);
      const page = readKeysetPage('WorkingTime', args, IDENTITY, zone);
      const workingTime = {
        where: filterWhere('AnnotationHistory', filter),
        timeZone: zone,
        maxGapSeconds: readLimit('maxGapSeconds', args.maxGapSeconds),
        maxTaskGapSeconds: readLimit('maxTaskGapSeconds', args.maxTaskGapSeconds),
      };
      return toReportConnection(
        'WorkingTime',
        page,
        await pageOfWorkingTime(prisma, workingTime, reportPage(page, undefined)),
        (row) => ({ row, workingTime }),
        () => countWorkingTime(prisma, workingTime),
      );
    },
  }),
}));
