import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ENTITY_TYPES } from '../src/domain/entities.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { manyLines } from './support/import-lines.ts';
import { ImportModel, type ModelOutcome } from './support/import-model.ts';
import { dumpTables, emptyTables, importText } from './support/import.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

const columnOf = (field: string) => field.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

/** What the model holds, in the form of a dump that has been parsed with every number as text. */
function rowsOf(model: ImportModel) {
  return ENTITY_TYPES.map((type) =>
    [...model.rows[type].values()].map((row) =>
      Object.fromEntries(Object.entries(row).map(([field, value]) => [columnOf(field), value])),
    ),
  );
}

async function storedRows() {
  const dump = await dumpTables(database);
  return Object.values(dump).map((rows) =>
    rows.map((text) => {
      const exact = text.replace(/"(id|\w+_id)":(\d+)/g, '"$1":"$2"');
      const row = JSON.parse(exact) as Record<string, unknown>;
      for (const field of ['created_at', 'created_time']) {
        if (field in row) row[field] = new Date(row[field] as string).toISOString();
      }
      return row;
    }),
  );
}

const inOrder = (tables: Record<string, unknown>[][]) =>
  tables.map((rows) =>
    rows.toSorted((a, b) => (BigInt(`0x${hex(a)}`) < BigInt(`0x${hex(b)}`) ? -1 : 1)),
  );
const hex = ({ id }: Record<string, unknown>) =>
  Buffer.from((id as string).padStart(20)).toString('hex');

it('does with any lines what a line at a time would do, wherever batches are cut', async () => {
  const seen = new Map<ModelOutcome, number>();
  await fc.assert(
    fc.asyncProperty(
      manyLines,
      fc.integer({ min: 1, max: 60 }),
      fc.nat(),
      async (lines, batchLines, cut) => {
        await emptyTables(database);
        const model = new ImportModel();
        const outcomes = lines.map((line) => model.process(line));
        for (const outcome of outcomes) seen.set(outcome, (seen.get(outcome) ?? 0) + 1);

        // Two imports, so that the second one starts from stored rows.
        const half = cut % lines.length;
        const actual: string[] = [];
        for (const [start, part] of [
          [0, lines.slice(0, half)],
          [half, lines.slice(half)],
        ] as const) {
          const run = await importText(
            database,
            part.map((line) => JSON.stringify(line)),
            { batchLines },
          );
          for (const { line, code } of run.rejected) actual[start + line - 1] = code;
          const expected = outcomes.slice(start, start + part.length);
          for (const type of ENTITY_TYPES) {
            const ofType = expected.filter((_, i) => part[i]!.type === type);
            const number = (...wanted: ModelOutcome[]) =>
              ofType.filter((outcome) => wanted.includes(outcome)).length;
            expect(run.summary.types[type]).toMatchObject({
              created: number('created'),
              updated: number('updated'),
              unchanged: number('unchanged', 'stale'),
              stale: number('stale'),
              rejected: number('IMMUTABLE', 'NOT_FOUND', 'CONFLICT'),
            });
          }
        }
        const isRejection = (outcome: string) => outcome === outcome.toUpperCase();
        expect(Array.from(lines, (_, i) => actual[i])).toEqual(
          outcomes.map((outcome) => (isRejection(outcome) ? outcome : undefined)),
        );
        expect(inOrder(await storedRows())).toEqual(inOrder(rowsOf(model)));
      },
    ),
    { numRuns: 100 },
  );
  // The lines do meet in every way there is.
  for (const outcome of ['updated', 'unchanged', 'stale', 'IMMUTABLE', 'NOT_FOUND', 'CONFLICT']) {
    expect(seen.get(outcome as ModelOutcome) ?? 0, outcome).toBeGreaterThan(5);
  }
});
