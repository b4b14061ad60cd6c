import { WORKLOAD_MEASURES, type WorkloadMeasure } from '../domain/workload.ts';
import { Prisma, type PrismaClient } from './generated/client/client.ts';
import { localTime } from './time.ts';
import { columnOf } from './where.ts';
import { aggregateRecords } from './workload-aggregates.ts';
import { name, TIME } from './workload-keys.ts';
import { PEOPLE, recordsOfBoth, type Workload } from './workload-records.ts';

/**
 * Roll-ups of the workload: what the records of a request come to by operator and day, in the days of one time zone. They
 * are kept beside the records. Writers note since when those of a request may differ; whoever reads takes the days before
 * that from here and the later ones from the records, in one statement: what he reads is exact at any moment.
 */

/** The zone of a database's roll-ups, as far as it was seen to be worth reading them, by its clients. */
const zones = new WeakMap<PrismaClient, { timeZone: string | undefined }>();

function zoneOf(prisma: PrismaClient) {
  const known = zones.get(prisma) ?? { timeZone: undefined };
  zones.set(prisma, known);
  return known;
}

/** Has workload read from roll-ups of a zone; undefined: from records only. What was true once does no harm later. */
export function noteRollUps(prisma: PrismaClient, timeZone: string | undefined): void {
  zoneOf(prisma).timeZone = timeZone;
}

/** The zone of the roll-ups that a client may read; undefined where it may read none. */
export function rollUpZone(prisma: PrismaClient): string | undefined {
  return zones.get(prisma)?.timeZone;
}

/** Lets a viewer's client read the roll-ups of a database's. */
export function shareRollUps(prisma: PrismaClient, client: PrismaClient): void {
  zones.set(client, zoneOf(prisma));
}

/** The measures that are kept: they add up over requests, those that tell tasks apart over nothing else. */
export const KEPT_MEASURES: ReadonlySet<WorkloadMeasure> = new Set(
  WORKLOAD_MEASURES.filter((measure) => measure !== 'workingDays'),
);

const KEPT_COLUMNS = Prisma.raw([...KEPT_MEASURES].map(columnOf).join(', '));

/** What the roll-ups are by. */
const KEYS = ['annotation_request_id', 'campaign_id', 'pool_assignee_id'] as const;
const DAYS = {
  scope: undefined,
  grouping: {
    keys: ['annotationRequest', 'campaign', 'poolAssigneeId'],
    unit: 'day',
    columns: [],
  },
} as const satisfies Partial<Workload>;

/** The columns of the roll-ups. */
export const ROLL_UP = Prisma.sql`${Prisma.raw(KEYS.join(', '))}, day, ${KEPT_COLUMNS}`;

/** The zone that the days of the roll-ups are of. */
export const ROLL_UP_ZONE = Prisma.sql`coalesce((SELECT time_zone FROM workload_zone), 'UTC')`;

/**
 * The first day of which records can be from an instant on. Where clocks go back within a day from then, over midnight
 * perhaps, it may be the day before; none has ever gone back by more than a day.
 */
export function firstDaySince(since: Prisma.Sql, timeZone: string): Prisma.Sql {
  const later = localTime(Prisma.sql`(${since} + interval '24 hours')`, timeZone);
  return Prisma.sql`least(${localTime(since, timeZone)}, ${later} - interval '24 hours')::date`;
}

/**
 * A statement that rolls up the records of some requests, each from a day on.
 * @param stale the name of a table of requests (`annotation_request_id`) and days (`from_day`).
 * @param where a condition on the records; all unless told.
 */
export function rolledUp(stale: string, timeZone: string, where?: object): Prisma.Sql {
  const table = Prisma.raw(stale);
  // OFFSET makes PostgreSQL look the records of each request up: it cannot foresee how few requests these are.
  const history = Prisma.sql`(SELECT record.* FROM ${table} CROSS JOIN LATERAL (
    SELECT * FROM annotation_history WHERE annotation_request_id = ${table}.annotation_request_id
      AND ${localTime(Prisma.raw('created_time'), timeZone)}::date >= ${table}.from_day OFFSET 0) AS record)`;
  const workload = { ...DAYS, where, timeZone };
  const records = recordsOfBoth(workload, [], PEOPLE, history);
  const keys = DAYS.grouping.keys.map((key, place) => `${name(key)} AS ${KEYS[place]}`);
  return Prisma.sql`SELECT ${Prisma.raw(keys.join(', '))}, ${TIME}::date AS day, ${KEPT_COLUMNS}
    FROM (${aggregateRecords(workload, records, KEPT_MEASURES, false)}) AS groups`;
}
