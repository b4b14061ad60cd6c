import pino from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { leasesOf } from '../../src/database/budget.ts';
import { openDatabase, type Database } from '../../src/database/database.ts';
import { createBudgets, type Budgets } from '../../src/domain/budget/budgets.ts';
import { apiKey, ask, createGuardedGateway, makeKey } from '../support/callers.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import type { TestGateway } from '../support/gateway.ts';
import { eventually } from '../support/process.ts';

const log = pino({ level: 'silent' });

let database: TestDatabase;
const opened: Database[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await Promise.all(opened.map((one) => one.close()));
  await database?.close();
});
afterEach(() => vi.useRealTimers());

/** A copy of the gateway's budgets, on connections of its own. */
async function openCopy(parameters = ''): Promise<Budgets & { asked: () => number }> {
  const config = readConfig({ DATABASE_URL: `${database.url}${parameters}` });
  let asked = 0;
  const one = await openDatabase(config.database, log, {
    watch: (sql) => {
      if (sql.includes('INSERT INTO caller_budget')) asked++;
      return undefined;
    },
  });
  opened.push(one);
  const budgets = createBudgets({
    lease: leasesOf(one, log),
    onFailure: (_name, error) => {
      throw error;
    },
  });
  return { ...budgets, asked: () => asked };
}

const spend = (budgets: Budgets, name: string, perMinute: number, points: number) =>
  budgets.spend({ name, perMinute }, points);

describe('copies that share a database', () => {
  it('give no more together than comes in, however many ask at once', async () => {
    const copies = await Promise.all([openCopy(), openCopy()]);
    const perMinute = 60_000;
    const started = performance.now();
    let given = 0;
    let refused = 0;
    const ends = performance.now() + 1500;
    const askOn = async (n: number) => {
      while (performance.now() < ends) {
        const points = 1 + ((n * 7919) % 400);
        const { retryAfterSeconds } = await spend(copies[n % 2]!, 'many', perMinute, points);
        if (retryAfterSeconds === undefined) given += points;
        else refused++;
        n++;
        // What is known to be too much is refused without a word to anybody.
        await new Promise(setImmediate);
      }
    };
    await Promise.all(Array.from({ length: 40 }, (_, n) => askOn(n)));
    const elapsed = performance.now() - started;
    expect(given).toBeLessThanOrEqual(perMinute + (perMinute * elapsed) / 60_000);
    // Each may hold a block that it cannot spend.
    expect(given).toBeGreaterThan(perMinute * 0.8);
    expect(refused).toBeGreaterThan(0);
  });

  it('are asked once for many requests', async () => {
    const copy = await openCopy();
    for (let n = 0; n < 500; n++) await spend(copy, 'once', 60_000, 10);
    expect(copy.asked()).toBe(1);
  });

  it('know of each other what was taken, and of other callers nothing', async () => {
    const [first, second] = await Promise.all([openCopy(), openCopy()]);
    // So slow that nothing comes in while this runs.
    expect(await spend(first, 'shared', 3, 3)).toMatchObject({ limit: 3, remaining: 0 });
    expect((await spend(second, 'shared', 3, 2)).retryAfterSeconds).toBeGreaterThan(20);
    expect(await spend(second, 'other', 3, 1)).toMatchObject({ remaining: 2 });
    await second.charge({ name: 'shared', perMinute: 3 }, 3);
    expect((await spend(first, 'shared', 3, 2)).retryAfterSeconds).toBeLessThan(50);
    // Who asks anew knows what others know.
    const { retryAfterSeconds } = await spend(await openCopy(), 'shared', 3, 2);
    expect(retryAfterSeconds).toBeGreaterThan(80);
    expect(retryAfterSeconds).toBeLessThanOrEqual(100);
  });
});

it('forgets the budgets that are full again', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const copy = await openCopy();
  await database.prisma.$executeRaw`
    INSERT INTO caller_budget (name, full_at, leased)
    VALUES ('full', now(), 1), ('not full', now() + interval '1 min', 1)`;
  await spend(copy, 'new', 100, 1);
  vi.advanceTimersByTime(60_000);
  await spend(copy, 'new', 100, 50);
  vi.useRealTimers();
  await eventually(async () => {
    const rows = await database.prisma.$queryRaw<{ name: string }[]>`
      SELECT name FROM caller_budget WHERE name IN ('full', 'not full', 'new') ORDER BY name`;
    expect(rows.map(({ name }) => name)).toEqual(['new', 'not full']);
  });
});

it('counts alone where nothing can be written', async () => {
  const options = '?options=-c%20default_transaction_read_only%3Don';
  const [first, second] = await Promise.all([openCopy(options), openCopy(options)]);
  expect(await spend(first, 'alone', 3, 2)).toMatchObject({ remaining: 1 });
  expect((await spend(first, 'alone', 3, 2)).retryAfterSeconds).toBeGreaterThan(1);
  expect(await spend(second, 'alone', 3, 2)).toMatchObject({ remaining: 1 });
});

describe('gateways on one database', () => {
  const QUERY = '{ tasks { totalCount } }';
  let first: TestGateway;
  let second: TestGateway;
  /** What the query costs. */
  let cost: number;
  beforeAll(async () => {
    first = await createGuardedGateway();
    const { database: config } = readConfig({ DATABASE_URL: first.database.url });
    second = await createGuardedGateway({ database: await openDatabase(config, log) });
    const { payload } = await ask(first, apiKey(await makeKey(first)), QUERY);
    cost = (JSON.parse(payload) as { extensions: { cost: { requested: number } } }).extensions.cost
      .requested;
  });
  afterAll(async () => {
    await second?.close();
    await second?.database.close();
    await first?.close();
  });

  it('share the budgets of callers', async () => {
    const key = apiKey(await makeKey(first, { budget: 3 * cost }));
    const statuses = [];
    for (const gateway of [first, second, first, second, first]) {
      statuses.push((await ask(gateway, key, QUERY)).statusCode);
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
  });

  it('ask the database for budgets now and then, not for each request', async () => {
    const key = apiKey(await makeKey(first, { budget: 1000 * cost }));
    const { statements } = first;
    const before = statements.length;
    for (let n = 0; n < 50; n++) await ask(first, key, QUERY);
    const sent = statements.slice(before);
    expect(sent.filter((sql) => sql.includes('caller_budget'))).toHaveLength(1);
    expect(sent.filter((sql) => sql.includes('task'))).toHaveLength(50);
  });
});
