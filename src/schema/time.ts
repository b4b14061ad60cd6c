import { DEFAULT_TIME_ZONE, type TimeBucket, type TimeRange } from '../domain/time.ts';
import { builder } from './builder.ts';

const TimeRangeInput = builder.inputRef<TimeRange>('TimeRange').implement({
  description:
    'A stretch of time. An event counts if its own time lies in it; what it is judged by (the submission before a rejection, say) may lie earlier.',
  fields: (t) => ({
    from: t.field({ type: 'DateTime', description: 'From this instant on; open if absent.' }),
    to: t.field({
      type: 'DateTime',
      description: 'Up to this instant, which no longer counts; open if absent.',
    }),
  }),
});

/** The argument that keeps a measure to a stretch of time. */
export const TIME_RANGE_ARGUMENT = builder.args((t) => ({
  timeRange: t.field({
    type: TimeRangeInput,
    description: 'Only what happened in this stretch of time; all of it if absent.',
  }),
}));

/** The argument that says whose calendar days are told apart by. */
export const TIME_ZONE_ARGUMENT = builder.args((t) => ({
  timeZone: t.string({
    defaultValue: DEFAULT_TIME_ZONE,
    description:
      'The IANA name of the time zone whose days and hours count, Asia/Shanghai for instance. A day has 23 or 25 hours where its clocks change.',
  }),
}));

/** The argument that looks back at an instant. */
export const AS_OF_ARGUMENT = builder.args((t) => ({
  asOf: t.field({
    type: 'DateTime',
    description:
      'As it was at this instant: each task by its last record up to then (by `createdTime`, then `recordId`), which also tells its status and its pool; a task without one did not exist yet. As it is now if absent.',
  }),
}));

export const TimeBucketRef = builder.objectRef<TimeBucket>('TimeBucket').implement({
  description: 'An hour, a day, an ISO week or a month of a time zone.',
  fields: (t) => ({
    label: t.exposeString('label', {
      description:
        'As people write it: `2025-04-01T10:00` for an hour, `2025-04-01` for a day, `2025-W14` for a week, `2025-04` for a month. When clocks go back, two hours have the same label and different starts.',
    }),
    start: t.expose('start', { type: 'DateTime', description: 'Its first instant.' }),
    end: t.expose('end', {
      type: 'DateTime',
      description: 'The first instant after it, which no longer belongs to it.',
    }),
  }),
});
