import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase, type Database } from '../../src/database/database.ts';
import { Follower } from '../support/changes.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { importText, PARENTS } from '../support/import.ts';

const WRITERS = 8;
const TRANSACTIONS = 60;
const TASKS = 150;

let database: TestDatabase;
const opened: Database[] = [];
let gateways: TestGateway[];
let writers: pg.Client[];

/** A gateway of its own on the database, as another process would be. */
async function open(options = ''): Promise<TestGateway> {
  const { database: config } = readConfig({ DATABASE_URL: `${database.url}${options}` });
  const one = await openDatabase(config, pino({ level: 'silent' }));
  opened.push(one);
  return createTestGateway({ database: one });
}

/** A reader that takes every transaction that began before the last one that has ended for ended. */
async function openForgetful(): Promise<TestGateway> {
  await database.prisma.$executeRawUnsafe(
    `CREATE OR REPLACE FUNCTION public.pg_snapshot_xip(pg_snapshot) RETURNS SETOF xid8 LANGUAGE sql STABLE
     AS 'SELECT NULL::xid8 WHERE false'`,
  );
  return open(`?options=${encodeURIComponent('-c search_path=public,pg_catalog')}`);
}

beforeAll(async () => {
  database = await createTestDatabase();
  await importText(database, PARENTS);
  gateways = [await open(), await open()];
  writers = Array.from({ length: WRITERS }, () => new pg.Client(database.url));
  await Promise.all(writers.map((writer) => writer.connect()));
});
afterAll(async () => {
  await Promise.all(writers.map((writer) => writer.end()));
  await Promise.all(opened.map((one) => one.close()));
  await database.close();
});

const INSERT = `INSERT INTO task (id, annotation_request_id, campaign_id, pool_id, scene_id, status, instance_info,
    instance_num, attribute_num, frame_num)
  VALUES ($1::bigint, 'ar-1', 'c-1', 3001, $1::bigint::text, 2, '{}', $2, 0, 1)
  ON CONFLICT (id) DO UPDATE SET instance_num = excluded.instance_num`;

/**
 * Transactions of one connection, one after the other, long and short, some rolled back.
 * @param committed how often each task was written by a transaction that was committed.
 */
async function write(writer: pg.Client, committed: Map<string, number>): Promise<void> {
  const random = (n: number) => Math.floor(Math.random() * n);
  for (let t = 0; t < TRANSACTIONS; t++) {
    const touched = new Set<string>();
    await writer.query('BEGIN');
    try {
      for (let n = random(6); n >= 0; n--) {
        const id = String(random(TASKS));
        const { rowCount } =
          random(3) === 0
            ? await writer.query('DELETE FROM task WHERE id = $1', [id])
            : await writer.query(INSERT, [id, random(1_000_000)]);
        if (rowCount) touched.add(id);
        if (random(2) === 0) await sleep(random(8));
      }
      await writer.query(random(5) === 0 ? 'ROLLBACK' : 'COMMIT').then(({ command }) => {
        if (command !== 'COMMIT') touched.clear();
      });
      for (const id of touched) committed.set(id, (committed.get(id) ?? 0) + 1);
    } catch (error) {
      await writer.query('ROLLBACK');
      // Writers that wait for each other in a circle, or make the same row at once: one gives way.
      if (!['40P01', '23505'].includes((error as pg.DatabaseError).code!)) throw error;
    }
  }
}

/** Reads on, a page here and a page there, while others write. @returns what was read and how it differs from the tables. */
async function follow(readers: TestGateway[]) {
  await database.prisma.$executeRawUnsafe('TRUNCATE task, annotation_history, deleted_row');
  const follower = new Follower();
  const committed = new Map<string, number>();
  let done = false;
  const writing = Promise.all(writers.map((writer) => write(writer, committed))).finally(
    () => (done = true),
  );
  let pages = 0;
  while (!done) {
    const limit = 1 + Math.floor(Math.random() * (pages % 2 === 0 ? 4 : 60));
    await follower.read(readers[pages++ % readers.length]!, limit);
  }
  await writing;
  await follower.catchUp(readers[0]!);
  const { rows } = await writers[0]!.query<{ id: string; n: number }>(
    'SELECT id::text, instance_num AS n FROM task',
  );
  const stored = new Map(rows.map(({ id, n }) => [id, n]));
  const copy = new Map([...follower.rows.task].map(([id, row]) => [id, row.instanceNum as number]));
  const told = new Map<string, number>();
  for (const { type, id } of follower.seen) {
    if (type === 'task') told.set(id, (told.get(id) ?? 0) + 1);
  }
  const ids = [...new Set([...stored.keys(), ...copy.keys()])];
  return {
    pages,
    entries: follower.seen.length,
    wrong: ids.filter((id) => stored.get(id) !== copy.get(id)),
    repeated: [...told].filter(([id, times]) => times > (committed.get(id) ?? 0)),
  };
}

describe('changes beside writers', () => {
  it('come once they are committed, whatever began earlier and ends later', async () => {
    const follower = new Follower();
    await follower.catchUp(gateways[0]!);
    const ids = async (n: number, limit?: number) =>
      (await follower.catchUp(gateways[n]!, limit)).map(({ id }) => id);
    const [older, younger, third] = writers as [pg.Client, pg.Client, pg.Client];
    await older.query('BEGIN');
    await older.query(INSERT, ['900', 1]);
    await younger.query(INSERT, ['901', 1]);
    expect(await ids(0)).toEqual(['901']);
    expect(await ids(1)).toEqual([]);
    await third.query('BEGIN');
    for (const id of ['902', '903']) await third.query(INSERT, [id, 1]);
    await younger.query(INSERT, ['904', 1]);
    await third.query('COMMIT');
    // A page that breaks off while others go on: what they add comes after the rest of it.
    expect(await follower.read(gateways[0]!, 1)).toBe(true);
    await older.query('COMMIT');
    await younger.query(INSERT, ['905', 1]);
    expect(await ids(1, 2)).toEqual(['903', '904', '900', '905']);
    expect(await ids(0)).toEqual([]);
  });

  it('tell a row that an older transaction made anew after it was deleted', async () => {
    const follower = new Follower();
    const [older, younger] = writers as [pg.Client, pg.Client];
    await younger.query(INSERT, ['900', 1]);
    await follower.catchUp(gateways[0]!);
    await older.query('BEGIN');
    await older.query(INSERT, ['902', 1]);
    await younger.query('DELETE FROM task WHERE id = 900');
    await older.query(INSERT, ['900', 2]);
    await older.query('COMMIT');
    await follower.catchUp(gateways[0]!, 1);
    expect(follower.rows.task.get('900')).toMatchObject({ instanceNum: 2 });
  });

  it('are all told, and none twice, whoever reads how much of them', async () => {
    for (let round = 0; round < 3; round++) {
      const { pages, entries, wrong, repeated } = await follow(gateways);
      expect({ wrong, repeated }).toEqual({ wrong: [], repeated: [] });
      expect(pages).toBeGreaterThan(20);
      expect(entries).toBeGreaterThan(TASKS);
    }
  });

  it('are lost to who forgets the transactions that were open: the test above can fail', async () => {
    const forgetful = await openForgetful();
    const { wrong } = await follow([forgetful, forgetful]);
    expect(wrong).not.toEqual([]);
  });
});
