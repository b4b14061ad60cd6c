import type { TimeBucket, TimeRange } from '../domain/time.ts';
import type { TimeUnit } from '../domain/workload.ts';
import type { RawRow } from './aggregates.ts';
import { Prisma } from './generated/client/client.ts';

/** The condition that an instant lies in a time range. */
export function inTimeRange(instant: Prisma.Sql, { from, to }: TimeRange): Prisma.Sql {
  const bounds = [
    ...(from ? [Prisma.sql`${instant} >= ${from}`] : []),
    ...(to ? [Prisma.sql`${instant} < ${to}`] : []),
  ];
  return bounds.length === 0 ? Prisma.sql`true` : Prisma.sql`(${Prisma.join(bounds, ' AND ')})`;
}

/** What the clocks and the calendar of a zone show at an instant. */
export function localTime(instant: Prisma.Sql, timeZone: string): Prisma.Sql {
  return Prisma.sql`(${instant} AT TIME ZONE ${timeZone})`;
}

/** The first and the last instant that can be told: what lies beyond is taken for them. */
function tellable(instant: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`least(greatest(${instant}, '0001-01-01T00:00:00Z'::timestamptz), '9999-12-31T23:59:59.999Z'::timestamptz)`;
}

/** The instant an hour after another. */
function hourAfter(instant: Prisma.Sql): Prisma.Sql {
  return tellable(Prisma.sql`(${instant} + interval '1 hour')`);
}

/**
 * The instant at which a local day (a `timestamp` at midnight) begins. Where clocks go back over midnight, PostgreSQL takes
 * the second of the two; where they skip it, the first instant after it.
 */
export function startOfDay(day: Prisma.Sql, timeZone: string): Prisma.Sql {
  const midnight = Prisma.sql`(${day} AT TIME ZONE ${timeZone})`;
  const before = Prisma.sql`(${midnight} - interval '1 hour')`;
  return tellable(
    Prisma.sql`(CASE WHEN ${localTime(before, timeZone)} >= ${day} THEN ${before} ELSE ${midnight} END)`,
  );
}

/**
 * The condition that an instant lies near some stretches of time, for an index; which one it lies in is told otherwise.
 * Where clocks go back over midnight, an instant may lie outside the day it belongs to.
 */
export function nearBuckets(instant: Prisma.Sql, buckets: readonly TimeBucket[]): Prisma.Sql {
  const margin = Prisma.raw(`interval '1 day'`);
  const from = new Date(Math.min(...buckets.map(({ start }) => start.getTime())));
  const to = new Date(Math.max(...buckets.map(({ end }) => end.getTime())));
  return Prisma.sql`(${instant} >= ${from}::timestamptz - ${margin} AND ${instant} < ${to}::timestamptz + ${margin})`;
}

/** The local day of an instant: a `timestamp` at midnight. */
export function localDay(instant: Prisma.Sql, timeZone: string): Prisma.Sql {
  return Prisma.sql`date_trunc('day', ${localTime(instant, timeZone)})`;
}

const UNITS: Readonly<Record<Exclude<TimeUnit, 'hour'>, { unit: string; label: string }>> = {
  day: { unit: 'day', label: 'YYYY-MM-DD' },
  isoWeek: { unit: 'week', label: 'IYYY-"W"IW' },
  month: { unit: 'month', label: 'YYYY-MM' },
};

/** The stretch of time that an instant lies in: an hour by its start, since clocks may show it twice, others by the local day they begin on. */
export function stretchOf(instant: Prisma.Sql, unit: TimeUnit, timeZone: string): Prisma.Sql {
  return unit === 'hour'
    ? Prisma.sql`date_trunc('hour', ${instant}, ${timeZone})`
    : Prisma.sql`date_trunc(${UNITS[unit].unit}, ${localTime(instant, timeZone)})`;
}

/** The same of a local day. */
export function stretchOfDay(day: Prisma.Sql, unit: Exclude<TimeUnit, 'hour'>): Prisma.Sql {
  return Prisma.sql`date_trunc(${UNITS[unit].unit}, ${day}::timestamp)`;
}

/** Start, end and label of a stretch of time. */
export function bucketSql(time: Prisma.Sql, unit: TimeUnit, timeZone: string): Prisma.Sql {
  if (unit === 'hour') {
    return Prisma.sql`${time} AS time_start, ${hourAfter(time)} AS time_end,
      to_char(${localTime(time, timeZone)}, 'YYYY-MM-DD"T"HH24:MI') AS time_label`;
  }
  const next = Prisma.sql`(${time} + ${Prisma.raw(`interval '1 ${UNITS[unit].unit}'`)})`;
  return Prisma.sql`${startOfDay(time, timeZone)} AS time_start,
    ${startOfDay(next, timeZone)} AS time_end, to_char(${time}, ${UNITS[unit].label}) AS time_label`;
}

export function readBucket(raw: RawRow): TimeBucket {
  return {
    label: raw.time_label as string,
    start: raw.time_start as Date,
    end: raw.time_end as Date,
  };
}
