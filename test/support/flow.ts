import { POOL_TYPE } from '../../src/domain/codes.ts';
import { compare, nameOfCode } from './list-measures.ts';
import { localDay, nextDay, startOfDay } from './local-time.ts';
import { percentile, recordsShown, type HistoryRecord } from './records.ts';
import { isIn, ownPool, type Range, type Scope } from './scopes.ts';

/** What flow is, worked out from the raw records one by one. */

const secondsBetween = (a: HistoryRecord, b: HistoryRecord) =>
  (b.createdTime.getTime() - a.createdTime.getTime()) / 1000;

const percentileOf = (all: number[], share: number) =>
  all.length === 0 ? null : percentile(all, share);

const durations = (all: number[]) => ({
  count: all.length,
  p50: percentileOf(all, 0.5),
  p90: percentileOf(all, 0.9),
  p99: percentileOf(all, 0.99),
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

export function timeInPoolOf(scope: Scope, range: Range, poolTypes: Map<bigint, number>) {
  const own = ownPool(scope);
  const visits = visitsOf(scope).filter(({ poolId }) => own === undefined || poolId === own);
  const closed = visits.filter(({ ended }) => ended && isIn(range, ended.createdTime));
  const open = visits.filter(
    ({ began, ended }) => !ended && (!range.to || began.createdTime < range.to),
  );
  const typeOf = ({ poolId }: Visit) => poolTypes.get(poolId)!;
  const types = [...new Set([...closed, ...open].map(typeOf))].sort((a, b) => a - b);
  return types.map((type) => {
    const mine = closed.filter((visit) => typeOf(visit) === type);
    return {
      poolType: nameOfCode(POOL_TYPE, type),
      poolTypeCode: type,
      visits: mine.length,
      openVisits: open.filter((visit) => typeOf(visit) === type).length,
      total: durations(mine.map(({ began, ended }) => secondsBetween(began, ended!))),
      working: durations(mine.map(({ working }) => working / 1000)),
      waiting: durations(mine.map(({ waiting }) => waiting / 1000)),
    };
  });
}

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
    .sort((a, b) => compare(a.from, b.from) || compare(a.to, b.to))
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
  const end = localDay(last, timeZone);
  for (let label = localDay(first, timeZone); label <= end; label = nextDay(label)) {
    const day = {
      label,
      start: startOfDay(label, timeZone),
      end: startOfDay(nextDay(label), timeZone),
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
      ({ createdTime }) => localDay(createdTime, timeZone) === day.label,
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
