import type { WorkRange } from '../database/ranges.ts';
import {
  MAX_WORKING_DAYS,
  MIN_WORKING_DAYS,
  type EstimatedCompletion,
  type EstimateReason,
} from '../domain/estimate.ts';
import { readTimeZone } from '../domain/time.ts';
import { builder } from './builder.ts';
import type { GatewayContext } from './context.ts';
import { measureCost, scopeOfRange } from './costs.ts';
import { TIME_ZONE_ARGUMENT } from './time.ts';
import { SURVIVES } from './wording.ts';

const REASONS: Readonly<Record<EstimateReason, string>> = {
  NO_TASKS: 'There was no record up to then.',
  NOTHING_REMAINING: 'No task remained.',
  TOO_FEW_WORKING_DAYS: `Tasks had been completed on fewer than ${MIN_WORKING_DAYS} days.`,
  TOO_FAR: 'At that pace one of the dates would lie after the year 9999.',
};

const EstimateReasonRef = builder.enumType('EstimateReason', {
  description: 'Why there is no estimate; the first that holds, in this order.',
  values: Object.fromEntries(
    Object.entries(REASONS).map(([reason, description]) => [reason, { description }]),
  ) as Record<EstimateReason, { description: string }>,
});

const estimate = (found: EstimatedCompletion) =>
  typeof found.estimate === 'string' ? undefined : found.estimate;

const NULL = 'Null where there is no estimate.';

const EstimatedCompletionRef = builder
  .objectRef<EstimatedCompletion>('EstimatedCompletion')
  .implement({
    description: `When the remaining tasks will be done at the pace of the last working days, which are up to ${MAX_WORKING_DAYS}: local days on which a task had its first record 6 (COMPLETE).`,
    fields: (t) => ({
      expectedAt: t.field({
        description: `\`asOf\` + \`remaining\` / \`pace\` x \`daysPerWorkingDay\` days of 24 hours. ${NULL}`,
        type: 'DateTime',
        nullable: true,
        resolve: (found) => estimate(found)?.expectedAt,
      }),
      earliestAt: t.field({
        description: `The same at the \`optimisticPace\`. ${NULL}`,
        type: 'DateTime',
        nullable: true,
        resolve: (found) => estimate(found)?.earliestAt,
      }),
      latestAt: t.field({
        description: `The same at the \`pessimisticPace\`. ${NULL}`,
        type: 'DateTime',
        nullable: true,
        resolve: (found) => estimate(found)?.latestAt,
      }),
      remaining: t.exposeInt('remaining', {
        description:
          'How many tasks remain: those whose last record (by `createdTime`, then `recordId`) has another status than 11 (APPROVED) and 0 (CREATION_FAILED), without a record 15 (INVALID). Null without any task.',
        nullable: true,
      }),
      pace: t.float({
        description: `Tasks per working day: those completed on the working days / the number of these. ${NULL}`,
        nullable: true,
        resolve: (found) => estimate(found)?.pace,
      }),
      pessimisticPace: t.float({
        description: `The 25th percentile (interpolated) of the tasks completed on each of the working days. ${NULL}`,
        nullable: true,
        resolve: (found) => estimate(found)?.pessimisticPace,
      }),
      optimisticPace: t.float({
        description: `The 75th percentile (interpolated) of the tasks completed on each of the working days. ${NULL}`,
        nullable: true,
        resolve: (found) => estimate(found)?.optimisticPace,
      }),
      workingDays: t.exposeInt('workingDays', {
        description: `How many working days the pace is taken from: the last ones, at most ${MAX_WORKING_DAYS}.`,
      }),
      daysPerWorkingDay: t.float({
        description: `The calendar days from the first of the working days to that of \`asOf\`, both included / \`workingDays\`: days off count this way. ${NULL}`,
        nullable: true,
        resolve: (found) => estimate(found)?.daysPerWorkingDay,
      }),
      asOf: t.expose('asOf', {
        description:
          'The instant from which is estimated: that of the argument, else that of the last record; null without either.',
        type: 'DateTime',
        nullable: true,
      }),
      reason: t.field({
        description: 'Why there is no estimate; null where there is one.',
        type: EstimateReasonRef,
        nullable: true,
        resolve: (found) => (typeof found.estimate === 'string' ? found.estimate : null),
      }),
    }),
  });

const ARGUMENTS = builder.args((t) => ({
  asOf: t.field({
    type: 'DateTime',
    description:
      'Estimates from this instant, by the records up to it; if absent, from the last record.',
  }),
}));

interface Arguments {
  asOf?: Date | null | undefined;
  timeZone?: string | null | undefined;
}

/** The options of a field that estimates when the tasks of a row will be completed. */
export function estimateField(range: WorkRange) {
  const whose = range === 'tasksOfPool' ? 'the tasks that have been in it' : 'its tasks';
  return {
    description: `When the remaining of ${whose} will be completed. ${SURVIVES}`,
    type: EstimatedCompletionRef,
    nullable: true,
    args: { ...ARGUMENTS, ...TIME_ZONE_ARGUMENT },
    ...measureCost(scopeOfRange(range), 6),
    resolve: (
      { id }: { id: string | bigint },
      { asOf, timeZone }: Arguments,
      { loaders }: GatewayContext,
    ) => loaders.estimate(range, asOf ?? undefined, readTimeZone(timeZone)).load(id),
  } as const;
}
