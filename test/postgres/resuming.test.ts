import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { EXAMPLE, importText, PARENTS } from '../support/import.ts';
import { subscribe, type Transport } from '../support/subscriptions.ts';

/**
 * Records come by transactions of any length, some rolled back, while subscribers come, go, and go on from any event that
 * they have had, on this gateway or that. Each is told of every record that it asked for, once.
 */

const WRITERS = 8;
const TRANSACTIONS = 80;
const SUBSCRIBERS = 8;
/** The code of a record is its id's rest by this. */
const CODES = 3;

let database: TestDatabase;
const gateways: TestGateway[] = [];
const urls: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  await importText(database, [...PARENTS, EXAMPLE.task]);
  for (let n = 0; n < 2; n++) {
    const gateway = await createTestGateway({ database });
    gateways.push(gateway);
    urls.push((await gateway.listen()).url);
  }
});
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()));
  await database.close();
});

const random = (n: number) => Math.floor(Math.random() * n);

let lastId = 0;
const committed: number[] = [];

async function write(): Promise<void> {
  const client = new pg.Client(database.url);
  await client.connect();
  for (let t = 0; t < TRANSACTIONS; t++) {
    const ids: number[] = [];
    await client.query('BEGIN');
    for (let n = random(5); n >= 0; n--) {
      const id = ++lastId;
      await client.query(
        `INSERT INTO annotation_history (id, task_id, annotation_request_id, campaign_id, pool_id, status, action_type,
           created_time, instance_info, instance_num, instance_sum, attributes_num, attributes_sum, frame_count)
         SELECT $1, id, annotation_request_id, campaign_id, pool_id, 2, $2, now(), '{}', 0, 0, 0, 0, 1 FROM task`,
        [id, id % CODES],
      );
      ids.push(id);
      if (random(3) === 0) await sleep(random(t % 10 === 0 ? 200 : 20));
    }
    const isKept = random(5) > 0;
    await client.query(isKept ? 'COMMIT' : 'ROLLBACK');
    if (isKept) committed.push(...ids);
  }
  await client.end();
}

interface Event {
  historyAppended: { recordId: string; watermark: string; record: { actionCode: number } };
}
const QUERY = `($filter: AnnotationHistoryFilter, $after: String) {
  historyAppended(filter: $filter, after: $after) { recordId watermark record { actionCode } }
}`;

/** Follows from a watermark, coming and going until all is written. @returns the ids it was told, one after the other. */
async function follow(start: string, n: number, isOver: () => boolean): Promise<number[]> {
  const transport: Transport = n % 2 === 0 ? 'sse' : 'websocket';
  const code = n % 4 === 3 ? n % CODES : undefined;
  const filter = code === undefined ? undefined : { actionCode: { eq: code } };
  const told: { id: number; watermark: string }[] = [];
  const take = (events: readonly Event[]) => {
    for (const { historyAppended: one } of events) {
      expect(one.record.actionCode).toBe(Number(one.recordId) % CODES);
      told.push({ id: Number(one.recordId), watermark: one.watermark });
    }
  };
  const open = () =>
    subscribe<Event>(transport, urls[random(urls.length)]!, QUERY, {
      filter,
      after: told.at(-1)?.watermark ?? start,
    });
  while (!isOver()) {
    const session = open();
    await sleep(random(random(8) === 0 ? 600 : 80));
    await session.stop();
    expect(session.errors).toEqual([]);
    take(session.events);
    // What has come and was not worked up is as good as not come.
    told.length -= Math.min(told.length, random(random(8) === 0 ? 200 : 12));
  }
  const last = open();
  const expected = committed.filter((id) => code === undefined || id % CODES === code).length;
  await last.receive(expected - told.length);
  await sleep(200);
  await last.stop();
  take(last.events);
  return told.map(({ id }) => id);
}

it('who goes on from any event is told of all that follows it, once', async () => {
  const { watermark } = await gateways[0]!.gql<{ watermark: string }>(
    '{ watermark(types: [ANNOTATION_HISTORY]) }',
  );
  let isOver = false;
  const writing = Promise.all(Array.from({ length: WRITERS }, write)).finally(
    () => (isOver = true),
  );
  const followers = await Promise.all(
    Array.from({ length: SUBSCRIBERS }, (_, n) => follow(watermark, n, () => isOver)),
  );
  await writing;
  const ascending = (ids: number[]) => ids.toSorted((a, b) => a - b);
  expect(committed.length).toBeGreaterThan(WRITERS * TRANSACTIONS);
  followers.forEach((ids, n) => {
    const expected = n % 4 === 3 ? committed.filter((id) => id % CODES === n % CODES) : committed;
    expect(ascending(ids)).toEqual(ascending(expected));
  });
  for (const gateway of gateways) {
    expect(gateway.logged.filter(({ level }) => (level as number) > 30)).toEqual([]);
  }
});
