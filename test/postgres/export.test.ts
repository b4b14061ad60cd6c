import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { restChanges } from '../support/changes.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { getLines, openExport, readLines, readToClose } from '../support/export.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';

/** Campaigns that take up more than the sockets of the system hold, and pools that are many. */
const CAMPAIGNS = 200;
const POOLS = 400_000;
const ROWS = `
  SET session_replication_role = replica;
  INSERT INTO campaign (id, project_id, name, campaign_type, folder_name)
    SELECT 'c-' || lpad(n::text, 3, '0'), n, 'campaign ' || n, 'POC', repeat('x', 300000)
    FROM generate_series(1, ${CAMPAIGNS}) n;
  INSERT INTO pool (id, campaign_id, name, pool_type)
    SELECT n, 'c-00' || 1 + n % 4, 'pool ' || n, 1 FROM generate_series(1, ${POOLS}) n;
  RESET session_replication_role;
  ANALYZE campaign, pool;`;
/** Without the many small rows. */
const FILTER = '{"campaignId":{"gt":"c-004"}}';
const FEW = `/export/all?filter=${encodeURIComponent(FILTER)}`;
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let database: TestDatabase;
let gateway: TestGateway;
let client: pg.Client;
let port: number;
beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await createTestGateway({ database });
  ({ port } = await gateway.listen());
  client = new pg.Client(database.url);
  await client.connect();
  await client.query(ROWS);
});
afterEach(() => {
  gateway.logged.length = 0;
});
afterAll(async () => {
  await client.end();
  await gateway.close();
  await database.close();
});

/** The connections that exports have to the server. */
async function exporting(): Promise<{ pid: number; state: string }[]> {
  const { rows } = await client.query<{ pid: number; state: string }>(
    `SELECT pid, state FROM pg_stat_activity
     WHERE datname = current_database() AND query ~ '^(FETCH|DECLARE)|change_history_identity' AND pid <> pg_backend_pid()`,
  );
  return rows;
}

const endings = () => gateway.logged.filter(({ msg }) => msg === 'export broke off');

describe('an export', () => {
  it('shows one moment, whatever is written while it is read, and `changes` the rest', async () => {
    const whole = (await getLines(gateway, 'all', { filter: FILTER })).rows;
    const response = await openExport(port, FEW);
    const mark = response.headers['x-export-watermark'] as string;
    await client.query(`
      UPDATE campaign SET name = 'renamed' WHERE id = 'c-190';
      DELETE FROM campaign WHERE id = 'c-180';
      INSERT INTO campaign (id, project_id, name, campaign_type) VALUES ('c-1805', 1805, 'new', 'POC');`);
    const { text, isWhole } = await readToClose(response);
    expect(isWhole).toBe(true);
    const { rows } = readLines(text);
    expect(rows.join('\n') === whole.join('\n')).toBe(true);
    const { entries } = await restChanges(gateway, `after=${mark}`);
    expect(entries.map(({ kind, id }) => `${kind} ${id}`).sort()).toEqual([
      'DELETED c-180',
      'UPSERTED c-1805',
      'UPSERTED c-190',
    ]);
  });

  it('whose connection is lost ends after a whole row, and says so', async () => {
    const response = await openExport(port, FEW);
    const [open] = await exporting();
    await client.query('SELECT pg_terminate_backend($1)', [open!.pid]);
    const { text, isWhole } = await readToClose(response);
    expect(isWhole).toBe(false);
    const { rows, end } = readLines(text);
    expect(end).toEqual({
      type: 'exportBroken',
      reason: 'the database was lost',
      rows: rows.length,
    });
    expect(rows.length).toBeLessThan(CAMPAIGNS - 4);
    for (const row of rows) expect(JSON.parse(row)).toMatchObject({ type: 'campaign' });
    expect(text).not.toMatch(/terminat|administrator/);
    expect(endings()).toMatchObject([{ level: 40, rows: rows.length, err: { code: '57P01' } }]);
    expect((await getLines(gateway, 'tasks')).rows).toEqual([]);
  });

  it('leaves nothing open once its reader is gone, not even a statement', async () => {
    const response = await openExport(port, FEW);
    await expect.poll(exporting).toMatchObject([{ state: 'idle in transaction' }]);
    response.destroy();
    await expect.poll(exporting).toEqual([]);
    // A statement that waits, for a lock here, does not hear of it by itself.
    const locker = new pg.Client(database.url);
    await locker.connect();
    await locker.query('BEGIN; LOCK TABLE task IN ACCESS EXCLUSIVE MODE');
    try {
      const waiting = request({ port, path: '/export/tasks', agent: false });
      waiting.on('error', () => undefined).end();
      await expect.poll(exporting).toMatchObject([{ state: 'active' }]);
      waiting.destroy();
      await expect.poll(exporting).toEqual([]);
      expect(endings().map(({ reason }) => reason)).toEqual(Array(2).fill('the reader is gone'));
    } finally {
      await locker.end();
    }
  });

  it('bears a database that ends sessions which do nothing', async () => {
    await client.query(
      `ALTER DATABASE ${client.database} SET idle_in_transaction_session_timeout = 200`,
    );
    try {
      const response = await openExport(port, FEW);
      await sleep(800);
      const { text, isWhole } = await readToClose(response);
      expect(isWhole).toBe(true);
      expect(readLines(text).rows.length).toBeGreaterThan(CAMPAIGNS - 7);
    } finally {
      await client.query(
        `ALTER DATABASE ${client.database} RESET idle_in_transaction_session_timeout`,
      );
    }
  });

  it.each([
    ['ndjson', 'identity', 100],
    ['csv', 'gzip', 20],
  ])('holds no more the longer it is, as %s and %s', async (format, encoding, every) => {
    const response = await openExport(port, `/export/all?format=${format}`, {
      'accept-encoding': encoding,
    });
    const held: number[] = [];
    let chunks = 0;
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (chunks++ % every > 0) continue;
      // The reader is slower than the server could be.
      await sleep(20);
      collectGarbage();
      const { heapUsed, external } = process.memoryUsage();
      held.push(heapUsed + external);
    }
    expect(response.complete).toBe(true);
    expect(bytes).toBeGreaterThan(encoding === 'gzip' ? 1_000_000 : 90_000_000);
    expect(held.length).toBeGreaterThan(4);
    // The rest is on its way through sockets.
    expect(Math.max(...held) - Math.min(...held)).toBeLessThan(40_000_000);
  });
});
