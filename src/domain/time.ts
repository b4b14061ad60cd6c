import { GatewayError } from './errors.ts';

/** A stretch of time: from an instant on, up to another, which no longer belongs to it; an absent end is open. */
export interface TimeRange {
  readonly from?: Date | null | undefined;
  readonly to?: Date | null | undefined;
}

/** Instants are those of the years 0001 to 9999 of UTC: RFC 3339 has no others, and PostgreSQL has no year 0. */
const FIRST_INSTANT = Date.parse('0001-01-01T00:00:00.000Z');
const LAST_INSTANT = Date.parse('9999-12-31T23:59:59.999Z');

/** Whether a number of milliseconds since 1970 is an instant that can be kept and told. */
export function isInstant(time: number): boolean {
  return time >= FIRST_INSTANT && time <= LAST_INSTANT;
}

/** The zone of days where none is named. */
export const DEFAULT_TIME_ZONE = 'UTC';

/** Names that have been found out to be of zones: that takes longer than anything else about an argument. */
const knownZones = new Set<string>();

/** How many there may be: callers can write the same name in upper and lower case. */
const MAX_KNOWN_ZONES = 1000;

/** Whether a name is one of the IANA time zone database. */
export function isTimeZone(name: string): boolean {
  if (knownZones.has(name)) return true;
  // Newer versions of Node.js take offsets too.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    if (knownZones.size < MAX_KNOWN_ZONES) knownZones.add(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * Names that say the same to everybody. PostgreSQL takes short ones (CET, IST) for abbreviations of an offset without
 * daylight saving, or of another country's, before it looks for a zone.
 */
const UNAMBIGUOUS = /^(UTC|(?!SystemV\/)[A-Z]\w*\/.+)$/i;

/** Whether a name is that of the same zone to everybody. */
export function isUnambiguousTimeZone(name: string): boolean {
  return UNAMBIGUOUS.test(name) && isTimeZone(name);
}

/**
 * Reads the time zone of an argument.
 * @throws GatewayError (BAD_USER_INPUT) if there is no such zone.
 */
export function readTimeZone(name: string | null | undefined): string {
  const zone = name ?? DEFAULT_TIME_ZONE;
  if (isUnambiguousTimeZone(zone)) return zone;
  throw new GatewayError(
    'BAD_USER_INPUT',
    `The argument "timeZone" is ${JSON.stringify(zone.slice(0, 100))}, which is not a name of the IANA time zone database with its area: give Asia/Shanghai, Europe/Berlin or UTC, for instance.`,
  );
}

/**
 * Reads the time range of an argument.
 * @throws GatewayError (BAD_USER_INPUT) if it ends before it begins.
 */
export function readTimeRange(range: TimeRange | null | undefined): TimeRange {
  const { from, to } = range ?? {};
  if (from && to && to < from) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `The argument "timeRange" ends at ${to.toISOString()}, before it begins at ${from.toISOString()}.`,
    );
  }
  return { from, to };
}

/** A stretch of local time: an hour, a day, an ISO week or a month. */
export interface TimeBucket {
  readonly label: string;
  readonly start: Date;
  readonly end: Date;
}

/** How many rows a measure over a time range may list. */
export const MAX_ROWS = 1000;

/**
 * The rows that a measure lists.
 * @param what they are called.
 * @throws GatewayError (BAD_USER_INPUT) if there are more than it may list.
 */
export function atMostMaxRows<Row>(rows: readonly Row[], what: string): readonly Row[] {
  if (rows.length <= MAX_ROWS) return rows;
  throw new GatewayError(
    'BAD_USER_INPUT',
    `There are more than ${MAX_ROWS} ${what}; narrow "timeRange".`,
  );
}
