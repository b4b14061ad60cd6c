import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keepRollUps } from '../../src/app/rollups.ts';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase, type Database } from '../../src/database/database.ts';
import { rollUpZone } from '../../src/database/rollups.ts';
import {
  checkRollUps,
  countRollUps,
  readRollUpState,
  refreshRollUps,
  restartRollUps,
} from '../../src/database/rollups-refresh.ts';
import { readWorkloadGrouping } from '../../src/domain/workload.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { emptyTables } from '../support/import.ts';
import { BY_OPERATOR, differencesSql, rollUpAll, type RollUpQuestion } from '../support/rollups.ts';
import { grid, replaceAll } from '../support/rows.ts';

/** Roll-ups while several write, roll up and read at the same time. */

const ZONE = 'Asia/Shanghai';
const log = pino({ level: 'silent' });

const BY_MONTH: RollUpQuestion = {
  workload: {
    scope: 'Campaign',
    where: { poolAssigneeId: { not: null } },
    grouping: readWorkloadGrouping(['annotationRequest', 'month']),
  },
  parents: ['c-1'],
  measures: new Set(['recordCount', 'rejectionsReceived', 'workingDays', 'firstRecordAt']),
};

let database: TestDatabase;
let others: Database[];
const openAnother = () => openDatabase(readConfig({ DATABASE_URL: database.url! }).database, log);

beforeAll(async () => {
  database = await createTestDatabase();
  others = await Promise.all([openAnother(), openAnother(), openAnother()]);
});
afterAll(async () => {
  await Promise.all(others.map((other) => other.close()));
  await database?.close();
});

async function connect(): Promise<pg.Client> {
  const client = new pg.Client(database.url);
  await client.connect();
  return client;
}

interface Step {
  id: number;
  task: string;
  action: number;
  operator: number | null;
  at: Date;
}

/** Adds records to tasks, in one statement. */
const insert = (client: pg.Client, steps: readonly Step[]) =>
  client.query(
    `INSERT INTO annotation_history (id, task_id, annotation_request_id, campaign_id, pool_id, status, action_type,
       pool_assignee_id, created_time, instance_info, instance_num, instance_sum, attributes_num, attributes_sum, frame_count)
     SELECT step.id, task.id, annotation_request_id, campaign_id, pool_id, 2, action, operator, at, '{}', 1, 1, 0, 0, step.id % 5
     FROM json_to_recordset($1) AS step (id bigint, task bigint, action int, operator bigint, at timestamptz)
       JOIN task ON task.id = step.task`,
    [JSON.stringify(steps)],
  );

const differences = async (question: RollUpQuestion) =>
  database.prisma.$queryRaw<object[]>(differencesSql(question, ZONE));

it('hold for a rejection that another transaction wrote while one wrote the submission before it', async () => {
  await replaceAll(database, grid({ requests: 1, tasksPerRequest: 1, recordsPerTask: 0 }));
  await restartRollUps(database.prisma, ZONE);
  const { id } = await database.prisma.task.findFirstOrThrow();
  const task = String(id);
  const [one, other] = [await connect(), await connect()];
  const submission = { id: 1, task, action: 7, operator: 5001, at: new Date('2025-03-01') };
  const rejection = { id: 2, task, action: 10, operator: 5002, at: new Date('2025-03-05') };
  await one.query('BEGIN');
  await insert(one, [submission]);
  await insert(other, [rejection]);
  await rollUpAll(database.prisma);
  expect(await countRollUps(database.prisma)).toBe(1);
  await one.query('COMMIT');
  expect(await differences(BY_OPERATOR)).toEqual([]);
  await rollUpAll(database.prisma);
  expect(await countRollUps(database.prisma)).toBe(3);
  expect(await checkRollUps(database.prisma)).toEqual([]);
  expect(await differences(BY_OPERATOR)).toEqual([]);
  // The same where the submission goes.
  await one.query('BEGIN');
  await one.query('DELETE FROM annotation_history WHERE id = 1');
  await insert(other, [{ ...rejection, id: 3, at: new Date('2025-03-09') }]);
  await rollUpAll(database.prisma);
  await one.query('COMMIT');
  expect(await differences(BY_OPERATOR)).toEqual([]);
  await rollUpAll(database.prisma);
  expect(await checkRollUps(database.prisma)).toEqual([]);
  await Promise.all([one.end(), other.end()]);
});

it('are exact for everybody at any moment, whoever writes, rolls up and changes their zone', async () => {
  await replaceAll(database, grid({ requests: 3, tasksPerRequest: 4, recordsPerTask: 0 }));
  await restartRollUps(database.prisma, ZONE);
  const tasks = (await database.prisma.task.findMany()).map(({ id }) => String(id));
  const end = Date.now() + 6000;
  const random = (bound: number) => Math.floor(Math.random() * bound);
  const counts = { written: 0, rolledUp: 0, read: 0 };

  const write = async (writer: number) => {
    const client = await connect();
    let id = writer * 1_000_000;
    while (Date.now() < end) {
      await client.query('BEGIN');
      const steps = Array.from({ length: 1 + random(4) }, (): Step => ({
        id: ++id,
        task: tasks[random(tasks.length)]!,
        action: [7, 7, 8, 10, 17][random(5)]!,
        operator: [null, 5001, 5002, 5003][random(4)]!,
        at: new Date(Date.UTC(2025, 2, 1 + random(4), random(24), random(60))),
      }));
      await insert(client, steps);
      if (random(3) === 0) {
        await client.query(
          'DELETE FROM annotation_history WHERE id BETWEEN $1 AND $2 AND id % 3 = 0',
          [writer * 1_000_000, id - random(20)],
        );
      }
      await sleep(random(8));
      await client.query(random(6) === 0 ? 'ROLLBACK' : 'COMMIT');
      counts.written++;
      await sleep(random(15));
    }
    await client.end();
  };
  const rollUp = async ({ prisma }: Database) => {
    while (Date.now() < end) {
      counts.rolledUp += await refreshRollUps(prisma);
      await sleep(random(10));
    }
  };
  const changeZone = async ({ prisma }: Database) => {
    for (let turn = 1; Date.now() < end; turn++) {
      await sleep(700);
      await restartRollUps(prisma, turn % 3 === 0 ? 'America/Havana' : ZONE);
    }
  };
  const read = async (question: RollUpQuestion) => {
    while (Date.now() < end) {
      expect(await differences(question)).toEqual([]);
      expect(await checkRollUps(database.prisma)).toEqual([]);
      counts.read++;
    }
  };
  await Promise.all([
    write(1),
    write(2),
    write(3),
    rollUp(others[0]!),
    rollUp(others[1]!),
    changeZone(others[2]!),
    read(BY_OPERATOR),
    read(BY_MONTH),
  ]);
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(20);
  await restartRollUps(database.prisma, ZONE);
  await rollUpAll(database.prisma);
  expect(await checkRollUps(database.prisma)).toEqual([]);
  expect(await differences(BY_OPERATOR)).toEqual([]);
});

it('are kept by a gateway, and read once they are', async () => {
  await emptyTables(database);
  await replaceAll(
    database,
    grid({ requests: 3, tasksPerRequest: 4, recordsPerTask: 5, operators: 2 }),
  );
  const metrics = createMetrics('0.0.0');
  const stop = keepRollUps(database, log, metrics);
  await expect.poll(async () => (await readRollUpState(database.prisma)).notes).toBe(0);
  expect(await countRollUps(database.prisma)).toBeGreaterThan(0);
  await expect.poll(() => rollUpZone(database.prisma)).toBe(ZONE);
  await stop();
  const { text } = await metrics.render();
  expect(text).toMatch(/^rosetta_gateway_rollup_rows_total [1-9]\d*$/m);
});
