/** Fixed dates and working hours. Instants are milliseconds since 1970 UTC, times of day milliseconds since midnight. */

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/**
 * The moment at which the simulation is looked at: a Friday, within the working hours of every team, so that work of all
 * kinds is under way.
 */
export const PRESENT = Date.UTC(2025, 5, 27, 9);

/** When somebody works. On a Saturday the shift ends at lunch. */
export interface WorkingHours {
  /** IANA name of the time zone; all of them are without daylight saving time. */
  zone: string;
  /** Local time minus UTC, in milliseconds. */
  utcOffset: number;
  starts: number;
  lunchStarts: number;
  lunchEnds: number;
  ends: number;
  /** Every second Saturday is worked: which ones, or null for none. */
  saturdays: 0 | 1 | null;
}

function dayOf(hours: WorkingHours, instant: number): number {
  return Math.floor((instant + hours.utcOffset) / DAY);
}

/** Days count from 1 January 1970, which was a Thursday; Sunday is 0. */
function weekday(day: number): number {
  return (day + 4) % 7;
}

/** The time of day at which the shift of a local day ends, or 0 on a day off. */
function shiftEnd(hours: WorkingHours, day: number): number {
  const name = weekday(day);
  if (name >= 1 && name <= 5) return hours.ends;
  const week = Math.floor((day + 3) / 7);
  return name === 6 && week % 2 === hours.saturdays ? hours.lunchStarts : 0;
}

/** Working time that is left in the shift in which `instant` lies, in milliseconds without lunch; 0 outside a shift. */
export function timeLeft(hours: WorkingHours, instant: number): number {
  const day = dayOf(hours, instant);
  const clock = instant + hours.utcOffset - day * DAY;
  const end = shiftEnd(hours, day);
  if (clock < hours.starts || clock >= end) return 0;
  if (end <= hours.lunchStarts || clock >= hours.lunchEnds) return end - clock;
  const afternoon = end - hours.lunchEnds;
  return clock < hours.lunchStarts ? hours.lunchStarts - clock + afternoon : afternoon;
}

/** When `amount` milliseconds of work are done that begin at `instant`, in a shift that has so much time left. */
export function afterWork(hours: WorkingHours, instant: number, amount: number): number {
  const clock = instant + hours.utcOffset - dayOf(hours, instant) * DAY;
  const overLunch = clock < hours.lunchStarts && clock + amount > hours.lunchStarts;
  return instant + amount + (overLunch ? hours.lunchEnds - hours.lunchStarts : 0);
}

/** The first working moment from `instant` on after which the shift still has `room` milliseconds of work. */
export function nextWorkingTime(hours: WorkingHours, instant: number, room: number): number {
  let day = dayOf(hours, instant);
  const clock = instant + hours.utcOffset - day * DAY;
  if (timeLeft(hours, instant) >= room) {
    const atLunch = clock >= hours.lunchStarts && clock < hours.lunchEnds;
    return atLunch ? instant + hours.lunchEnds - clock : instant;
  }
  if (clock >= hours.starts) day += 1;
  while (shiftEnd(hours, day) === 0) day += 1;
  return day * DAY + hours.starts - hours.utcOffset;
}

/** The first moment after `instant` at which a local clock shows `clock` on a day from Monday to Friday. */
export function nextWeekdayAt(utcOffset: number, clock: number, instant: number): number {
  let day = Math.floor((instant + utcOffset - clock) / DAY) + 1;
  while (weekday(day) === 0 || weekday(day) === 6) day += 1;
  return day * DAY + clock - utcOffset;
}
