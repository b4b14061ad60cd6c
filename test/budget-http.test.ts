import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { revokeKey } from '../src/auth/keys.ts';
import { leasesInMemory } from '../src/domain/budget/leases.ts';
import {
  apiKey,
  ask,
  createGuardedGateway,
  get,
  JSON_TYPE,
  lastLine,
  makeKey,
  STATISTICS,
  type Headers,
} from './support/callers.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { EXAMPLE, importText, line } from './support/import.ts';
import { readSeries } from './support/metrics.ts';
import { subscribe } from './support/subscriptions.ts';

/** What an answer of GraphQL says of itself. */
interface Told {
  cost: { requested: number };
  rateLimit?: { limit: number; remaining: number; resetSeconds: number };
}

const QUERY = '{ tasks(first: 100) { totalCount nodes { taskId } } }';

let gateway: TestGateway;
/** What the query costs. */
let cost: number;
beforeAll(async () => {
  gateway = await createGuardedGateway({
    lease: leasesInMemory(),
    environment: { GATEWAY_BUDGET: '1000000' },
  });
  await importText(gateway.database, Object.values(EXAMPLE));
  cost = tell(await ask(gateway, apiKey(await makeKey(gateway)), QUERY)).cost.requested;
});
afterAll(() => gateway.close());
afterEach(() => vi.useRealTimers());

function tell({ payload }: { payload: string }): Told {
  return (JSON.parse(payload) as { extensions: Told }).extensions;
}

/** Makes a key that has so many points a minute, and lets its clock stand still. */
async function budgeted(budget: number, terms: Parameters<typeof makeKey>[1] = {}) {
  const key = await makeKey(gateway, { ...terms, budget });
  vi.useFakeTimers({ toFake: ['performance'] });
  return key;
}

const limitsOf = ({ headers }: { headers: Record<string, unknown> }) =>
  ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset', 'retry-after'].map((name) =>
    headers[name] === undefined ? undefined : Number(headers[name]),
  );

describe('GraphQL', () => {
  it('is charged what it costs, and told what is left', async () => {
    const key = apiKey(await budgeted(60 * cost));
    for (let n = 1; n <= 3; n++) {
      const answer = await ask(gateway, key, QUERY);
      expect(answer.statusCode).toBe(200);
      expect(tell(answer).rateLimit).toEqual({
        limit: 60 * cost,
        remaining: (60 - n) * cost,
        resetSeconds: n,
      });
      expect(limitsOf(answer)).toEqual([60 * cost, (60 - n) * cost, n, undefined]);
      expect(lastLine(gateway).cost).toBe(cost);
    }
  });

  it('is refused until the budget has what it costs', async () => {
    const key = apiKey(await budgeted(2 * cost));
    await ask(gateway, key, QUERY);
    await ask(gateway, key, QUERY);
    const { statements } = gateway;
    const before = statements.length;
    const refused = await ask(gateway, key, QUERY);
    expect(refused.statusCode).toBe(429);
    expect(limitsOf(refused)).toEqual([2 * cost, 0, 60, 30]);
    expect(JSON.parse(refused.payload)).toEqual({
      errors: [
        {
          message: `This costs ${cost} points, and the budget has 0; ${2 * cost} come in a minute: try again in 30 seconds.`,
          extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 30 },
        },
      ],
      extensions: {
        cost: expect.objectContaining({ requested: cost }) as object,
        rateLimit: { limit: 2 * cost, remaining: 0, resetSeconds: 60 },
      },
    });
    // Nothing was executed.
    expect(statements.slice(before)).toEqual([]);
    expect(lastLine(gateway)).toMatchObject({ status: 429, errorCodes: ['RATE_LIMITED'] });
    const series = await readSeries(gateway.metrics);
    expect(
      series.get(
        'rosetta_gateway_request_duration_seconds_count{route="/graphql",operation="(query)",outcome="limited"}',
      ),
    ).toBe(1);
    vi.advanceTimersByTime(29_000);
    expect(limitsOf(await ask(gateway, key, QUERY))[3]).toBe(1);
    vi.advanceTimersByTime(1000);
    expect((await ask(gateway, key, QUERY)).statusCode).toBe(200);
  });

  it('is done where it costs more than a minute’s worth, once all of that is there', async () => {
    const key = apiKey(await budgeted(Math.ceil(cost / 2)));
    expect((await ask(gateway, key, QUERY)).statusCode).toBe(200);
    const [, remaining, , wait] = limitsOf(await ask(gateway, key, QUERY));
    expect(remaining).toBe(0);
    vi.advanceTimersByTime(wait! * 1000);
    expect((await ask(gateway, key, QUERY)).statusCode).toBe(200);
  });

  it('tells it once in an answer of several parts', async () => {
    const key = apiKey(await budgeted(60 * cost));
    const { payload } = await gateway.inject({
      method: 'POST',
      url: '/graphql',
      headers: { ...JSON_TYPE, ...key, accept: 'multipart/mixed' },
      payload: JSON.stringify({ query: '{ tasks { ... @defer { totalCount } } }' }),
    });
    expect(payload.match(/"rateLimit"/g)).toHaveLength(1);
    expect(payload.indexOf('"rateLimit"')).toBeLessThan(payload.indexOf('"incremental"'));
  });

  it.each(['sse', 'websocket'] as const)('is charged for a subscription over %s', async (way) => {
    const { url } = await gateway.listen();
    const query = 'subscription { taskChanged { taskId } }';
    const key = apiKey(await makeKey(gateway, { budget: 1 }));
    const first = subscribe(way, url, '', {}, query, key);
    await vi.waitFor(() => expect(gateway.subscriptions()).toBe(1));
    await importText(gateway.database, [line('task', { status: way === 'sse' ? '4' : '5' })]);
    await first.receive(1);
    const second = subscribe(way, url, '', {}, query, key);
    await second.ended;
    if (way === 'websocket') {
      expect(second.errors).toMatchObject([
        { extensions: { code: 'RATE_LIMITED', retryAfterSeconds: expect.any(Number) as number } },
      ]);
    } else {
      expect(await second.ended).toMatchObject({ response: { status: 429 } });
    }
    await Promise.all([first.stop(), second.stop()]);
    await vi.waitFor(() => expect(gateway.subscriptions()).toBe(0));
  });

  it('uses up no idempotency key where it is refused', async () => {
    const key = await budgeted(1, { role: 'admin' });
    const mutation =
      'mutation { ingest(entities: [{ campaign: { id: "x", projectId: 9, name: "x", campaignType: POC } }]) { created } }';
    const write = (idempotencyKey: string) =>
      ask(gateway, { ...apiKey(key), 'idempotency-key': idempotencyKey }, mutation);
    expect((await write('first')).statusCode).toBe(200);
    expect((await write('second')).statusCode).toBe(429);
    expect(await gateway.database.prisma.idempotencyKey.count({ where: { key: 'second' } })).toBe(
      0,
    );
  });
});

describe('REST', () => {
  it('is charged like the operation behind it, and refused with an envelope', async () => {
    await get(gateway, apiKey(await makeKey(gateway)));
    const price = lastLine(gateway).cost as number;
    const key = apiKey(await budgeted(2 * price));
    for (const left of [price, 0]) {
      const answer = await get(gateway, key);
      expect(answer.envelope.code).toBe(2000);
      expect(limitsOf(answer).slice(0, 2)).toEqual([2 * price, left]);
      expect(lastLine(gateway).cost).toBe(price);
    }
    const answer = await get(gateway, key);
    expect(answer.statusCode).toBe(429);
    expect({ ...answer.envelope, date: '', requestId: '' }).toEqual({
      code: 429,
      message: 'Too Many Requests',
      data: null,
      date: '',
      requestId: '',
      success: false,
    });
    expect(limitsOf(answer)).toEqual([2 * price, 0, 60, 30]);
    expect(lastLine(gateway)).toMatchObject({ route: '/statistics', status: 429, code: 429 });
    vi.advanceTimersByTime(30_000);
    expect((await get(gateway, key)).statusCode).toBe(200);
  });

  it('costs nothing where nothing was executed', async () => {
    const key = apiKey(await budgeted(1));
    for (const url of ['/statistics', '/unknown']) {
      const answer = await get(gateway, key, url);
      expect(limitsOf(answer)).toEqual([undefined, undefined, undefined, undefined]);
    }
    expect((await get(gateway, key)).statusCode).toBe(200);
  });
});

/** What is left of the budget of a key, without taking anything of it that matters. */
async function remaining(headers: Headers): Promise<number> {
  const { rateLimit, cost } = tell(await ask(gateway, headers, '{ task(taskId: "1") { taskId } }'));
  return rateLimit!.remaining + cost.requested;
}

describe('an export', () => {
  it('costs a point for ten rows, and something to begin with', async () => {
    await gateway.database.prisma.campaign.createMany({
      data: Array.from({ length: 1234 }, (_, n) => ({
        id: `many-${n}`,
        name: `many-${n}`,
        projectId: BigInt(n + 10_000),
        campaignType: 'POC' as const,
      })),
    });
    const key = apiKey(await budgeted(5000));
    const exported = await gateway.inject({ url: '/export/all', headers: key });
    expect(exported.statusCode).toBe(200);
    expect(limitsOf(exported)).toEqual([5000, 4000, 12, undefined]);
    const rows = exported.payload.trim().split('\n').length - 2;
    expect(rows).toBeGreaterThan(1234);
    expect(lastLine(gateway)).toMatchObject({ rows, cost: 1000 + Math.floor(rows / 10) });
    expect(await remaining(key)).toBe(4000 - Math.floor(rows / 10));
  });

  it('is finished though it takes more than there is, which has to come in before another', async () => {
    const key = apiKey(await budgeted(30));
    const exported = await gateway.inject({ url: '/export/all', headers: key });
    expect(exported.payload).toContain('"exportEnd"');
    const refused = await gateway.rest({ url: '/export/all', headers: key });
    expect(refused.envelope).toMatchObject({ code: 429, message: 'Too Many Requests' });
    expect(refused.headers['x-export-error']).toContain('try again in');
    // Ten minutes is what can be owed.
    expect(refused.headers['retry-after']).toBe('660');
    vi.advanceTimersByTime(660_000);
    expect((await gateway.inject({ url: '/export/all', headers: key })).statusCode).toBe(200);
  });

  it('costs nothing where it is refused for another reason', async () => {
    const key = apiKey(await budgeted(5000));
    const bad = await gateway.rest({ url: '/export/all?format=x', headers: key });
    expect(bad.envelope.code).toBe(4005);
    expect(await remaining(key)).toBe(5000);
  });
});

describe('an import', () => {
  const post = (headers: Headers, payload: string) =>
    gateway.rest({ method: 'POST', url: '/import', headers, payload });
  const pool = (id: number) => line('pool', { id: String(id) });

  it('costs a point a line, and something to begin with', async () => {
    const key = apiKey(await budgeted(1000, { role: 'admin' }));
    const lines = Array.from({ length: 30 }, (_, n) => pool(5000 + n));
    const answer = await post(key, [...lines, 'no line'].join('\n'));
    expect(answer.envelope).toMatchObject({ code: 2000, data: { lines: 31, rejected: 1 } });
    expect(lastLine(gateway).cost).toBe(41);
    expect(await remaining(key)).toBe(1000 - 41);
  });

  it('is refused before a line is taken, and its key is not used up', async () => {
    const plain = apiKey(await budgeted(10, { role: 'admin' }));
    await post(plain, pool(6000));
    const key = { ...plain, 'idempotency-key': 'later' };
    const refused = await post(key, pool(6001));
    expect(refused.envelope).toMatchObject({ code: 429, data: null });
    expect(await gateway.database.prisma.pool.count({ where: { id: 6001n } })).toBe(0);
    vi.advanceTimersByTime(Number(refused.headers['retry-after']) * 1000);
    expect((await post(key, pool(6001))).envelope.code).toBe(2000);
  });
});

describe('callers', () => {
  it('have budgets of their own, and none once their key is revoked', async () => {
    const [one, other] = [await budgeted(cost), await makeKey(gateway, { budget: cost })];
    expect((await ask(gateway, apiKey(one), QUERY)).statusCode).toBe(200);
    expect((await ask(gateway, apiKey(one), QUERY)).statusCode).toBe(429);
    expect((await ask(gateway, apiKey(other), QUERY)).statusCode).toBe(200);
    await revokeKey(gateway.database.prisma, other.id);
    vi.useRealTimers();
    await vi.waitFor(
      async () => {
        const revoked = await ask(gateway, apiKey(other), QUERY);
        expect([revoked.statusCode, limitsOf(revoked)[0]]).toEqual([401, undefined]);
      },
      { timeout: 5000, interval: 200 },
    );
  });

  it('have that of the configuration where their key has none, and none where that is 0', async () => {
    const key = apiKey(await makeKey(gateway));
    expect(limitsOf(await ask(gateway, key, QUERY))[0]).toBe(1_000_000);
    const unlimited = apiKey(await makeKey(gateway, { budget: 0 }));
    const answer = await ask(gateway, unlimited, QUERY);
    expect(tell(answer)).not.toHaveProperty('rateLimit');
    expect(limitsOf(answer)).toEqual([undefined, undefined, undefined, undefined]);
    const other = await createGuardedGateway({
      database: gateway.database,
      environment: { GATEWAY_BUDGET: '0' },
    });
    expect(limitsOf(await ask(other, key, QUERY))[0]).toBeUndefined();
    await other.close();
  });

  it('are waited for no longer than a request may take', async () => {
    const key = apiKey(await makeKey(gateway, { budget: 1000 }));
    const slow = await createGuardedGateway({
      database: gateway.database,
      environment: { GATEWAY_REQUEST_TIMEOUT: '100' },
      lease: () => new Promise(() => {}),
    });
    const answer = await ask(slow, key, QUERY);
    expect(JSON.parse(answer.payload)).toMatchObject({
      errors: [{ extensions: { code: 'TIMEOUT' } }],
    });
    const { payload } = await get(slow, key, STATISTICS);
    expect(JSON.parse(payload)).toMatchObject({ code: 5000, data: null });
    await slow.close();
  });

  it('have none where nobody is asked who he is', async () => {
    const open = await createTestGateway({
      database: gateway.database,
      environment: { GATEWAY_BUDGET: '1' },
    });
    for (let n = 0; n < 3; n++) {
      const answer = await ask(open, {}, QUERY);
      expect(tell(answer)).not.toHaveProperty('rateLimit');
      expect(limitsOf(answer)).toEqual([undefined, undefined, undefined, undefined]);
    }
    const { statusCode } = await get(open, {}, STATISTICS);
    expect(statusCode).toBe(200);
    await open.close();
  });
});
