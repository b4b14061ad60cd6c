import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import pino from 'pino';
import { readConfig } from '../../src/config/config.ts';
import { migrateDatabase, openDatabase } from '../../src/database/database.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createEmptyDatabase, runSql } from '../support/empty-database.ts';
import { createTestGateway } from '../support/gateway.ts';

let database: TestDatabase;
const sql = (text: string) => runSql<Record<string, unknown>>(database.url!, text);

const NEW_TASK = {
  id: '2',
  annotation_request_id: `'ar-1'`,
  campaign_id: `'c-1'`,
  pool_id: '1',
  scene_id: `'scene'`,
  status: '2',
  instance_info: `'{}'`,
  instance_num: '0',
  attribute_num: '0',
  frame_num: '1',
  last_record_id: 'NULL',
};

const NEW_RECORD = {
  id: '2',
  task_id: '1',
  annotation_request_id: `'ar-1'`,
  campaign_id: `'c-1'`,
  pool_id: '1',
  status: '2',
  action_type: '5',
  team_id: 'NULL',
  pool_assignee_id: 'NULL',
  creator_id: 'NULL',
  created_time: 'now()',
  instance_info: `'{}'`,
  instance_num: '0',
  instance_sum: '0',
  attributes_num: '0',
  attributes_sum: '0',
  frame_count: '1',
};

const NEW_POOL = { id: '9', campaign_id: `'c-1'`, name: `'P'`, pool_type: '1' };
const NEW_CAMPAIGN = { id: `'c-9'`, project_id: '9', name: `'C9'`, campaign_type: `'POC'` };
const NEW_REQUEST = { id: `'ar-9'`, campaign_id: `'c-1'`, name: `'AR 9'` };

type Row = Record<string, string>;
const insert = (table: string, row: Row) =>
  `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${Object.values(row).join(', ')})`;

beforeAll(async () => {
  database = await createTestDatabase();
  await sql(`
    INSERT INTO campaign (id, project_id, name, campaign_type) VALUES ('c-1', 1, 'C1', 'POC'), ('c-2', 2, 'C2', 'POC');
    INSERT INTO annotation_request (id, campaign_id, name)
      VALUES ('ar-1', 'c-1', 'AR 1'), ('ar-2', 'c-1', 'AR 2'), ('ar-other', 'c-2', 'AR 3');
    INSERT INTO pool (id, campaign_id, name, pool_type) VALUES (1, 'c-1', 'P1', 1), (2, 'c-2', 'P2', 1)`);
  await sql(insert('task', { ...NEW_TASK, id: '1', scene_id: `'first'` }));
  await sql(insert('annotation_history', { ...NEW_RECORD, id: '1' }));
});
afterAll(() => database?.close());

/** PostgreSQL's codes for what it refuses. */
const CHECK = '23514';
const FOREIGN_KEY = '23503';
const RESTRICT = '23001';
const UNIQUE = '23505';
const OUT_OF_RANGE = '22003';

async function expectRefused(statement: string, code: string): Promise<void> {
  await expect(sql(`BEGIN; ${statement}; ROLLBACK`), statement).rejects.toMatchObject({ code });
}

describe('the database takes', () => {
  it.each([
    [
      'campaign',
      { ...NEW_CAMPAIGN, id: `repeat('é', 127) || 'x'`, project_id: '9223372036854775807' },
    ],
    ['annotation_request', { ...NEW_REQUEST, id: `repeat('x', 255)` }],
    ['pool', { ...NEW_POOL, id: '9223372036854775807', pool_type: '2147483647' }],
    ['task', { ...NEW_TASK, status: '99', last_record_id: '9223372036854775807' }],
    ['annotation_history', { ...NEW_RECORD, action_type: '99', frame_count: '2147483647' }],
  ])('a good %s at its bounds', async (table, row) => {
    await sql(`BEGIN; ${insert(table, row)}; ROLLBACK`);
  });
});

describe('the database refuses', () => {
  it('to change a record, in whatever words', async () => {
    await expectRefused('UPDATE annotation_history SET instance_num = 5 WHERE id = 1', RESTRICT);
    await expectRefused('UPDATE annotation_history SET id = id', RESTRICT);
    await expectRefused(
      `${insert('annotation_history', { ...NEW_RECORD, id: '1' })} ON CONFLICT (id) DO UPDATE SET status = 3`,
      RESTRICT,
    );
  });

  it('a task in a pool or request of another campaign', async () => {
    await expectRefused(insert('task', { ...NEW_TASK, pool_id: '2' }), FOREIGN_KEY);
    await expectRefused(
      insert('task', { ...NEW_TASK, annotation_request_id: `'ar-other'` }),
      FOREIGN_KEY,
    );
    await expectRefused(insert('task', { ...NEW_TASK, campaign_id: `'c-2'` }), FOREIGN_KEY);
    await expectRefused('UPDATE task SET pool_id = 2 WHERE id = 1', FOREIGN_KEY);
  });

  it("a record with another request or campaign than its task's, or in a pool of another", async () => {
    for (const change of [
      { annotation_request_id: `'ar-2'` },
      { annotation_request_id: `'ar-other'`, campaign_id: `'c-2'`, pool_id: '2' },
      { campaign_id: `'c-2'` },
      { pool_id: '2' },
      { task_id: '77' },
    ]) {
      await expectRefused(insert('annotation_history', { ...NEW_RECORD, ...change }), FOREIGN_KEY);
    }
  });

  it('to move what others refer to, or to remove it', async () => {
    await expectRefused(
      `UPDATE annotation_request SET campaign_id = 'c-2' WHERE id = 'ar-1'`,
      FOREIGN_KEY,
    );
    await expectRefused(`UPDATE pool SET campaign_id = 'c-2' WHERE id = 1`, FOREIGN_KEY);
    for (const table of ['campaign', 'annotation_request', 'pool', 'task']) {
      await expectRefused(`DELETE FROM ${table}`, FOREIGN_KEY);
    }
  });

  it('a scene twice in one request, and a name twice', async () => {
    await expectRefused(insert('task', { ...NEW_TASK, scene_id: `'first'` }), UNIQUE);
    await expectRefused(insert('campaign', { ...NEW_CAMPAIGN, name: `'C1'` }), UNIQUE);
    await expectRefused(insert('campaign', { ...NEW_CAMPAIGN, project_id: '1' }), UNIQUE);
    await expectRefused(insert('annotation_request', { ...NEW_REQUEST, name: `'AR 1'` }), UNIQUE);
  });

  it('negative numbers, and counts beyond 2^31-1, in every column', async () => {
    const numbers: [string, Row, string[], string[]][] = [
      ['campaign', NEW_CAMPAIGN, [], ['project_id']],
      ['pool', NEW_POOL, ['pool_type'], ['id']],
      [
        'task',
        NEW_TASK,
        ['status', 'instance_num', 'attribute_num', 'frame_num'],
        ['id', 'last_record_id'],
      ],
      [
        'annotation_history',
        NEW_RECORD,
        [
          'status',
          'action_type',
          'instance_num',
          'instance_sum',
          'attributes_num',
          'attributes_sum',
          'frame_count',
        ],
        ['id', 'team_id', 'pool_assignee_id', 'creator_id'],
      ],
    ];
    for (const [table, row, counts, ids] of numbers) {
      for (const column of [...counts, ...ids]) {
        await expectRefused(insert(table, { ...row, [column]: '-1' }), CHECK);
      }
      for (const column of counts) {
        await expectRefused(insert(table, { ...row, [column]: '2147483648' }), OUT_OF_RANGE);
      }
    }
  });

  it('text that is empty or longer than 255 bytes, and counts that are no object of counts', async () => {
    const texts: [string, Row, string[]][] = [
      ['campaign', NEW_CAMPAIGN, ['id', 'name']],
      ['annotation_request', NEW_REQUEST, ['id', 'name']],
      ['pool', NEW_POOL, ['name']],
      ['task', NEW_TASK, ['scene_id']],
    ];
    for (const [table, row, columns] of texts) {
      for (const column of columns) {
        for (const value of [`''`, `repeat('x', 256)`, `repeat('é', 128)`]) {
          await expectRefused(insert(table, { ...row, [column]: value }), CHECK);
        }
      }
    }
    const noCounts = ['"x"', 'null', 'true', '{}', '[1]', '-1', '1.5', '2147483648'];
    for (const value of [
      `'[]'`,
      `'1'`,
      `'null'`,
      ...noCounts.map((one) => `'{"a":1,"b":${one}}'`),
    ]) {
      await expectRefused(insert('task', { ...NEW_TASK, instance_info: value }), CHECK);
      await expectRefused(
        insert('annotation_history', { ...NEW_RECORD, instance_info: value }),
        CHECK,
      );
    }
  });
});

/** A collation of the server that sorts otherwise than the bytes do, as CREATE DATABASE wants it. */
async function linguisticCollation(): Promise<string> {
  const [server] = await sql(`SELECT current_setting('server_version_num')::int >= 150000 AS icu`);
  if (server!.icu) return `TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' ENCODING UTF8`;
  const [found] = await sql(
    `SELECT collcollate FROM pg_collation WHERE collprovider = 'c' AND collcollate ~ '^[a-z]{2}_[A-Z]{2}\\.(utf8|UTF-8)$' LIMIT 1`,
  );
  if (!found) throw new Error('The server has no collation but that of the bytes.');
  return `TEMPLATE template0 LC_COLLATE '${found.collcollate as string}' ENCODING UTF8`;
}

it('compares text by its bytes, whatever collation the database has', async () => {
  const empty = await createEmptyDatabase(await linguisticCollation());
  const { database: config } = readConfig({ DATABASE_URL: empty.url });
  const opened = await openDatabase(config, pino({ level: 'silent' }));
  const gateway = await createTestGateway({ database: opened });
  try {
    expect(await empty.query(`SELECT 'a' < 'B' AND 'é' < 'Z' AS linguistic`)).toEqual([
      { linguistic: true },
    ]);
    await migrateDatabase(opened);
    const ids = ['é', 'a', 'Z', 'B', 'b', '!', 'aa', 'A'];
    await opened.prisma.campaign.createMany({
      data: ids.map((id, index) => ({
        id,
        projectId: BigInt(index),
        name: id,
        campaignType: 'POC' as const,
      })),
    });
    const byBytes = [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const first = await gateway.gql<{
      campaigns: { nodes: { campaignId: string }[]; pageInfo: { endCursor: string } };
    }>('{ campaigns(first: 3) { nodes { campaignId } pageInfo { endCursor } } }');
    const rest = await gateway.gql<typeof first>(
      'query ($after: String) { campaigns(after: $after) { nodes { campaignId } pageInfo { endCursor } } }',
      { after: first.campaigns.pageInfo.endCursor },
    );
    expect(
      [...first.campaigns.nodes, ...rest.campaigns.nodes].map(({ campaignId }) => campaignId),
    ).toEqual(byBytes);
  } finally {
    await gateway.close();
    await opened.close();
    await empty.close();
  }
});
