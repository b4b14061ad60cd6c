import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { importLines } from '../src/import/import.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { countsOf, dumpTables, emptyTables, EXAMPLE, importText, line } from './support/import.ts';

let database: TestDatabase;
const statements: string[] = [];
beforeAll(async () => {
  database = await createTestDatabase({ onStatement: (sql) => statements.push(sql) });
});
afterEach(() => emptyTables(database));
afterAll(() => database.close());

const parents = [EXAMPLE.campaign, EXAMPLE.annotationRequest, EXAMPLE.pool];

/** Tasks, each followed by its records. */
function work(tasks: number, records: number): string[] {
  return Array.from({ length: tasks }, (_, t) => [
    line('task', { id: String(1000 + t), sceneId: `"scene ${t}"` }),
    ...Array.from({ length: records }, (_, r) =>
      line('annotationHistory', { id: String(t * records + r), taskId: String(1000 + t) }),
    ),
  ]).flat();
}

describe('importers at the same time', () => {
  it('of one file store each row once', async () => {
    const lines = [...parents, ...work(30, 5)];
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
    await importText(database, parents);
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
    await importText(database, parents);
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
    const lines = [...parents, ...work(50, 5)];
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

describe.runIf(inject('databaseTemplate').kind === 'postgresql')('on a server', () => {
  it('a batch that meets another writer is done again', async () => {
    let importing: ReturnType<typeof importText> | undefined;
    await database.prisma.$transaction(async (tx) => {
      await tx.campaign.create({
        data: { id: 'c-1', projectId: 1234n, name: 'Helix 3D', campaignType: 'POC' },
      });
      importing = importText(database, parents);
      await sleep(300);
    });
    const run = await importing!;
    expect(run.rejected).toEqual([]);
    expect(countsOf(run, 'campaign')).toEqual({ unchanged: 1 });
    expect(countsOf(run, 'pool')).toEqual({ created: 1 });
  });

  it('a batch that is the victim of a deadlock is done again', async () => {
    const pools = [line('pool', { id: '1' }), line('pool', { id: '2' })];
    await importText(database, [EXAMPLE.campaign, ...pools]);
    let importing: ReturnType<typeof importText> | undefined;
    const lock = (id: number) => `SELECT FROM pool WHERE id = ${id} FOR UPDATE`;
    await database.prisma.$transaction(
      async (tx) => {
        await tx.$executeRawUnsafe(lock(2));
        // It locks the first pool, waits for the second, and after a second sees that it waits in a circle.
        importing = importText(
          database,
          pools.map((text) => text.replace('"poolType":1', '"poolType":5')),
        );
        await sleep(300);
        await tx.$executeRawUnsafe(lock(1));
      },
      { timeout: 10_000 },
    );
    expect(countsOf(await importing!, 'pool')).toEqual({ updated: 2 });
  });

  it('a lost connection ends the import, and running it again completes it', async () => {
    const lines = [...parents, ...work(50, 5)];
    let cutting: Promise<void> | undefined;
    const cutOne = async () => {
      for (let cut = 0; cut === 0;) {
        const ended = await database.prisma.$queryRawUnsafe<unknown[]>(
          `SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL`,
        );
        cut = ended.length;
      }
    };
    const cut = () => void (cutting ??= cutOne());
    const options = { batchLines: 5, onProgress: cut };
    await expect(importText(database, lines, options)).rejects.toMatchObject({
      name: 'ImportError',
    });
    await cutting;
    expect(await database.prisma.campaign.count()).toBe(1);
    const run = await importText(database, lines);
    expect(run.summary).toMatchObject({ lines: lines.length, rejected: 0 });
    expect(await database.prisma.annotationHistory.count()).toBe(250);
  });

  it('a process that is killed half-way leaves whole batches, and running it again completes it', async () => {
    const lines = [...parents, ...work(200, 10)];
    await importText(database, lines);
    const whole = await dumpTables(database);
    await emptyTables(database);
    const directory = await mkdtemp(join(tmpdir(), 'gateway-import-'));
    const file = join(directory, 'lines.ndjson');
    await writeFile(file, lines.join('\n'));
    const script = new URL('./support/import-child.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, ['--import', 'tsx', script, database.url!, file]);
    let stopped = 0;
    for await (const chunk of child.stdout) {
      stopped = Number(String(chunk).trim().split('\n').at(-1));
      if (stopped > lines.length / 3) break;
    }
    child.kill('SIGKILL');
    await Promise.race([once(child, 'exit'), sleep(10_000)]);
    await rm(directory, { recursive: true });
    // The server notices the death of its client when it next writes to it.
    await sleep(500);
    const half = Object.values(await dumpTables(database)).flat().length;
    expect(half).toBeGreaterThanOrEqual(stopped);
    expect(half).toBeLessThan(lines.length);
    const run = await importText(database, lines);
    expect(run.summary).toMatchObject({ lines: lines.length, rejected: 0 });
    expect(run.summary.types.annotationHistory.created).toBeGreaterThan(0);
    expect(await dumpTables(database)).toEqual(whole);
  });
});
