/**
 * The rows that all servers are asked for, and what of them is asked for.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { WORKLOAD_ZONE } from './shapes.ts';

/** The rows of which requests name some, each drawn over the whole data set. */
export interface Population {
  readonly scenes: readonly Scene[];
  readonly campaigns: readonly string[];
  /** Requests of at least 20 tasks. */
  readonly requests: readonly string[];
}

export interface Scene {
  readonly campaignId: string;
  readonly annotationRequestId: string;
  readonly sceneId: string;
}

export interface DataSet {
  readonly url: string;
  readonly tasks: number;
  readonly records: number;
  readonly population: Population;
}

/** How many of each are drawn. */
const DRAWN = 2000;

export async function query<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

export function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}

/** Has the gateway run a command on a database, and throws where it does not end well. */
export function runCommand(url: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  execFileSync(process.execPath, ['dist/main.js', ...args], {
    env: { ...process.env, ...env, DATABASE_URL: url },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Simulates tasks and imports them, as a user would. */
async function importSimulated(url: string, tasks: number): Promise<void> {
  runCommand(url, ['migrate']);
  const env = { ...process.env, DATABASE_URL: url, GATEWAY_LOG_LEVEL: 'warn' };
  const rows = spawn(process.execPath, ['dist/main.js', 'demo-data', '--tasks', String(tasks)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const importer = spawn(process.execPath, ['dist/main.js', 'import', '-'], {
    env,
    stdio: [rows.stdout, 'ignore', 'inherit'],
  });
  const [status] = (await once(importer, 'exit')) as [number];
  if (status !== 0) throw new Error(`The import ended with ${status}.`);
}

/** Has the workload rolled up by the days that it is asked for by, as an operator would; in older databases, too. */
async function rollUp(url: string): Promise<void> {
  runCommand(url, ['migrate']);
  const sql = 'SELECT 1 FROM workload_zone WHERE time_zone = $1';
  if ((await query(url, sql, [WORKLOAD_ZONE])).length > 0) return;
  runCommand(url, ['rollups'], { GATEWAY_TIME_ZONE: WORKLOAD_ZONE });
}

/** A database made once is kept, under a name that says what it holds. */
async function ensure(serverUrl: string, name: string, fill: (url: string) => Promise<void>) {
  const url = urlOf(serverUrl, name);
  const found = await query(serverUrl, 'SELECT 1 FROM pg_database WHERE datname = $1', [name]);
  if (found.length === 0) {
    await query(serverUrl, `CREATE DATABASE "${name}_filling"`);
    await fill(urlOf(serverUrl, `${name}_filling`));
    await query(serverUrl, `ALTER DATABASE "${name}_filling" RENAME TO "${name}"`);
  }
  await query(url, readFileSync(new URL('functions.sql', import.meta.url), 'utf8'));
  await rollUp(url);
  await query(url, 'VACUUM ANALYZE');
  return url;
}

/** Adds campaigns like those that are there until there are so many times as many; each keeps its size. */
const MULTIPLY = readFileSync(new URL('multiply.sql', import.meta.url), 'utf8');

async function draw(url: string): Promise<Population> {
  const scenes = await query<{ campaignId: string; annotationRequestId: string; sceneId: string }>(
    url,
    `SELECT campaign_id AS "campaignId", annotation_request_id AS "annotationRequestId", scene_id AS "sceneId"
     FROM task ORDER BY md5(id::text) LIMIT $1`,
    [DRAWN],
  );
  const campaigns = await query<{ id: string }>(
    url,
    `SELECT id FROM campaign ORDER BY md5(id) LIMIT $1`,
    [DRAWN],
  );
  const requests = await query<{ id: string }>(
    url,
    `SELECT id FROM (SELECT annotation_request_id AS id FROM task GROUP BY annotation_request_id HAVING count(*) >= 20) AS large
     ORDER BY md5(id) LIMIT $1`,
    [DRAWN],
  );
  return {
    scenes,
    campaigns: campaigns.map(({ id }) => id),
    requests: requests.map(({ id }) => id),
  };
}

/**
 * @param tasks how many are simulated and imported.
 * @param times how many times as many rows there are to be; the others are made inside PostgreSQL.
 */
export async function prepareData(serverUrl: string, tasks: number, times = 1): Promise<DataSet> {
  const url = await ensure(serverUrl, `rosetta_bench_${tasks}x${times}`, async (empty) => {
    await importSimulated(empty, tasks);
    if (times > 1) await query(empty, MULTIPLY.replaceAll('TIMES', String(times)));
  });
  const [counts] = await query<{ tasks: number; records: number }>(
    url,
    'SELECT (SELECT count(*) FROM task)::int AS tasks, (SELECT count(*) FROM annotation_history)::int AS records',
  );
  return { url, ...counts!, population: await draw(url) };
}
