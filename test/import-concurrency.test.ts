import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { importLines } from '../src/import/import.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import {
  dumpTables,
  emptyTables,
  EXAMPLE,
  importText,
  line,
  PARENTS,
  work,
} from './support/import.ts';

let database: TestDatabase;
const statements: string[] = [];
beforeAll(async () => {
  database = await createTestDatabase({ onStatement: (sql) => statements.push(sql) });
});
afterEach(() => emptyTables(database));
afterAll(() => database.close());

describe('importers at the same time', () => {
  it('of one file store each row once', async () => {
    const lines = [...PARENTS, ...work(30, 5)];
    await importText(database, lines);
    const alone = await dumpTables(database);
    for (let round = 0; round < 3; round++) {
      await emptyTables(database);
      const runs = await Promise.all(
        [7, 11, 50].map((batchLines) => importText(database, lines, { batchLines })),
      );
      for (const run of runs) expect(run.rejected).toEqual([]);
      const created = (type: 'task' | 'annotationHistory') =>
        runs.reduce((sum, { summary }) => sum + summary.types[type].created, 0);
      expect(created('task')).toBe(30);
      expect(created('annotationHistory')).toBe(150);
      expect(await dumpTables(database)).toEqual(alone);
    }
  });

  it('in opposite orders do not lock each other out', async () => {
    await importText(database, PARENTS);
    const tasks = work(40, 0);
    const renamed = tasks.map((text) => text.replace('"status":2', '"status":3'));
    for (const lines of [tasks, renamed]) {
      const orders = [lines, lines.toReversed(), lines, lines.toReversed()];
      const runs = await Promise.all(
        orders.map((order, i) => importText(database, order, { batchLines: 3 + i })),
      );
      expect(runs.flatMap(({ rejected }) => rejected)).toEqual([]);
    }
    expect(await database.prisma.task.count({ where: { status: 3 } })).toBe(40);
  });

  it('let the highest lastRecordId win', async () => {
    await importText(database, PARENTS);
    const versions = Array.from({ length: 8 }, (_, v) =>
      work(10, 0).map((text) =>
        text.replace('"status":2', `"status":${v},"lastRecordId":${100 + v}`),
      ),
    );
    await Promise.all(versions.map((lines) => importText(database, lines, { batchLines: 3 })));
    const rows = await database.prisma.task.findMany();
    expect(new Set(rows.map(({ status, lastRecordId }) => `${status} ${lastRecordId}`))).toEqual(
      new Set(['7 107']),
    );
  });

  it('give a unique name to one of them', async () => {
    const runs = await Promise.all(
      ['a', 'b', 'c', 'd'].map((id, i) =>
        importText(database, [line('campaign', { id: `"${id}"`, projectId: String(i) })]),
      ),
    );
    const rejected = runs.flatMap((run) => run.rejected);
    expect(rejected.map(({ code, path }) => `${code} ${path}`)).toEqual(
      Array<string>(3).fill('CONFLICT name'),
    );
    expect(await database.prisma.campaign.count()).toBe(1);
  });
});

describe('the work of an import', () => {
  it('is a few statements a batch, however many lines it has', async () => {
    const lines = [...PARENTS, ...work(50, 5)];
    statements.length = 0;
    await importText(database, lines, { batchLines: lines.length });
    const first = statements.length;
    expect(first).toBeLessThan(25);
    statements.length = 0;
    await importText(database, lines, { batchLines: lines.length });
    expect(statements.length).toBeLessThan(first);
  });

  it('is not far behind what was read, so that memory stays as it is', async () => {
    const batchLines = 100;
    let read = 0;
    let farthest = 0;
    async function* generated() {
      yield Buffer.from(`${EXAMPLE.campaign}\n`);
      for (let i = 0; i < 3000; i += 10) {
        read = i + 10;
        const pools = Array.from({ length: 10 }, (_, k) => line('pool', { id: String(i + k) }));
        yield Buffer.from(`${pools.join('\n')}\n`);
        await Promise.resolve();
      }
    }
    const summary = await importLines(database, generated(), {
      batchLines,
      onProgress: ({ lines }) => (farthest = Math.max(farthest, read - lines)),
    });
    expect(summary.types.pool.created).toBe(3000);
    expect(farthest).toBeLessThanOrEqual(2 * batchLines);
  });

  it('tells the planner about many new rows', async () => {
    const pools = Array.from({ length: 10_001 }, (_, id) => line('pool', { id: String(id) }));
    await importText(database, [EXAMPLE.campaign, ...pools]);
    const [statistics] = await database.prisma.$queryRawUnsafe<[{ rows: number }]>(
      `SELECT reltuples::int AS rows FROM pg_class WHERE relname = 'pool'`,
    );
    expect(statistics).toEqual({ rows: 10_001 });
  });
});
