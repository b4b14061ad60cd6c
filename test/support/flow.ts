import { POOL_TYPE } from '../../src/domain/codes.ts';
import type { PoolEntity } from '../../src/domain/entities.ts';
import { isIn, recordsShown, type HistoryRecord, type Range, type Scope } from './histories.ts';

/** What flow is, worked out from the raw records one by one. */

const secondsBetween = (a: HistoryRecord, b: HistoryRecord) =>
  (b.createdTime.getTime() - a.createdTime.getTime()) / 1000;

function percentile(durations: number[], share: number): number | null {
  if (durations.length === 0) return null;
  const sorted = [...durations].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (place - Math.floor(place)) * (above - below);
}

const durations = (all: number[]) => ({
  count: all.length,
  p50: percentile(all, 0.5),
  p90: percentile(all, 0.9),
  p99: percentile(all, 0.99),
});

/** The records of action 6 that have none before them. */
const firstCompletions = ({ tasks }: Scope) =>
  tasks.flatMap((task) => {
    const completion = task.records.find(({ actionType }) => actionType === 6);
    return completion ? [{ task, completion }] : [];
  });

export function cycleTimeOf(scope: Scope, range: Range) {
  return durations(
    firstCompletions(scope)
      .filter(({ completion }) => isIn(range, completion.createdTime))
      .map(({ task, completion }) => secondsBetween(task.records[0]!, completion)),
  );
}

interface Visit {
  poolId: bigint;
  began: HistoryRecord;
  /** The record in another pool that ended it. */
  ended: HistoryRecord | undefined;
  working: number;
  waiting: number;
}

function visitsOf({ tasks }: Scope): Visit[] {
  const visits: Visit[] = [];
  for (const { records } of tasks) {
    let current: Visit | undefined;
    let paused = false;
    for (const [index, record] of records.entries()) {
      if (current?.poolId !== record.poolId) {
        if (current) current.ended = record;
        current = {
          poolId: record.poolId,
          began: record,
          ended: undefined,
          working: 0,
          waiting: 0,
        };
        visits.push(current);
      }
      if ([1, 11].includes(record.actionType)) paused = true;
      else if (![4, 15].includes(record.actionType)) paused = false;
      const next = records[index + 1];
      if (!next) continue;
      // In milliseconds, so that sums are exact.
      const time = next.createdTime.getTime() - record.createdTime.getTime();
      if ([3, 6, 9].includes(record.status) && !paused) current.working += time;
      else current.waiting += time;
    }
  }
  return visits;
}

/** The pool that a scope is, if it is one. */
const ownPool = ({ list, id }: Scope) => (list === 'pools' ? BigInt(id) : undefined);

const nameOfType = (code: number) =>
  Object.entries(POOL_TYPE).find(([, known]) => known === code)?.[0] ?? null;

export function timeInPoolOf(scope: Scope, range: Range, pools: Map<bigint, PoolEntity>) {
  const own = ownPool(scope);
  const visits = visitsOf(scope).filter(({ poolId }) => own === undefined || poolId === own);
  const closed = visits.filter(({ ended }) => ended && isIn(range, ended.createdTime));
  const open = visits.filter(
    ({ began, ended }) => !ended && (!range.to || began.createdTime < range.to),
  );
  const typeOf = ({ poolId }: Visit) => pools.get(poolId)!.poolType;
  const types = [...new Set([...closed, ...open].map(typeOf))].sort((a, b) => a - b);
  return types.map((type) => {
    const mine = closed.filter((visit) => typeOf(visit) === type);
    return {
      poolType: nameOfType(type),
      poolTypeCode: type,
      visits: mine.length,
      openVisits: open.filter((visit) => typeOf(visit) === type).length,
      total: durations(mine.map(({ began, ended }) => secondsBetween(began, ended!))),
      working: durations(mine.map(({ working }) => working / 1000)),
      waiting: durations(mine.map(({ waiting }) => waiting / 1000)),
    };
  });
}

const compareIds = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);

export function movesOf(scope: Scope, range: Range) {
  const own = ownPool(scope);
  const pairs = new Map<string, { from: bigint; to: bigint; visits: Visit[] }>();
  for (const visit of visitsOf(scope)) {
    if (!visit.ended || !isIn(range, visit.ended.createdTime)) continue;
    const [from, to] = [visit.poolId, visit.ended.poolId];
    if (own !== undefined && from !== own && to !== own) continue;
    const pair = pairs.get(`${from} ${to}`) ?? { from, to, visits: [] };
    pairs.set(`${from} ${to}`, pair);
    pair.visits.push(visit);
  }
  return [...pairs.values()]
    .sort((a, b) => compareIds(a.from, b.from) || compareIds(a.to, b.to))
    .map(({ from, to, visits }) => ({
      from: { poolId: String(from) },
      to: { poolId: String(to) },
      fromPoolId: String(from),
      toPoolId: String(to),
      count: visits.length,
      medianSeconds: percentile(
        visits.map(({ began, ended }) => secondsBetween(began, ended!)),
        0.5,
      ),
      records: recordsShown(visits.map(({ ended }) => ended!)),
    }));
}

const FORMATS = new Map<string, Intl.DateTimeFormat>();

/** The date that a calendar of a zone shows at an instant. */
export function dateAt(instant: Date | number, timeZone: string): string {
  if (!FORMATS.has(timeZone)) {
    const parts = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
    FORMATS.set(timeZone, new Intl.DateTimeFormat('en-CA', { timeZone, ...parts }));
  }
  return FORMATS.get(timeZone)!.format(instant);
}

const QUARTER = 15 * 60_000;

/** The first instant of a date: clocks change at quarters of an hour only. */
function startOf(date: string, timeZone: string): number {
  let instant = Date.parse(`${date}T00:00:00Z`) - 16 * 3_600_000;
  while (dateAt(instant, timeZone) < date) instant += QUARTER;
  return instant;
}

function nextDate(date: string): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + 24 * 3_600_000).toISOString().slice(0, 10);
}

/** The days that are listed of a scope. */
function daysOf({ tasks }: Scope, { from, to }: Range, timeZone: string) {
  const times = tasks
    .flatMap(({ records }) => records)
    .map(({ createdTime }) => createdTime.getTime());
  let first = Infinity;
  let last = -Infinity;
  for (const time of times) {
    first = Math.min(first, time);
    last = Math.max(last, time);
  }
  if (from) first = Math.max(first, from.getTime());
  if (to) last = Math.min(last, to.getTime() - 1);
  if (first > last) return [];
  const days: { label: string; start: number; end: number }[] = [];
  const end = dateAt(last, timeZone);
  for (let date = dateAt(first, timeZone); date <= end; date = nextDate(date)) {
    const day = {
      label: date,
      start: startOf(date, timeZone),
      end: startOf(nextDate(date), timeZone),
    };
    // Samoa once went without a Friday.
    if (day.start < day.end) days.push(day);
  }
  return days;
}

const bucket = ({ label, start, end }: { label: string; start: number; end: number }) => ({
  label,
  start: new Date(start).toISOString(),
  end: new Date(end).toISOString(),
});

export function throughputOf(scope: Scope, range: Range, timeZone: string) {
  const completions = firstCompletions(scope)
    .map(({ completion }) => completion)
    .filter(({ createdTime }) => isIn(range, createdTime));
  return daysOf(scope, range, timeZone).map((day) => {
    const mine = completions.filter(
      ({ createdTime }) => dateAt(createdTime, timeZone) === day.label,
    );
    return { day: bucket(day), tasks: mine.length, completions: recordsShown(mine) };
  });
}

export function workInProgressOf(scope: Scope, range: Range, timeZone: string) {
  return daysOf(scope, range, timeZone).map((day) => {
    const end = Math.min(day.end, range.to?.getTime() ?? Infinity);
    const inProgress = scope.tasks.filter(({ records }) => {
      const before = records.filter(({ createdTime }) => createdTime.getTime() < end);
      const last = before.at(-1);
      return (
        last &&
        ![0, 11].includes(last.status) &&
        !before.some(({ actionType }) => actionType === 15)
      );
    });
    return { day: bucket(day), tasks: inProgress.length };
  });
}
