import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leasePoints } from '../src/database/budget.ts';
import { DEBT_MS, FILL_MS, leaseFrom, LONGEST_MS, type Wish } from '../src/domain/budget/bucket.ts';
import { createBudgets, type Budgets } from '../src/domain/budget/budgets.ts';
import { leasesInMemory, type LeasePoints } from '../src/domain/budget/leases.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';

/** A clock that stands still until it is moved. */
function createClock() {
  let ms = 1000;
  return { now: () => ms, pass: (by: number) => (ms += by) };
}

const fail = (_name: string, error: unknown) => {
  throw error;
};

/** What happens to a budget: time passes, something is to be done that costs something, or was done. */
const happening = fc.oneof(
  fc.record({ pass: fc.integer({ min: 1, max: 90_000 }) }),
  fc.record({ spend: fc.integer({ min: 1, max: 1500 }) }),
  fc.record({ charge: fc.integer({ min: 1, max: 3000 }) }),
);
const perMinute = fc.integer({ min: 1, max: 2000 });

describe('a budget', () => {
  it('has what comes in by the minute, saved up for one, less what is taken', async () => {
    await fc.assert(
      fc.asyncProperty(perMinute, fc.array(happening, { maxLength: 40 }), async (rate, all) => {
        const clock = createClock();
        const budgets = createBudgets({
          lease: leasesInMemory(clock.now),
          onFailure: fail,
          now: clock.now,
        });
        const payer = { name: 'key', perMinute: rate };
        let points = rate;
        for (const one of all) {
          if ('pass' in one) {
            clock.pass(one.pass);
            points = Math.min(rate, points + (rate * one.pass) / FILL_MS);
          } else if ('charge' in one) {
            await budgets.charge(payer, one.charge);
            points = Math.max(points - one.charge, -rate * (DEBT_MS / FILL_MS));
          } else {
            const isEnough = points > Math.min(one.spend, rate) - 1e-3;
            const spent = await budgets.spend(payer, one.spend);
            // A hair's breadth may be either.
            if (Math.abs(points - Math.min(one.spend, rate)) > 1e-3 || points === rate) {
              expect(spent.retryAfterSeconds === undefined).toBe(isEnough);
            }
            if (spent.retryAfterSeconds === undefined) {
              points = Math.max(points - one.spend, -rate * (DEBT_MS / FILL_MS));
            } else {
              const lacking = Math.min(one.spend, rate) - points;
              expect(spent.retryAfterSeconds).toBeGreaterThanOrEqual(1);
              expect(spent.retryAfterSeconds * 1000).toBeGreaterThan(
                (lacking / rate) * FILL_MS - 1,
              );
              expect(spent.retryAfterSeconds * 1000).toBeLessThan(
                (lacking / rate) * FILL_MS + 1001,
              );
            }
            expect(spent.limit).toBe(rate);
            expect(Math.abs(spent.remaining - Math.max(0, points))).toBeLessThan(1.001);
            expect(
              Math.abs(spent.resetSeconds - ((rate - points) / rate) * (FILL_MS / 1000)),
            ).toBeLessThan(1.001);
          }
        }
      }),
    );
  });

  it('has what was asked for after as many seconds as it said, and not earlier', async () => {
    await fc.assert(
      fc.asyncProperty(
        perMinute,
        fc.integer({ min: 1, max: 4000 }),
        fc.integer({ min: 1, max: 4000 }),
        async (rate, first, second) => {
          const clock = createClock();
          const lease = leasesInMemory(clock.now);
          const budgets = createBudgets({ lease, onFailure: fail, now: clock.now });
          const payer = { name: 'key', perMinute: rate };
          const ask = () => budgets.spend(payer, second);
          await budgets.charge(payer, first + rate);
          const { retryAfterSeconds = 0 } = await ask();
          fc.pre(retryAfterSeconds > 1);
          clock.pass((retryAfterSeconds - 1) * 1000);
          expect((await ask()).retryAfterSeconds).toBe(1);
          clock.pass(1000);
          expect((await ask()).retryAfterSeconds).toBeUndefined();
        },
      ),
    );
  });
});

/** A budget that some processes share, each with a purse of its own. */
function share(count: number, now: () => number) {
  let fullAt = -Infinity;
  let asked = 0;
  const lease: LeasePoints = (_name, wish) => {
    asked++;
    const found = leaseFrom(fullAt - now(), wish);
    fullAt = now() + found.fullInMs;
    return Promise.resolve(found);
  };
  const copies = Array.from({ length: count }, () =>
    createBudgets({ lease, onFailure: fail, now }),
  );
  return { copies, asked: () => asked };
}

describe('several processes', () => {
  const payer = { name: 'key', perMinute: 600 };

  it('together never give more than comes in, and hold back a block each at most', async () => {
    const step = fc.record({
      pass: fc.integer({ min: 0, max: 20_000 }),
      asks: fc.array(
        fc.record({
          copy: fc.integer({ min: 0, max: 2 }),
          points: fc.integer({ min: 1, max: 90 }),
        }),
        { maxLength: 30 },
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const clock = createClock();
        const start = clock.now();
        const { copies } = share(3, clock.now);
        let given = 0;
        let points = 600;
        for (const { pass, asks } of steps) {
          clock.pass(pass);
          points = Math.min(600, points + pass / 100);
          const spent = await Promise.all(
            asks.map(async ({ copy, points }) => copies[copy]!.spend(payer, points)),
          );
          const isRefused = (n: number) => spent[n]!.retryAfterSeconds !== undefined;
          const taken = asks.reduce((sum, { points }, n) => sum + (isRefused(n) ? 0 : points), 0);
          given += taken;
          points -= taken;
          asks.forEach((ask, n) => {
            // What others hold is the most that can be lacking.
            if (isRefused(n)) expect(points).toBeLessThan(ask.points + 3 * 60);
          });
          expect(given).toBeLessThanOrEqual(600 + (clock.now() - start) / 100);
        }
      }),
    );
  });

  it('ask for a block at a time, and not at all for what they know to be too much', async () => {
    const clock = createClock();
    const { copies, asked } = share(2, clock.now);
    const ask = async (n: number) => copies[n % 2]!.spend(payer, 1);
    const spent = await Promise.all(Array.from({ length: 600 }, (_, n) => ask(n)));
    expect(spent.filter(({ retryAfterSeconds }) => retryAfterSeconds !== undefined)).toEqual([]);
    expect(asked()).toBe(10);
    // The one that took the last points knows that there are no more.
    await ask(0);
    await ask(1);
    expect(asked()).toBe(11);
    for (let n = 0; n < 100; n++) {
      expect(await ask(n)).toEqual({
        limit: 600,
        remaining: 0,
        resetSeconds: 60,
        retryAfterSeconds: 1,
      });
    }
    expect(asked()).toBe(11);
  });
});

describe('where points cannot be asked for', () => {
  const payer = { name: 'key', perMinute: 100 };
  let isAway = true;
  let asked = 0;
  const failures: unknown[] = [];
  const lost = new Error('lost');
  const clock = createClock();
  const memory = leasesInMemory(clock.now);
  const budgets: Budgets = createBudgets({
    lease: async (...given) => {
      asked++;
      await Promise.resolve();
      if (isAway) throw lost;
      return memory(...given);
    },
    onFailure: (name, error) => failures.push([name, error]),
    now: clock.now,
  });

  it('all who wait for them fail together, and nothing is taken', async () => {
    const asking = Array.from({ length: 5 }, async () => budgets.spend(payer, 10));
    expect(await Promise.allSettled(asking)).toEqual(
      asking.map(() => ({ status: 'rejected', reason: lost })),
    );
    expect(asked).toBe(1);
  });

  it('what was done is charged later', async () => {
    await budgets.charge(payer, 40);
    expect(failures).toEqual([['key', lost]]);
    isAway = false;
    expect(await budgets.spend(payer, 10)).toEqual({
      limit: 100,
      remaining: 50,
      resetSeconds: 30,
    });
  });
});

describe('the statement that leases points', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database?.close());

  it('does what the function does', async () => {
    const wish = fc.record<Wish>({
      perMinute: fc.integer({ min: 1, max: 100_000 }),
      needed: fc.integer({ min: 1, max: 200_000 }),
      block: fc.integer({ min: 0, max: 10_000 }),
      onCredit: fc.boolean(),
    });
    const fullInMs = fc.option(fc.integer({ min: -FILL_MS, max: LONGEST_MS }));
    // The database's clock stands still in a transaction.
    await database.prisma.$transaction(async (tx) => {
      await fc.assert(
        fc.asyncProperty(wish, fullInMs, async (wish, before) => {
          await tx.$executeRaw`DELETE FROM caller_budget`;
          if (before !== null) {
            await tx.$executeRaw`
              INSERT INTO caller_budget (name, full_at, leased)
              VALUES ('key', now() + ${before}::int * interval '1 ms', 0)`;
          }
          const found = await leasePoints(tx, 'key', wish);
          const expected = leaseFrom(before ?? 0, wish);
          expect(found.granted).toBe(expected.granted);
          expect(found.fullInMs).toBeCloseTo(Math.max(0, expected.fullInMs), 2);
        }),
        { numRuns: 50 },
      );
    });
  });
});
