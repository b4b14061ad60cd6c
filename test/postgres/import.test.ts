import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  countsOf,
  dumpTables,
  emptyTables,
  EXAMPLE,
  importText,
  line,
  PARENTS,
  work,
} from '../support/import.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => emptyTables(database));
afterAll(() => database.close());

describe('an import beside other writers and lost connections', () => {
  it('a batch that meets another writer is done again', async () => {
    let importing: ReturnType<typeof importText> | undefined;
    await database.prisma.$transaction(async (tx) => {
      await tx.campaign.create({
        data: { id: 'c-1', projectId: 1234n, name: 'Helix 3D', campaignType: 'POC' },
      });
      importing = importText(database, PARENTS);
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

  it('is not held up by who vacuums or indexes a table', async () => {
    await database.prisma.$transaction(
      async (tx) => {
        await tx.$executeRawUnsafe('LOCK TABLE task IN SHARE UPDATE EXCLUSIVE MODE');
        const run = await importText(database, [...PARENTS, ...work(200, 0)]);
        expect(countsOf(run, 'task')).toEqual({ created: 200 });
      },
      { timeout: 10_000 },
    );
  });

  it('a lost connection ends the import, and running it again completes it', async () => {
    const lines = [...PARENTS, ...work(50, 5)];
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
    const lines = [...PARENTS, ...work(200, 10)];
    await importText(database, lines);
    const whole = await dumpTables(database);
    await emptyTables(database);
    const directory = await mkdtemp(join(tmpdir(), 'gateway-import-'));
    const file = join(directory, 'lines.ndjson');
    await writeFile(file, lines.join('\n'));
    const script = new URL('../support/import-child.ts', import.meta.url).pathname;
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
