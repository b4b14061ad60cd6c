import { TASK_ACTION } from '../../src/domain/codes.ts';
import { matches, type Filter } from './list-evaluation.ts';
import type { ModelRow } from './list-rows.ts';
import { compare } from './list-measures.ts';
import { localDay, MINUTE } from './local-time.ts';
import { ascending, inOrder, stepOf } from './records.ts';
import { timeOf } from './workload.ts';

export interface WorkingTimeQuery {
  filter: Filter;
  timeZone: string;
  maxGapSeconds: number;
  maxTaskGapSeconds: number;
}

export interface ExpectedDay {
  poolAssigneeId: string;
  time: { label: string };
  recordCount: number;
  instances: string;
  durationSeconds: number;
  secondsPerInstance: number | null;
  excluded: { count: number; durationSeconds: number };
  records: string[];
}

interface Interval {
  start: number;
  end: number;
  isAskedFor: boolean;
  isShort: boolean;
}

/** The intervals between records of one operator, of both kinds. */
function intervalsOf(rows: readonly ModelRow[], query: WorkingTimeQuery): Interval[] {
  const between = (first: ModelRow, second: ModelRow, limit: number): Interval => ({
    start: timeOf(first),
    end: timeOf(second),
    isAskedFor: matches(second, query.filter),
    isShort: timeOf(second) - timeOf(first) <= limit * 1000,
  });
  const starts: number[] = [TASK_ACTION.SEND_TASK, TASK_ACTION.RESUME];
  return rows.flatMap((row, i) => {
    const next = rows[i + 1];
    const sameTask = rows.slice(i + 1).find((other) => other.related.task === row.related.task);
    return [
      ...(next ? [between(row, next, query.maxGapSeconds)] : []),
      ...(sameTask && starts.includes(row.values.actionCode as number)
        ? [between(row, sameTask, query.maxTaskGapSeconds)]
        : []),
    ];
  });
}

/** Minute by minute, since days change at full minutes. */
function* minutesOf({ start, end }: { start: number; end: number }): Generator<[number, number]> {
  for (let from = start; from < end;) {
    const to = Math.min(end, (Math.floor(from / MINUTE) + 1) * MINUTE);
    yield [from, to];
    from = to;
  }
}

/** The working time worked out interval by interval, by operator and day. */
export function workingTimeOf(
  history: readonly ModelRow[],
  query: WorkingTimeQuery,
): ExpectedDay[] {
  const days = new Map<
    string,
    ExpectedDay & { milliseconds: number; excludedMilliseconds: number }
  >();
  const dayOf = (operator: bigint, label: string) => {
    const key = `${operator} ${label}`;
    if (!days.has(key)) {
      days.set(key, {
        poolAssigneeId: String(operator),
        time: { label },
        recordCount: 0,
        instances: '0',
        durationSeconds: 0,
        secondsPerInstance: null,
        excluded: { count: 0, durationSeconds: 0 },
        records: [],
        milliseconds: 0,
        excludedMilliseconds: 0,
      });
    }
    return days.get(key)!;
  };
  const operators = new Set(history.map(({ values }) => values.poolAssigneeId as bigint | null));
  for (const operator of operators) {
    if (operator === null) continue;
    const rows = history
      .filter(({ values }) => values.poolAssigneeId === operator)
      .sort((a, b) => inOrder(stepOf(a), stepOf(b)));
    for (const row of rows.filter((one) => matches(one, query.filter))) {
      const day = dayOf(operator, localDay(timeOf(row), query.timeZone));
      day.recordCount++;
      day.instances = String(BigInt(day.instances) + BigInt(row.values.instanceNum as number));
      day.records.push(String(row.values.recordId));
    }
    const askedFor = intervalsOf(rows, query).filter(({ isAskedFor }) => isAskedFor);
    for (const [i, row] of rows.slice(1).entries()) {
      // Every interval is made of such gaps.
      const gap = { start: timeOf(rows[i]!), end: timeOf(row) };
      if (gap.end === gap.start) continue;
      const around = askedFor.filter(({ start, end }) => start <= gap.start && end >= gap.end);
      if (around.some(({ isShort }) => isShort)) {
        for (const [from, to] of minutesOf(gap)) {
          dayOf(operator, localDay(from, query.timeZone)).milliseconds += to - from;
        }
      } else if (around.length > 0) {
        const day = dayOf(operator, localDay(gap.end, query.timeZone));
        day.excluded.count++;
        day.excludedMilliseconds += gap.end - gap.start;
      }
    }
  }
  return [...days.values()]
    .sort(
      (a, b) =>
        compare(BigInt(a.poolAssigneeId), BigInt(b.poolAssigneeId)) ||
        compare(a.time.label, b.time.label),
    )
    .map(({ milliseconds, excludedMilliseconds, ...day }) => {
      const durationSeconds = milliseconds / 1000;
      const instances = Number(day.instances);
      return {
        ...day,
        durationSeconds,
        secondsPerInstance: instances === 0 ? null : durationSeconds / instances,
        excluded: { ...day.excluded, durationSeconds: excludedMilliseconds / 1000 },
        records: ascending(day.records.map(BigInt)).map(String),
      };
    });
}
