import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase } from '../../src/database/database.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { EXAMPLE, importText, PARENTS } from '../support/import.ts';
import { eventually } from '../support/process.ts';
import { subscribe, type Subscription, type Transport } from '../support/subscriptions.ts';

/** Subscribers that come, go and fail while a statement for others is held up by a lock. */

let database: TestDatabase;
let gateway: TestGateway;
let url: string;
let locker: pg.Client;
let writer: pg.Client;
const open: Subscription<unknown>[] = [];

beforeAll(async () => {
  const own = await createTestDatabase();
  // Statements are given up soon.
  const config = readConfig({ DATABASE_URL: own.url, GATEWAY_STATEMENT_TIMEOUT: '700' });
  const opened = await openDatabase(config.database, pino({ level: 'silent' }));
  database = {
    ...opened,
    url: own.url!,
    async close() {
      await opened.close();
      await own.close();
    },
  };
  await importText(database, [...PARENTS, EXAMPLE.task]);
  locker = new pg.Client(database.url);
  writer = new pg.Client(database.url);
  await Promise.all([locker.connect(), writer.connect()]);
});
beforeEach(async () => {
  gateway = await createTestGateway({ database });
  ({ url } = await gateway.listen());
});
afterEach(async () => {
  await locker.query('ROLLBACK');
  await Promise.all(open.splice(0).map((one) => one.stop()));
  await gateway.close();
});
afterAll(async () => {
  await Promise.all([locker.end(), writer.end()]);
  await database.close();
});

const listen = <Data>(query: string, transport: Transport = 'websocket') => {
  const one = subscribe<Data>(transport, url, query);
  open.push(one);
  return one;
};
interface TaskEvent {
  taskChanged: { taskId: string; task: { instanceNum: number } | null };
}
const TASKS = '{ taskChanged { taskId task { instanceNum } } }';
const RECORDS = '{ historyAppended { recordId } }';

const subscriptions = (count: number) =>
  eventually(() => expect(gateway.subscriptions()).toBe(count), { everyMs: 5 });

/** Waits until statements wait for something. */
const waiting = (event: string, count = 1) =>
  eventually(
    async () => {
      const { rows } = await writer.query(
        'SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = $1',
        [event],
      );
      expect(rows).toHaveLength(count);
    },
    { everyMs: 20 },
  );

/**
 * Holds up whatever reads a table: does the first thing, waits until the gateway waits, does the second, and lets go.
 */
async function holdingUp(
  table: string,
  begin: () => Promise<unknown>,
  meanwhile: () => Promise<unknown>,
): Promise<void> {
  await locker.query('BEGIN');
  await locker.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  await begin();
  await waiting('relation');
  await meanwhile();
  await locker.query('COMMIT');
}

let lastId = 0;
async function addRecord(): Promise<void> {
  await writer.query(
    `INSERT INTO annotation_history (id, task_id, annotation_request_id, campaign_id, pool_id, status, action_type,
       created_time, instance_info, instance_num, instance_sum, attributes_num, attributes_sum, frame_count)
     SELECT $1, id, annotation_request_id, campaign_id, pool_id, 2, 5, now(), '{}', 0, 0, 0, 0, 1 FROM task`,
    [++lastId],
  );
}
const updateTask = (instanceNum: number) =>
  writer.query('UPDATE task SET instance_num = $1', [instanceNum]);

/** What there is, and nothing more for a while. */
async function exactly<Data>(one: Subscription<Data>, count: number): Promise<Data[]> {
  await one.receive(count);
  await sleep(300);
  expect(one.errors).toEqual([]);
  expect(one.events).toHaveLength(count);
  return one.events;
}

it('who joins for another type while changes are read for others misses nothing', async () => {
  listen(TASKS);
  await subscriptions(1);
  await sleep(200);
  let records!: Subscription<{ historyAppended: { recordId: string } }>;
  await holdingUp('deleted_row', addRecord, async () => {
    records = listen(RECORDS);
    await subscriptions(2);
    await addRecord();
  });
  const told = (await records.receive(1)).map(({ historyAppended: one }) => one.recordId);
  expect(told).toContain(String(lastId));
});

it('who comes after others have left is told nothing twice', async () => {
  const first = listen(TASKS);
  await subscriptions(1);
  await sleep(200);
  let second!: Subscription<TaskEvent>;
  await holdingUp(
    'deleted_row',
    () => updateTask(1),
    async () => {
      await first.stop();
      await subscriptions(0);
      second = listen<TaskEvent>(TASKS);
      await waiting('relation', 2);
      await updateTask(2);
    },
  );
  const [event] = await exactly(second, 1);
  expect(event!.taskChanged.task).toEqual({ instanceNum: 2 });
});

it('who leaves before he is told anything is forgotten', async () => {
  const progress = '{ progressChanged(annotationRequestId: "ar-1") { total } }';
  await holdingUp(
    'annotation_request',
    () => Promise.resolve(void listen(progress)),
    () => open[0]!.stop(),
  );
  await sleep(300);
  expect(gateway.subscriptions()).toBe(0);
});

describe('a filter that takes long', () => {
  /** Makes the server take so long for the name of each campaign that a filter asks for. */
  const slowDown = async (seconds: number) => {
    await writer.query(`
      CREATE FUNCTION slowly(text) RETURNS text LANGUAGE sql STABLE AS 'SELECT $1 FROM pg_sleep(${seconds})';
      ALTER TABLE campaign RENAME TO campaign_table;
      CREATE VIEW campaign AS SELECT id, changed_in, slowly(name) AS name FROM campaign_table;`);
  };
  afterEach(() =>
    writer.query(
      'DROP VIEW campaign; ALTER TABLE campaign_table RENAME TO campaign; DROP FUNCTION slowly',
    ),
  );
  const SLOW =
    '{ taskChanged(filter: { campaign: { name: { startsWith: "Helix" } } }) { taskId task { instanceNum } } }';

  it('holds up nobody else, and ends its own subscription where it always does', async () => {
    await slowDown(2);
    const slow = listen(SLOW);
    const quick = listen<TaskEvent>(
      '{ taskChanged(filter: { statusCode: { gte: 0 } }) { taskId } }',
    );
    await subscriptions(2);
    await updateTask(4);
    await quick.receive(1);
    expect(slow.errors).toEqual([]);
    await slow.ended;
    expect(slow.errors).toMatchObject([{ extensions: { code: 'TIMEOUT' } }]);
    const reasons = gateway.logged.filter(({ err }) => JSON.stringify(err)?.includes('57014'));
    expect(reasons).toMatchObject([
      { requestId: expect.stringMatching(/^[0-9a-f]{32}$/) as string },
    ]);
    await updateTask(5);
    await exactly(quick, 2);
  });

  it('is told whole when the gateway stops meanwhile, and why it ends', async () => {
    await slowDown(0.4);
    const one = listen<TaskEvent>(SLOW, 'sse');
    await subscriptions(1);
    await updateTask(6);
    await waiting('PgSleep');
    gateway.stop();
    await one.ended;
    expect(one.events[0]).toEqual({
      taskChanged: { taskId: '466917967054114816', task: { instanceNum: 6 } },
    });
    expect(one.errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
    expect(one.errors[0]!.message).toContain('is stopping');
  });
});
