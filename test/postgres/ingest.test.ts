import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase } from '../../src/database/database.ts';
import { createCluster } from '../support/cluster.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { runSql } from '../support/empty-database.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import {
  dumpTables,
  emptyTables,
  EXAMPLE,
  importText,
  line,
  PARENTS,
  work,
} from '../support/import.ts';
import {
  ingestLines,
  ingestOnce,
  postImport,
  slowPost,
  type ImportReport,
} from '../support/ingest.ts';
import { endPrograms, eventually, runProgram, startServer } from '../support/process.ts';

const environment = { GATEWAY_INGEST: 'on' };

let database: TestDatabase;
let other: TestDatabase;
/** Two copies of the gateway on one database. */
let gateways: [TestGateway, TestGateway];
beforeAll(async () => {
  database = await createTestDatabase();
  const { database: config } = readConfig({ DATABASE_URL: database.url });
  other = await openDatabase(config, pino({ level: 'silent' }));
  gateways = [
    await createTestGateway({ environment, database }),
    await createTestGateway({ environment, database: other }),
  ];
});
afterEach(async () => {
  await database.prisma.idempotencyKey.deleteMany();
  await emptyTables(database);
});
afterAll(async () => {
  await endPrograms();
  await other.close();
  await database.close();
});

const sum = (reports: { types: Record<string, Record<string, number>> }[], type: string) =>
  reports.reduce((total, { types }) => total + types[type]!.created!, 0);

describe('imports at the same time', () => {
  it('of overlapping files, by both doors and two gateways, end in the same rows', async () => {
    const tasks = work(120, 3);
    await importText(database, [...PARENTS, ...tasks]);
    const alone = await dumpTables(database);
    const part = (from: number, to: number) => [...PARENTS, ...tasks.slice(from, to)];
    for (let round = 0; round < 3; round++) {
      await emptyTables(database);
      // A task stands with its records: every part begins at one.
      const [reports, atomic, ingested] = await Promise.all([
        Promise.all(
          [part(0, 320), part(160, 480), part(0, 480)].map(async (lines, i) => {
            const { report } = await postImport(gateways[i % 2]!, lines.join('\n'));
            return report;
          }),
        ),
        postImport(gateways[1], part(80, 400).join('\n'), { path: '/import?atomic=true' }),
        ingestLines(gateways[0], part(240, 480)),
      ]);
      expect(await dumpTables(database)).toEqual(alone);
      expect([...reports, atomic.report].map(({ rejected }) => rejected)).toEqual([0, 0, 0, 0]);
      expect(ingested.rejected).toBe(0);
      const created = ingested.results.filter(
        ({ type, outcome }) => type === 'TASK' && outcome === 'CREATED',
      ).length;
      expect(sum([...reports, atomic.report], 'task') + created).toBe(120);
    }
  });

  it('are not held up by an atomic one whose sender is slow', async () => {
    const { port } = await gateways[0].listen();
    const { post, answer } = slowPost(port, '/import?atomic=true');
    post.write(`${PARENTS.join('\n')}\n`);
    await sleep(200);
    const quick = await postImport(gateways[0], PARENTS.join('\n'));
    expect(quick.report.types.campaign).toMatchObject({ created: 1 });
    post.end(EXAMPLE.task);
    const { status, envelope } = await answer;
    expect(status).toBe(200);
    expect((envelope.data as ImportReport).types).toMatchObject({
      campaign: { unchanged: 1 },
      task: { created: 1 },
    });
  });
});

it('the command line and both doors do the same with a file', async () => {
  const lines = [
    ...PARENTS,
    ...work(50, 4),
    '{"type":"pool"}',
    line('task', { id: '1001', sceneId: '"scene 1"', status: '11' }),
    line('annotationHistory', { id: '9000', instanceInfo: '{"a":1}' }),
    line('annotationHistory', { id: '9001', taskId: '1000', instanceInfo: '{"a":1}' }),
  ];
  const directory = await mkdtemp(join(tmpdir(), 'gateway-ingest-'));
  const file = join(directory, 'lines.ndjson');
  await writeFile(file, lines.join('\n'));
  const { stdout, stderr, code } = await runProgram(['import', file], {
    environment: { DATABASE_URL: database.url! },
  });
  await rm(directory, { recursive: true });
  expect(code).toBe(1);
  const stored = await dumpTables(database);

  await emptyTables(database);
  const { report } = await postImport(gateways[0], lines.join('\n'));
  expect(await dumpTables(database)).toEqual(stored);
  for (const [type, counts] of Object.entries(report.types)) {
    const { created, updated, unchanged, rejected, warnings } = counts;
    expect(stdout).toMatch(
      new RegExp(
        `${type} +${created} created, ${updated} updated, ${unchanged} unchanged, ${rejected} rejected${warnings ? `, ${warnings} warnings` : ''}\n`,
      ),
    );
  }
  for (const { line: number, message } of report.problems) {
    expect(stderr).toContain(`${file}:${number}: ${message}`);
  }

  await emptyTables(database);
  // What GraphQL itself refuses is left out.
  const ingested = await ingestLines(
    gateways[1],
    lines.filter((text) => text !== '{"type":"pool"}'),
  );
  expect(await dumpTables(database)).toEqual(stored);
  expect(ingested).toMatchObject({ rejected: report.rejected - 1, updated: 1, warnings: 1 });
});

describe('a key', () => {
  it('counts for all copies of the gateway', async () => {
    const text = Object.values(EXAMPLE).join('\n');
    const headers = { 'idempotency-key': 'k' };
    const first = await postImport(gateways[0], text, { headers });
    const again = await postImport(gateways[1], text, { headers });
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.report).toEqual(first.report);
  });

  it('is taken once by many requests at once', async () => {
    for (let round = 0; round < 10; round++) {
      const key = `k${round}`;
      await emptyTables(database);
      // What has expired is removed by all of them at once.
      await database.prisma.$executeRawUnsafe(`UPDATE idempotency_key SET expires_at = now()`);
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          ingestOnce(gateways[i % 2]!, key, Object.values(EXAMPLE)),
        ),
      );
      const ran = answers.filter(
        ({ answer, response }) => answer.data && !response.headers['idempotent-replayed'],
      );
      expect(ran).toHaveLength(1);
      for (const { answer } of answers) {
        if (answer.data) expect(answer.data.ingest).toMatchObject({ created: 5 });
        else expect(answer.errors![0]!.message).toContain('still under way');
      }
      expect(await database.prisma.idempotencyKey.count()).toBe(1);
    }
  });
});

it('a database that is lost in the middle is 503; the same file completes it, with the same key', async () => {
  const cluster = await createCluster();
  try {
    const server = await startServer({ DATABASE_URL: cluster.url, ...environment });
    await server.waitForLog('ready');
    const lines = [...PARENTS, ...work(3000, 0)];
    const headers = { 'Idempotency-Key': 'k' };
    const { post, answer } = slowPost(server.port, '/import', headers);
    post.on('error', () => undefined);
    post.write(`${lines.slice(0, 1500).join('\n')}\n`);
    await eventually(async () => {
      const [row] = await runSql<{ done: number }>(
        cluster.url,
        'SELECT count(*)::int AS done FROM task',
      );
      expect(row!.done).toBeGreaterThan(990);
    });
    await cluster.stop();
    post.write(`${lines.slice(1500).join('\n')}\n`);
    const { status, headers: answered, envelope } = await answer;
    expect([status, answered['retry-after']]).toEqual([503, '1']);
    expect(envelope).toMatchObject({
      code: 5000,
      message: 'Service hiccuped, please try again later.',
      data: null,
    });
    const ending = await server.waitForLog('import ended early');
    expect(ending.lines).toBeGreaterThan(990);
    await cluster.start();
    // The gateway could not give the key back: it is free when the run counts as dead, in a minute.
    const repeat = async (key: string) => {
      const again = slowPost(server.port, '/import', { 'Idempotency-Key': key });
      again.post.end(lines.join('\n'));
      return again.answer;
    };
    await eventually(async () => expect((await repeat('k')).status).toBe(409));
    const { envelope: done } = await repeat('another');
    const { types } = done.data as ImportReport;
    expect(types.task).toMatchObject({ rejected: 0 });
    expect(types.task!.unchanged).toBe((ending.lines as number) - PARENTS.length);
    expect(types.task!.created! + types.task!.unchanged!).toBe(3000);
  } finally {
    await endPrograms();
    await cluster.close();
  }
});
