import { Prisma } from './generated/client/client.ts';
import { localDay, localTime } from './time.ts';

/** A condition on records that roll-ups can be held against. */
export interface RollUpCondition {
  /** On what roll-ups are by. */
  readonly where: object;
  /** On when records were done: from the beginnings of days of the zone, up to others. */
  readonly from: readonly Date[];
  readonly to: readonly Date[];
}

/** The columns that records and roll-ups have in common, by the names of conditions. */
const COMMON_FIELDS: ReadonlySet<string> = new Set([
  'campaignId',
  'annotationRequestId',
  'poolAssigneeId',
]);

/** Whether a condition on records is one on what roll-ups are by. */
function isAboutKeys(where: object): boolean {
  return Object.entries(where).every(([name, value]: [string, unknown]) => {
    if (name === 'AND' || name === 'OR') return (value as object[]).every(isAboutKeys);
    if (name === 'NOT') return isAboutKeys(value as object);
    // What is said of the request that a record belongs to holds for all of its records.
    return name === 'annotationRequest' || COMMON_FIELDS.has(name);
  });
}

/** The clocks of a zone. Making them takes longer than reading them. */
const clocks = new Map<string, Intl.DateTimeFormat>();

/** Whether the clocks of a zone show midnight, as far as Node.js knows. */
function isMidnight(instant: unknown, timeZone: string): boolean {
  if (!(instant instanceof Date) || instant.getTime() % 1000 !== 0) return false;
  let clock = clocks.get(timeZone);
  if (!clock) {
    clock = new Intl.DateTimeFormat('sv-SE', { timeZone, timeStyle: 'medium' });
    clocks.set(timeZone, clock);
  }
  return clock.format(instant) === '00:00:00';
}

/** The conditions that hold all of them. */
function partsOf(where: object): [string, unknown][] {
  return Object.entries(where).flatMap(([name, value]: [string, unknown]) =>
    name === 'AND' ? (value as object[]).flatMap(partsOf) : [[name, value] as [string, unknown]],
  );
}

/** Reads a condition on records; undefined where roll-ups with the days of a zone cannot be held against it. */
export function rollUpCondition(where: object, timeZone: string): RollUpCondition | undefined {
  const parts = partsOf(where);
  const others = parts.filter(([name]) => name !== 'createdTime');
  const bounds = parts.filter((part) => !others.includes(part)).map(([, value]) => value);
  const ends = bounds.flatMap((bound) => Object.entries(bound as object)) as [string, unknown][];
  const isDays = ends.every(
    ([operator, instant]) =>
      (operator === 'gte' || operator === 'lt') && isMidnight(instant, timeZone),
  );
  const condition = { AND: others.map(([name, value]) => ({ [name]: value })) };
  if (!isDays || !isAboutKeys(condition)) return undefined;
  const those = (wanted: string) =>
    ends.flatMap(([operator, instant]) => (operator === wanted ? [instant as Date] : []));
  return { where: condition, from: those('gte'), to: those('lt') };
}

/** Those of records on when they were done. */
export function timesOf({ from, to }: RollUpCondition): object {
  return {
    AND: [
      ...from.map((gte) => ({ createdTime: { gte } })),
      ...to.map((lt) => ({ createdTime: { lt } })),
    ],
  };
}

const timestamp = (instant: Date) => Prisma.sql`${instant}::timestamptz`;

/** The same on the days of roll-ups; only where each of the ends is one of whole days. */
export function daysOf({ from, to }: RollUpCondition, timeZone: string): Prisma.Sql {
  const day = (instant: Date) => localDay(timestamp(instant), timeZone);
  const conditions = [
    ...from.map((instant) => Prisma.sql`day >= ${day(instant)}`),
    ...to.map((instant) => Prisma.sql`day < ${day(instant)}`),
  ];
  return conditions.length > 0 ? Prisma.join(conditions, ' AND ') : Prisma.sql`true`;
}

/**
 * The condition that each of the ends is one of whole days: that clocks show midnight and are not changed within a day, so
 * that no instant before it can be of the day that begins, and none after it of the day before.
 */
export function areWholeDays({ from, to }: RollUpCondition, timeZone: string): Prisma.Sql {
  const conditions = [...from, ...to].map((instant) => {
    const local = localTime(timestamp(instant), timeZone);
    const shifted = (sign: '+' | '-') => {
      const by = Prisma.raw(`${sign} interval '24 hours'`);
      return Prisma.sql`${localTime(Prisma.sql`(${timestamp(instant)} ${by})`, timeZone)} = ${local} ${by}`;
    };
    return Prisma.sql`${local} = ${localDay(timestamp(instant), timeZone)} AND ${shifted('-')} AND ${shifted('+')}`;
  });
  return conditions.length > 0 ? Prisma.join(conditions, ' AND ') : Prisma.sql`true`;
}
