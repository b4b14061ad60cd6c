import type { Database } from '../../src/database/database.ts';
import {
  importLines,
  type ImportOptions,
  type ImportSummary,
  type LineProblem,
} from '../../src/import/import.ts';
import { retryConflicts } from '../../src/import/transaction.ts';

/** The example of the contract, each line as it stands there. */
export const EXAMPLE = {
  campaign:
    '{"type":"campaign","id":"c-1","projectId":1234,"name":"Helix 3D","campaignType":"POC"}',
  annotationRequest:
    '{"type":"annotationRequest","id":"ar-1","name":"AR 1","campaignId":"c-1","createdAt":"2025-03-31T08:00:00Z"}',
  pool: '{"type":"pool","id":3001,"name":"ar annotation pool name","poolType":1,"campaignId":"c-1"}',
  task: '{"type":"task","id":466917967054114816,"annotationRequestId":"ar-1","sceneId":"550e8400-e29b-41d4-a716-446655440000","status":2,"poolId":3001,"instanceInfo":{"select-[e000f]":44,"0e767bcb-7480-4e85-bbe8-439fe7871104":11},"instanceNum":55,"attributeNum":5,"frameNum":1}',
  annotationHistory:
    '{"type":"annotationHistory","id":1,"taskId":466917967054114816,"status":2,"poolId":3001,"teamId":4001,"poolAssigneeId":5001,"creatorId":6001,"createdTime":"2025-04-01T10:00:00Z","actionType":5,"instanceInfo":{},"instanceNum":0,"instanceSum":55,"attributesNum":0,"attributesSum":5,"frameCount":1}',
} as const;

export type ExampleType = keyof typeof EXAMPLE;

/**
 * The example's line of a type with other fields. Values are raw JSON, so that a test can write numbers as it likes;
 * `undefined` leaves the field out.
 */
export function line(type: ExampleType, fields: Record<string, string | undefined> = {}): string {
  let members = [...EXAMPLE[type].slice(1, -1).matchAll(/"(\w+)":(\{.*?\}|".*?"|[^,]+)/g)].map(
    ([, name, value]) => [name!, value!] as [string, string | undefined],
  );
  for (const [name, value] of Object.entries(fields)) {
    members = [...members.filter(([other]) => other !== name), [name, value]];
  }
  const text = members
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${JSON.stringify(name)}:${value}`);
  return `{${text.join(',')}}`;
}

/** All bytes in one chunk, or in chunks of `size`. */
export async function* chunked(text: string | Buffer, size = Infinity): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text as string);
  for (let i = 0; i < bytes.length; i += size) {
    yield bytes.subarray(i, Math.min(bytes.length, i + size));
    await Promise.resolve();
  }
}

export interface ImportRun {
  summary: ImportSummary;
  rejected: LineProblem[];
  warnings: LineProblem[];
}

export async function importText(
  database: Database,
  text: string | readonly string[] | Buffer,
  options: ImportOptions = {},
): Promise<ImportRun> {
  const rejected: LineProblem[] = [];
  const warnings: LineProblem[] = [];
  const source = typeof text === 'string' || Buffer.isBuffer(text) ? text : text.join('\n');
  const summary = await importLines(database, chunked(source), {
    ...options,
    onRejected: (problem) => rejected.push(problem),
    onWarning: (problem) => warnings.push(problem),
  });
  return { summary, rejected, warnings };
}

const TABLES = ['campaign', 'annotation_request', 'pool', 'task', 'annotation_history'] as const;
type TableName = (typeof TABLES)[number];

/**
 * Everything stored, as PostgreSQL writes it: one text a row, by table, in the order of the keys. Which transaction wrote
 * it is left out: it is another one each time.
 */
export async function dumpTables({ prisma }: Database): Promise<Record<TableName, string[]>> {
  const dump: Partial<Record<TableName, string[]>> = {};
  for (const table of TABLES) {
    const rows = await prisma.$queryRawUnsafe<{ row: string }[]>(
      `SELECT row_to_json(t)::text AS row FROM "${table}" t ORDER BY id`,
    );
    dump[table] = rows.map(({ row }) => row.replace(/,"changed_in":\d+/, ''));
  }
  return dump as Record<TableName, string[]>;
}

export async function emptyTables({ prisma }: Database): Promise<void> {
  // It waits for readers, who may wait for it.
  await retryConflicts(() =>
    prisma.$executeRawUnsafe(`TRUNCATE ${TABLES.join(', ')}, deleted_row`),
  );
}

/** Counts that are not zero, as `created`, `updated` and so on of one type. */
export function countsOf({ summary }: ImportRun, type: ExampleType): Record<string, number> {
  return Object.fromEntries(Object.entries(summary.types[type]).filter(([, n]) => n > 0));
}

/** The lines that those of `work` refer to. */
export const PARENTS = [EXAMPLE.campaign, EXAMPLE.annotationRequest, EXAMPLE.pool];

/** Tasks, each followed by its records. */
export function work(tasks: number, records: number): string[] {
  return Array.from({ length: tasks }, (_, t) => [
    line('task', { id: String(1000 + t), sceneId: `"scene ${t}"` }),
    ...Array.from({ length: records }, (_, r) =>
      line('annotationHistory', { id: String(t * records + r), taskId: String(1000 + t) }),
    ),
  ]).flat();
}
