import type { TimeRange } from '../domain/time.ts';
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

/**
 * The instant at which a local day (a `timestamp` at midnight) begins. Where clocks go back over midnight, PostgreSQL takes
 * the second of the two; where they skip it, the first instant after it.
 */
export function startOfDay(day: Prisma.Sql, timeZone: string): Prisma.Sql {
  const midnight = Prisma.sql`(${day} AT TIME ZONE ${timeZone})`;
  const before = Prisma.sql`(${midnight} - interval '1 hour')`;
  return Prisma.sql`(CASE WHEN ${localTime(before, timeZone)} >= ${day} THEN ${before} ELSE ${midnight} END)`;
}
