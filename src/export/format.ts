import type { Prisma } from '../database/generated/client/client.ts';
import type { ExportFormat } from '../domain/exports.ts';
import { createCsv } from './csv.ts';
import { createNdjson } from './ndjson.ts';
import type { Plan } from './plan.ts';
import type { Section } from './sections.ts';

/** How many rows an export has, of each type. */
export type RowCounts = Readonly<Record<string, number>>;

/** How an export is written. All text ends at a row's end. */
export interface Format {
  /** The statement that gives the rows of a section, each as one text. */
  statement(section: Section): Prisma.Sql;
  start(watermark: string): string;
  rows(texts: readonly string[]): string;
  end(watermark: string, rows: number, types: RowCounts): string;
  /** What stands at the end of an export that comes to none. */
  broken(reason: string, rows: number): string;
}

const FORMATS: Readonly<Record<ExportFormat, (plan: Plan) => Format>> = {
  ndjson: createNdjson,
  csv: createCsv,
};

export function formatOf(plan: Plan): Format {
  return FORMATS[plan.format](plan);
}
