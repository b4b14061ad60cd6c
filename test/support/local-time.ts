export const ZONES = [
  'UTC',
  'Asia/Shanghai',
  'Europe/Berlin',
  'America/Havana',
  'America/Sao_Paulo',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Pacific/Kiritimati',
];

const formats = new Map<string, Intl.DateTimeFormat>();

/** What clocks and calendars of a zone show at an instant, as `2025-04-01T10:00:00`. */
export function localTime(instant: string | number | Date, timeZone: string): string {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('sv-SE', {
      timeZone,
      dateStyle: 'short',
      timeStyle: 'medium',
    });
    formats.set(timeZone, format);
  }
  return format.format(new Date(instant)).replace(' ', 'T');
}

export function localDay(instant: string | number | Date, timeZone: string): string {
  return localTime(instant, timeZone).slice(0, 10);
}

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const starts = new Map<string, number>();

/** The first instant of a day: clocks change at quarters of an hour only. */
export function startOfDay(day: string, timeZone: string): number {
  const key = `${day} ${timeZone}`;
  let instant = starts.get(key) ?? Date.parse(day) - 16 * HOUR;
  while (localDay(instant, timeZone) < day) instant += 15 * MINUTE;
  starts.set(key, instant);
  return instant;
}

export function nextDay(day: string): string {
  return new Date(Date.parse(day) + DAY).toISOString().slice(0, 10);
}

/** The ISO week of a day, as `2025-W14`: that of its Thursday. */
export function isoWeek(day: string): string {
  const date = new Date(day);
  date.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7));
  const firstOfYear = Date.UTC(date.getUTCFullYear(), 0, 1);
  const week = Math.ceil(((date.getTime() - firstOfYear) / DAY + 1) / 7);
  return `${date.getUTCFullYear()}-W${String(week).padStart(2, '0')}`;
}
