import pg from 'pg';
import { inject } from 'vitest';
import { copyDatabase, type ServerTemplate } from './database.ts';
import { createTestGateway, type TestGateway } from './gateway.ts';
import { urlOfDatabase } from './global-setup.ts';
import type { SentStatement } from './plans.ts';

export const CAMPAIGNS = 100;
export const REQUESTS = 2000;
export const TASKS = 50;
export const RECORDS = 10;

/** Records of one campaign. */
export const RECORDS_OF_CAMPAIGN = (REQUESTS / CAMPAIGNS) * TASKS * RECORDS;

/** What happens to every task: its actions, the statuses after them, and the types of the pools it is in. */
const STEPS = {
  action: [0, 5, 13, 7, 5, 13, 17, 13, 7, 6],
  status: [1, 2, 3, 4, 5, 6, 2, 3, 4, 11],
  poolType: [0, 1, 1, 1, 2, 2, 1, 1, 1, 5],
};
const step = (values: number[]) => `(ARRAY[${values.join(', ')}])[h + 1]`;

/**
 * A million records of a hundred campaigns. The ids of requests are in no order; those of tasks and records grow with the
 * time, a record a minute, and the work on a request stretches over the time of two hundred others.
 */
const ROWS = `
  SET session_replication_role = replica;
  INSERT INTO campaign (id, project_id, name, campaign_type)
    SELECT 'c-' || c, c, 'Campaign ' || c, 'FORMAL' FROM generate_series(0, ${CAMPAIGNS - 1}) c;
  INSERT INTO pool (id, campaign_id, name, pool_type)
    SELECT c * 10 + type, 'c-' || c, 'pool ' || type, type
    FROM generate_series(0, ${CAMPAIGNS - 1}) c, generate_series(0, 5) type;
  INSERT INTO annotation_request (id, campaign_id, name)
    SELECT md5(r::text)::uuid::text, 'c-' || r % ${CAMPAIGNS}, 'request ' || r FROM generate_series(1, ${REQUESTS}) r;
  INSERT INTO task (id, annotation_request_id, campaign_id, pool_id, scene_id, status, instance_info, instance_num,
      attribute_num, frame_num)
    SELECT r * 1000 + t, md5(r::text)::uuid::text, 'c-' || r % ${CAMPAIGNS}, r % ${CAMPAIGNS} * 10 + 5, 'scene ' || t, 11, '{"a":1}', 1, 0, 1
    FROM generate_series(1, ${REQUESTS}) r, generate_series(1, ${TASKS}) t;
  INSERT INTO annotation_history (id, task_id, annotation_request_id, campaign_id, pool_id, status, action_type,
      pool_assignee_id, created_time, instance_info, instance_num, instance_sum, attributes_num, attributes_sum, frame_count)
    SELECT (r + 20 * h) * 1000 + h * 100 + t, r * 1000 + t, md5(r::text)::uuid::text, 'c-' || r % ${CAMPAIGNS},
      r % ${CAMPAIGNS} * 10 + ${step(STEPS.poolType)}, ${step(STEPS.status)}, ${step(STEPS.action)},
      r % ${CAMPAIGNS} * 10 + t % 10, '2025-01-01T00:00:00Z'::timestamptz + ((r + 20 * h) * 500 + h * 50 + t) * interval '1 minute',
      '{"a":1}', 1, 1, 0, 0, 1
    FROM generate_series(1, ${REQUESTS}) r, generate_series(0, ${RECORDS - 1}) h, generate_series(1, ${TASKS}) t;
  RESET session_replication_role;`;

/** A gateway over them. */
export interface Million {
  readonly gateway: TestGateway;
  /** A connection of the test's own. */
  readonly client: pg.Client;
  /** The statements that the gateway has sent so far; a test empties the list. */
  readonly sent: SentStatement[];
  close(): Promise<void>;
}

/** Builds the million in a database that all test files copy; who asks first builds it, and the others wait. */
async function ensureTemplate(): Promise<ServerTemplate> {
  const empty = inject('databaseTemplate');
  if (empty.kind !== 'postgresql') throw new Error('This needs a PostgreSQL server.');
  const name = `${empty.name}_million`;
  const server = new pg.Client(empty.serverUrl);
  await server.connect();
  try {
    await server.query('SELECT pg_advisory_lock(hashtext($1))', [name]);
    const { rowCount } = await server.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) {
      // Has its name once it is whole.
      const unfinished = `${name}_unfinished`;
      await server.query(`DROP DATABASE IF EXISTS ${unfinished} WITH (FORCE)`);
      await server.query(`CREATE DATABASE ${unfinished} TEMPLATE ${empty.name}`);
      const client = new pg.Client(urlOfDatabase(empty.serverUrl, unfinished));
      await client.connect();
      await client.query(ROWS);
      await client.query('VACUUM ANALYZE');
      await client.end();
      await server.query(`ALTER DATABASE ${unfinished} RENAME TO ${name}`);
    }
  } finally {
    await server.end();
  }
  return { ...empty, name };
}

export async function createMillion(): Promise<Million> {
  const sent: SentStatement[] = [];
  const database = await copyDatabase(await ensureTemplate(), {
    onStatement: (sql, parameters) =>
      sent.push({ sql, parameters: JSON.parse(parameters) as unknown[] }),
  });
  const gateway = await createTestGateway({ database });
  const client = new pg.Client(database.url);
  await client.connect();
  return {
    gateway,
    client,
    sent,
    async close() {
      await client.end();
      await gateway.close();
      await database.close();
    },
  };
}

/** The ids of requests by their numbers, which go from 1 to `REQUESTS`. */
export async function requestIds(client: pg.Client, from: number, to: number): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT md5(n::text)::uuid::text AS id FROM generate_series(${from}, ${to}) n`,
  );
  return rows.map(({ id }) => id);
}
