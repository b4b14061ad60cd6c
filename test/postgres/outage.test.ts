import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCluster, type Cluster } from '../support/cluster.ts';
import {
  endPrograms,
  eventually,
  PATIENCE_MS,
  startServer,
  type Server,
} from '../support/process.ts';

/** What of the inside must never be in an answer. */
const INSIDE = /ECONN|connect|terminat|administrator|postgres|prisma|127\.0\.0\.1|\bat \w|SELECT/i;

const GRAPHQL = '{ tasks(first: 1) { totalCount } }';

let cluster: Cluster;
let server: Server;
/** A request id that exists. */
let id: string;

interface Answer {
  status: number;
  retryAfter: string | null;
  text: string;
  body: { code?: number; message?: string; data?: unknown; errors?: unknown[]; reason?: string };
}

async function ask(path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(server.url + path, {
    ...init,
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const text = await response.text();
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    text,
    body: JSON.parse(text) as Answer['body'],
  };
}

const askRest = () => ask(`/statistics?annotationRequestId=${id}`);
const askGraphQL = () =>
  ask('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: GRAPHQL }),
  });

function expectUnavailable(answer: Answer): void {
  expect(answer.status).toBe(503);
  expect(answer.retryAfter).toMatch(/^\d+$/);
  expect(answer.text).not.toMatch(INSIDE);
}

async function expectOutage(): Promise<void> {
  const rest = await askRest();
  expectUnavailable(rest);
  expect(rest.body).toMatchObject({
    code: 5000,
    message: 'Service hiccuped, please try again later.',
    data: null,
    success: false,
  });
  const graphql = await askGraphQL();
  expectUnavailable(graphql);
  expect(graphql.body.errors).toEqual([
    expect.objectContaining({
      extensions: expect.objectContaining({ code: 'SERVICE_UNAVAILABLE' }) as object,
    }),
  ]);
  const ready = await ask('/readyz');
  expect(ready.status).toBe(503);
  expect(ready.text).not.toMatch(/ECONN|127\.0\.0\.1/);
  expect((await ask('/healthz')).status).toBe(200);
}

async function expectService(): Promise<void> {
  expect(await askRest()).toMatchObject({ status: 200, body: { code: 2000 } });
  expect(await askGraphQL()).toMatchObject({
    status: 200,
    body: { data: { tasks: { totalCount: 2000 } } },
  });
  expect((await ask('/readyz')).status).toBe(200);
}

async function onCluster<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
  const client = new pg.Client(cluster.url);
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  cluster = await createCluster();
  server = await startServer({ DATABASE_URL: cluster.url, GATEWAY_DEMO: 'on' });
  await server.waitForLog('ready');
  const [row] = await onCluster<{ id: string }>('SELECT id FROM annotation_request LIMIT 1');
  id = row!.id;
});
afterAll(async () => {
  await endPrograms();
  await cluster?.close();
});

describe('a database that goes away', () => {
  it('is answered with 503 until it is back, by the same process', async () => {
    await expectService();
    for (let outage = 1; outage <= 2; outage++) {
      await cluster.stop();
      await expectOutage();
      expect(server.child.exitCode).toBeNull();
      await cluster.start();
      await eventually(expectService);
    }
    expect(server.stderr).toBe('');
    // The log has what the answers keep to themselves.
    expect(server.logged).toContainEqual(
      expect.objectContaining({
        level: 40,
        requestId: expect.any(String) as string,
        err: expect.anything() as object,
      }),
    );
  });

  it('that cuts connections under load costs at most a 503, never a wrong answer', async () => {
    const { body } = await askRest();
    const right = JSON.stringify(body.data);
    let running = true;
    const statuses = new Map<number, number>();
    const load = Array.from({ length: 8 }, async () => {
      while (running) {
        const answer = await askRest();
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        if (answer.status === 200) expect(JSON.stringify(answer.body.data)).toBe(right);
        else expectUnavailable(answer);
      }
    });
    const served = () => statuses.get(200) ?? 0;
    for (let cut = 0; cut < 15 || served() <= 50; cut++) {
      await sleep(100);
      await onCluster(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rosetta-gateway'`,
      );
    }
    running = false;
    await Promise.all(load);
    expect([...statuses.keys()].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    await eventually(expectService);
    expect(server.child.exitCode).toBeNull();
  });
});

describe('a gateway that starts before its database', () => {
  it('waits, answers 503, and is ready when the database comes', async () => {
    await server.kill('SIGTERM');
    await cluster.stop();
    server = await startServer({ DATABASE_URL: cluster.url });
    await server.waitForLog('the database cannot be reached; trying again');
    await expectOutage();
    await cluster.start();
    await server.waitForLog('ready');
    await expectService();
  });

  it('can be stopped while it waits', async () => {
    await server.kill('SIGTERM');
    await cluster.stop();
    server = await startServer({
      DATABASE_URL: cluster.url,
      GATEWAY_SHUTDOWN_TIMEOUT: String(PATIENCE_MS),
    });
    await server.waitForLog('the database cannot be reached; trying again');
    const started = performance.now();
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - started).toBeLessThan(PATIENCE_MS / 2);
    await cluster.start();
  });
});

it('ends a statement that takes too long: 5000, and TIMEOUT', async () => {
  server = await startServer({ DATABASE_URL: cluster.url, GATEWAY_STATEMENT_TIMEOUT: '500' });
  await server.waitForLog('ready');
  const client = new pg.Client(cluster.url);
  await client.connect();
  try {
    // Whoever wants to read the tasks waits for this, as they would for a slow disk.
    await client.query('BEGIN; LOCK TABLE task IN ACCESS EXCLUSIVE MODE');
    const [rest, graphql] = await Promise.all([askRest(), askGraphQL()]);
    expect(rest).toMatchObject({ status: 500, body: { code: 5000, data: null } });
    expect(rest.text).not.toMatch(INSIDE);
    expect(graphql.text).not.toMatch(INSIDE);
    expect(graphql.body.errors).toEqual([
      expect.objectContaining({
        extensions: expect.objectContaining({ code: 'TIMEOUT' }) as object,
      }),
    ]);
  } finally {
    await client.end();
  }
  await expectService();
});
