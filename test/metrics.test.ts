import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listenForMetrics } from '../src/app/metrics.ts';
import type { CreatedKey } from '../src/auth/keys.ts';
import type { Role } from '../src/domain/viewer.ts';
import { createMetrics } from '../src/metrics/metrics.ts';
import { apiKey, ask, createGuardedGateway, get, JSON_TYPE, makeKey } from './support/callers.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { EXAMPLE } from './support/import.ts';
import { readSeries } from './support/metrics.ts';
import { eventually } from './support/process.ts';
import { subscribe } from './support/subscriptions.ts';

const DURATION = 'rosetta_gateway_request_duration_seconds_count';
const COST = 'rosetta_gateway_operation_cost_points_count';

let gateway: TestGateway;
const keys = {} as Record<Role | 'scoped', CreatedKey>;
beforeAll(async () => {
  gateway = await createGuardedGateway();
  for (const role of ['admin', 'reader', 'ingest'] as const) {
    keys[role] = await makeKey(gateway, { role });
  }
  keys.scoped = await makeKey(gateway, { role: 'admin', campaigns: ['c-1'] });
});
afterAll(() => gateway.close());

/** The series that something changes, and by how much; those of the database aside. */
async function changes(act: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await readSeries(gateway.metrics);
  await act();
  const after = await readSeries(gateway.metrics);
  const changed = [...after]
    .map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const)
    .filter(
      ([name, change]) =>
        /^rosetta_gateway_(?!statement_|pool_).*(_total|_count)\b/.test(name) && change !== 0,
    );
  return Object.fromEntries(changed);
}

describe('on the public port', () => {
  it('an admin of all campaigns is told, and nobody else', async () => {
    const told = await gateway.inject({ url: '/metrics', headers: apiKey(keys.admin) });
    expect(told.statusCode).toBe(200);
    expect(told.headers).toMatchObject({
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'cache-control': 'no-store',
    });
    expect(told.payload).toContain('rosetta_gateway_build_info{version="0.0.0",node="');
    for (const name of ['process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds']) {
      expect(told.payload).toContain(`\n${name} `);
    }
    for (const name of ['reader', 'ingest', 'scoped'] as const) {
      expect((await get(gateway, apiKey(keys[name]), '/metrics')).statusCode).toBe(403);
    }
    const stranger = await get(gateway, {}, '/metrics');
    expect(stranger.statusCode).toBe(401);
    expect(stranger.payload).not.toContain('rosetta_gateway');
  });

  it('anybody is told where nobody is asked who he is; a question cannot be told', async () => {
    const { database } = gateway;
    const open = await createTestGateway({ database });
    expect((await open.inject({ url: '/metrics' })).statusCode).toBe(200);
    const told = await open.rest({ method: 'POST', url: '/metrics' });
    expect(told.statusCode).toBe(405);
    expect(told.headers.allow).toBe('GET, HEAD');
    await open.close();
  });

  it('they are not there where they have a port of their own', async () => {
    const { database } = gateway;
    const apart = await createTestGateway({
      database,
      environment: { GATEWAY_METRICS_PORT: '9400' },
    });
    expect(apart.config.metrics).toEqual({ host: '127.0.0.1', port: 9400 });
    expect((await apart.rest({ url: '/metrics' })).statusCode).toBe(404);
    await apart.close();
  });
});

it('a port of its own has the metrics and nothing else', async () => {
  const lines: { port?: number }[] = [];
  const log = pino({}, { write: (line: string) => lines.push(JSON.parse(line) as AddressInfo) });
  const stop = await listenForMetrics({ host: '127.0.0.1', port: 0 }, createMetrics('1.2.3'), log);
  const url = `http://127.0.0.1:${lines[0]!.port}`;
  const told = await fetch(`${url}/metrics`);
  expect(told.status).toBe(200);
  expect(await told.text()).toContain('rosetta_gateway_build_info{version="1.2.3"');
  expect((await fetch(`${url}/graphql`)).status).toBe(404);
  expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405);
  stop();
  await expect(fetch(`${url}/metrics`)).rejects.toThrow();
});

describe('requests are counted', () => {
  it('by operation and outcome', async () => {
    const query = (text: string) => ask(gateway, apiKey(keys.reader), text);
    expect(
      await changes(async () => {
        await query('query Tasks { tasks { totalCount } }');
        await query('query Tasks { tasks { totalCount } }');
        await query('{ tasks { totalCount } }');
        await query('{ nothing }');
      }),
    ).toEqual({
      [`${DURATION}{route="/graphql",operation="Tasks",outcome="success"}`]: 2,
      [`${DURATION}{route="/graphql",operation="(query)",outcome="success"}`]: 1,
      [`${DURATION}{route="/graphql",operation="",outcome="caller_error"}`]: 1,
      [`${COST}{route="/graphql",operation="Tasks"}`]: 2,
      [`${COST}{route="/graphql",operation="(query)"}`]: 1,
      'rosetta_gateway_request_errors_total{route="/graphql",code="GRAPHQL_VALIDATION_FAILED"}': 1,
      'rosetta_gateway_queries_total{answered="compiled"}': 3,
    });
  });

  it('by what answers a query', async () => {
    const told = await changes(() =>
      ask(gateway, apiKey(keys.reader), '{ tasks { aggregate { count } } }'),
    );
    expect(told).toMatchObject({ 'rosetta_gateway_queries_total{answered="field"}': 1 });
    expect(gateway.logged.at(-1)).toMatchObject({ resolved: 'field TaskConnection.aggregate' });
  });

  it('by route, with the code of the envelope', async () => {
    expect(await changes(() => get(gateway, apiKey(keys.reader)))).toEqual({
      [`${DURATION}{route="/statistics",operation="",outcome="caller_error"}`]: 1,
      [`${COST}{route="/statistics",operation=""}`]: 1,
      'rosetta_gateway_request_errors_total{route="/statistics",code="53003"}': 1,
      'rosetta_gateway_queries_total{answered="compiled"}': 1,
    });
  });

  it('by why nobody was let in', async () => {
    expect(await changes(() => get(gateway, { 'x-api-key': 'nonsense' }))).toEqual({
      [`${DURATION}{route="/statistics",operation="",outcome="refused"}`]: 1,
      'rosetta_gateway_request_errors_total{route="/statistics",code="401"}': 1,
      'rosetta_gateway_auth_refusals_total{reason="malformed API key"}': 1,
    });
  });

  it('with labels whose number does not grow with what callers send', async () => {
    // What Node tells of itself, as the kinds of its garbage collections, comes when it happens.
    const series = async () =>
      [...(await readSeries(gateway.metrics)).keys()].filter((name) => name.startsWith('rosetta_'))
        .length;
    const send = async (from: number) => {
      for (let i = from; i < from + 150; i++) {
        const headers = { ...apiKey(keys.reader), origin: `https://page-${i}.example.com` };
        await ask(gateway, headers, `query Q${i} { __typename }`);
        await gateway.inject({ url: `/path-${i}`, headers });
        await gateway.inject({ method: 'POST', url: '/import', headers });
      }
    };
    await send(0);
    const afterMany = await series();
    await send(150);
    expect(await series()).toBe(afterMany);
    const names = [...(await readSeries(gateway.metrics)).keys()].join('\n');
    expect(names).toContain('operation="(other)"');
    expect(names).not.toContain('path-');
    expect(names).not.toContain('page-');
    expect(names).toContain('reason="origin"');
  });
});

it('rows that go in and out are counted by what became of them', async () => {
  const rows = [EXAMPLE.campaign, EXAMPLE.annotationRequest, EXAMPLE.pool, EXAMPLE.task];
  const payload = [...rows, EXAMPLE.campaign, 'no JSON'].join('\n');
  const sent = await changes(() =>
    gateway.inject({
      method: 'POST',
      url: '/import',
      headers: { ...apiKey(keys.ingest), 'content-type': 'application/x-ndjson' },
      payload,
    }),
  );
  const imported = (type: string, outcome: string) =>
    `rosetta_gateway_import_rows_total{type="${type}",outcome="${outcome}"}`;
  expect(sent).toMatchObject({
    [imported('campaign', 'created')]: 1,
    [imported('campaign', 'unchanged')]: 1,
    [imported('task', 'created')]: 1,
    [imported('unknown', 'rejected')]: 1,
  });
  const mutation = await changes(() =>
    gateway.inject({
      method: 'POST',
      url: '/graphql',
      headers: { ...JSON_TYPE, ...apiKey(keys.ingest) },
      payload: JSON.stringify({
        query:
          'mutation { ingest(entities: [{ pool: { id: 3009, name: "p", poolType: 2, campaignId: "c-1" } }]) { rejected } }',
      }),
    }),
  );
  expect(mutation).toMatchObject({ [imported('pool', 'created')]: 1 });
  const taken = await changes(() =>
    gateway.inject({ url: '/export/tasks', headers: apiKey(keys.reader) }),
  );
  expect(taken).toMatchObject({
    'rosetta_gateway_export_rows_total{export="tasks"}': 1,
    'rosetta_gateway_exports_total{export="tasks",outcome="complete"}': 1,
  });
});

it.each(['sse', 'websocket'] as const)(
  'open subscriptions are told, over %s',
  async (transport) => {
    const { url } = await gateway.listen();
    const level = async () =>
      (await readSeries(gateway.metrics)).get(
        `rosetta_gateway_subscriptions{transport="${transport}"}`,
      );
    expect(await level()).toBe(0);
    const headers = apiKey(keys.reader);
    const query = 'subscription Watch { taskChanged { watermark } }';
    const subscription = subscribe(transport, url, '', {}, query, headers);
    const eventuallyIs = (wanted: number) =>
      eventually(async () => expect(await level()).toBe(wanted), {
        everyMs: 20,
      });
    await eventuallyIs(1);
    await subscription.stop();
    await eventuallyIs(0);
    const ended = [...(await readSeries(gateway.metrics)).keys()].filter((name) =>
      name.startsWith(`rosetta_gateway_subscriptions_ended_total{transport="${transport}"`),
    );
    expect(ended).toHaveLength(1);
  },
);

it('connections of the server are told, and requests that are no HTTP', async () => {
  const { port } = await gateway.listen();
  const malformed = 'rosetta_gateway_malformed_requests_total{status="400"}';
  const changed = await changes(
    () =>
      new Promise((resolve) => {
        const req = request({ port, host: '127.0.0.1', path: '/healthz', headers: { a: 'b' } });
        req.on('socket', (socket) => socket.write('nonsense\r\n\r\n'));
        req.on('error', resolve).on('response', (res) => res.resume().on('close', resolve));
        req.end();
      }),
  );
  expect(changed[malformed]).toBe(1);
  expect((await readSeries(gateway.metrics)).has('rosetta_gateway_http_connections')).toBe(true);
});

it('connections to PostgreSQL are told where they are shared', async () => {
  await ask(gateway, apiKey(keys.reader));
  const series = await readSeries(gateway.metrics);
  const levels = ['connections{state="in_use"}', 'connections{state="idle"}', 'waiting'].map(
    (name) => series.get(`rosetta_gateway_pool_${name}`),
  );
  if (gateway.database.kind === 'postgresql') expect(levels).toEqual([0, expect.any(Number), 0]);
  else expect(levels.filter((level) => level !== undefined && level !== 0)).toEqual([]);
});
