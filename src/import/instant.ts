import { isInstant } from '../domain/time.ts';
import type { Kind } from './kinds.ts';
import { Rejection, show } from './problem.ts';

// The groups: date, time, fraction of a second, offset ("Z" or its sign, hours and minutes).
const RFC_3339 =
  /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/i;

/** SQL that writes an instant in UTC, to the millisecond. */
const write = (column: string) =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** An instant: RFC 3339 with an offset, kept in UTC to the millisecond; finer digits are cut off. */
export const instant: Kind<string> = {
  sqlType: 'timestamptz',
  select: write,
  write,
  read(value, path) {
    const problem = (what: string) =>
      new Rejection(
        'INVALID',
        path,
        `${path} ${what}: ${typeof value === 'string' ? show(value) : typeof value}.`,
      );
    const match = typeof value === 'string' ? RFC_3339.exec(value) : null;
    if (!match) {
      throw problem(
        'must be an instant of RFC 3339 with its offset, such as 2025-04-01T10:00:00Z, and is',
      );
    }
    const [, date, time, fraction = '', sign, hours, minutes] = match;
    if (time!.endsWith(':60')) throw problem('is in a leap second, which cannot be stored');
    const local = `${date}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
    const at = Date.parse(local);
    // Date.parse takes February 30th for March 2nd, and hour 24 for the next day's first.
    if (Number.isNaN(at) || new Date(at).toISOString() !== local) {
      throw problem('is a date or time that no calendar has');
    }
    const offset = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
    const utc = sign === '-' ? at + offset : at - offset;
    if (!isInstant(utc)) throw problem('must be in the years 0001 to 9999 of UTC, and is');
    return offset === 0 ? local : new Date(utc).toISOString();
  },
};
