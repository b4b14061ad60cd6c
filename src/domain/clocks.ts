const formatters = new Map<string, (milliseconds: number) => string>();

/**
 * An instant as Rosetta writes it, `YYYY-MM-DD HH:mm:ss` on the clocks of `timeZone` (an IANA name). What is below a
 * second is cut off, as an answer's clock does, not rounded.
 * @param instant a Date, or the ISO text with `Z` that GraphQL gives.
 */
export function formatInstant(instant: Date | string, timeZone: string): string {
  if (timeZone === 'UTC') {
    // The ISO text holds the answer already, which makes a page of 1,000 records a millisecond cheaper.
    const iso = typeof instant === 'string' ? instant : instant.toISOString();
    return iso.slice(0, -5).replace('T', ' ');
  }
  let format = formatters.get(timeZone);
  if (format === undefined) {
    format = createFormatter(timeZone);
    formatters.set(timeZone, format);
  }
  return format(typeof instant === 'string' ? Date.parse(instant) : instant.getTime());
}

// The Gregorian calendar repeats every 400 years, to the day.
const EIGHT_CENTURIES_MS = 2 * 146_097 * 86_400_000;
const YEAR_1000_MS = Date.UTC(1000, 0);

function createFormatter(timeZone: string): (milliseconds: number) => string {
  // Swedish dates are written `YYYY-MM-DD HH:mm:ss`. Formatting text is three times faster than formatting parts.
  const swedish = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  return (milliseconds) => {
    if (milliseconds >= YEAR_1000_MS) return swedish.format(milliseconds);
    // Years below 1000 come without leading zeros, and year 0 as "1" (before Christ). Eight centuries later the clocks of
    // every zone still showed local mean time, so only the year needs setting right.
    const [year, ...rest] = swedish.format(milliseconds + EIGHT_CENTURIES_MS).split('-');
    return [String(Number(year) - 800).padStart(4, '0'), ...rest].join('-');
  };
}
