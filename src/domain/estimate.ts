import { isInstant } from './time.ts';

/** How many working days the pace is taken from: the last ones, at most and at least. */
export const MAX_WORKING_DAYS = 10;
export const MIN_WORKING_DAYS = 3;

const DAY_MS = 24 * 60 * 60 * 1000;

/** Why there is no estimate. */
export type EstimateReason = 'NO_TASKS' | 'NOTHING_REMAINING' | 'TOO_FEW_WORKING_DAYS' | 'TOO_FAR';

/** What an estimate is made of: where the tasks stood at an instant, and how they had been completed until then. */
export interface CompletionFacts {
  /** The instant; null where there is no record to take it from. */
  readonly asOf: Date | null;
  readonly tasks: number;
  readonly remaining: number;
  readonly workingDays: number;
  /** Tasks completed on those days. */
  readonly completions: number;
  /** The quartiles of the tasks completed a day; null without days. */
  readonly lowerQuartile: number | null;
  readonly upperQuartile: number | null;
  /** From the first of those days to that of the instant, both included; null without days. */
  readonly calendarDays: number | null;
}

/** When remaining tasks will be done at the pace of the last working days. */
interface Estimate {
  readonly expectedAt: Date;
  readonly earliestAt: Date;
  readonly latestAt: Date;
  readonly pace: number;
  readonly pessimisticPace: number;
  readonly optimisticPace: number;
  readonly daysPerWorkingDay: number;
}

export interface EstimatedCompletion {
  readonly asOf: Date | null;
  /** Null without tasks. */
  readonly remaining: number | null;
  readonly workingDays: number;
  readonly estimate: Estimate | EstimateReason;
}

function estimateOf(facts: CompletionFacts): Estimate | EstimateReason {
  const { asOf, remaining, workingDays, completions, lowerQuartile, upperQuartile } = facts;
  if (!asOf || facts.tasks === 0) return 'NO_TASKS';
  if (remaining === 0) return 'NOTHING_REMAINING';
  if (workingDays < MIN_WORKING_DAYS) return 'TOO_FEW_WORKING_DAYS';
  const daysPerWorkingDay = facts.calendarDays! / workingDays;
  const pace = completions / workingDays;
  const doneAt = (tasksPerDay: number) =>
    Math.round(asOf.getTime() + (remaining / tasksPerDay) * daysPerWorkingDay * DAY_MS);
  const expectedAt = doneAt(pace);
  const earliestAt = doneAt(upperQuartile!);
  const latestAt = doneAt(lowerQuartile!);
  if (![expectedAt, earliestAt, latestAt].every(isInstant)) return 'TOO_FAR';
  return {
    expectedAt: new Date(expectedAt),
    earliestAt: new Date(earliestAt),
    latestAt: new Date(latestAt),
    pace,
    pessimisticPace: lowerQuartile!,
    optimisticPace: upperQuartile!,
    daysPerWorkingDay,
  };
}

/** Estimates when tasks will be completed, or tells why that cannot be said. */
export function estimateCompletion(facts: CompletionFacts): EstimatedCompletion {
  const { asOf, tasks, remaining, workingDays } = facts;
  return {
    asOf,
    remaining: tasks === 0 ? null : remaining,
    workingDays,
    estimate: estimateOf(facts),
  };
}
