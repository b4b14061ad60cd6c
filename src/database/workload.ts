import { LISTS } from '../domain/lists/fields.ts';
import type { TimeBucket } from '../domain/time.ts';
import { isWorkloadMeasure, WORKLOAD_KEYS, type WorkloadMeasure } from '../domain/workload.ts';
import type { RawRow } from './aggregates.ts';
import type { Cell, Evidence } from './evidence.ts';
import { Prisma, type PrismaClient } from './generated/client/client.ts';
import type { RangeKey } from './ranges.ts';
import { countReport, pageOfReport, type ReportCount, type ReportPage } from './report.ts';
import { rollUpZone } from './rollups.ts';
import { minGroupOf, type Judged } from './small-groups.ts';
import { nearBuckets, readBucket } from './time.ts';
import { columnOf } from './where.ts';
import { groupsSql } from './workload-groups.ts';
import { keyColumns } from './workload-keys.ts';
import { PEOPLE, recordsSql, type Source, type Workload } from './workload-records.ts';

/**
 * Records in groups, and what those come to. A group also has the rejections that its operators received: these are taken
 * for records of the one whose submission was rejected, so that filters and keys treat them as his.
 */

/** A group, by the names of its columns: keys, measures, and the cell of its evidence. */
export type WorkloadRow = Readonly<Record<string, unknown>> &
  Judged & {
    readonly cell: string;
    readonly parent: RangeKey | null;
  };

/** The same for whoever asks by a client. */
function groupsFor(
  prisma: PrismaClient,
  workload: Workload,
  parents: readonly RangeKey[],
  measures: ReadonlySet<WorkloadMeasure>,
): Prisma.Sql {
  const isCounted = minGroupOf(prisma) !== undefined;
  return groupsSql(workload, parents, measures, isCounted, rollUpZone(prisma));
}

/** Makes a reader of the rows of a statement, which has much to read. */
function rowReader(
  { grouping }: Workload,
  measures: Iterable<WorkloadMeasure>,
): (raw: RawRow) => WorkloadRow {
  const columns = [...grouping.columns, ...measures].map((name) => ({
    name,
    column: columnOf(name),
    isInt: isWorkloadMeasure(name) && LISTS.Workload.fields[name]!.kind === 'int',
  }));
  return (raw) => {
    const row: Record<string, unknown> = {
      cell: raw.cell,
      parent: raw.parent,
      refused: raw.refused,
    };
    for (const { name, column, isInt } of columns) {
      row[name] = isInt ? Number(raw[column]) : raw[column];
    }
    if (grouping.unit) row.time = readBucket(raw);
    if (raw.rank !== undefined) row.rank = Number(raw.rank);
    return row as WorkloadRow;
  };
}

/** One page of groups of each scope, in one statement, by the key of the scope; of all records, under null. */
export async function pageOfWorkload(
  prisma: PrismaClient,
  workload: Workload,
  parents: readonly RangeKey[],
  measures: ReadonlySet<WorkloadMeasure>,
  page: ReportPage,
): Promise<Map<RangeKey | null, WorkloadRow[]>> {
  const rows = await pageOfReport(prisma, groupsFor(prisma, workload, parents, measures), page);
  const readRow = rowReader(workload, measures);
  const pages = new Map<RangeKey | null, WorkloadRow[]>();
  for (const raw of rows) {
    const row = readRow(raw);
    const page = pages.get(row.parent);
    if (page) page.push(row);
    else pages.set(row.parent, [row]);
  }
  return pages;
}

/** How many groups each scope has. */
export function countWorkload(
  prisma: PrismaClient,
  workload: Workload,
  parents: readonly RangeKey[],
  measures: ReadonlySet<WorkloadMeasure>,
  having: object | undefined,
): Promise<Map<RangeKey | null, ReportCount>> {
  return countReport(prisma, groupsFor(prisma, workload, parents, measures), having);
}

/** Keeps records to those that groups can have, as far as an index can help: the keys that are columns, and the time. */
function nearGroups(groups: readonly Cell<WorkloadRow>[], { grouping }: Workload): Prisma.Sql {
  const rows = groups.map(({ values }) => values);
  const direct = grouping.keys.filter((key) => key !== 'poolType' && key !== 'operationKey');
  const conditions = direct.map((key) => {
    const column = Prisma.raw(`records.${columnOf(WORKLOAD_KEYS[key].column)}`);
    const values = [...new Set(rows.map((row) => row[WORKLOAD_KEYS[key].column]))];
    const known = values.filter((value) => value !== null);
    const among = Prisma.sql`${column} = ANY (${known})`;
    return values.length > known.length ? Prisma.sql`(${among} OR ${column} IS NULL)` : among;
  });
  if (grouping.unit) {
    const buckets = rows.map(({ time }) => time as TimeBucket);
    conditions.push(nearBuckets(Prisma.raw('records.created_time'), buckets));
  }
  return conditions.length > 0 ? Prisma.join(conditions, ' AND ') : Prisma.sql`true`;
}

/** The records that groups are made of: their own, or the rejections that they received. */
export function workloadEvidence(source: Source, workload: Workload): Evidence<WorkloadRow> {
  return {
    model: 'AnnotationHistory',
    rows: (groups) => {
      const parents = groups.flatMap(({ values }) =>
        values.parent === null ? [] : [values.parent],
      );
      const keys = keyColumns(workload);
      return Prisma.sql`SELECT ${keys.cell} AS cell, id FROM (
        SELECT ${keys.selected}, records.id
        FROM (${recordsSql(source, workload, [...new Set(parents)], PEOPLE)}) AS records ${keys.joins}
        WHERE ${nearGroups(groups, workload)}) AS keyed`;
    },
  };
}
