import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Entity } from '../src/domain/entities.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { emptyTables } from './support/import.ts';
import { DAY, localDay, ZONES } from './support/local-time.ts';
import { MANY_TASKS, onRandomHistories } from './support/random-history.ts';
import { percentile, type HistoryRecord } from './support/records.ts';
import { importEntities, importSimulation, recordWith, taskWith } from './support/rows.ts';
import { askScopes, instantAt, ownPool, scopesOf, timesOf } from './support/scopes.ts';

interface Estimate {
  expectedAt: string | null;
  earliestAt: string | null;
  latestAt: string | null;
  remaining: number | null;
  pace: number | null;
  pessimisticPace: number | null;
  optimisticPace: number | null;
  workingDays: number;
  daysPerWorkingDay: number | null;
  asOf: string | null;
  reason: string | null;
}

const FIELDS = `expectedAt earliestAt latestAt remaining pace pessimisticPace optimisticPace workingDays
  daysPerWorkingDay asOf reason`;

/** The number of the day that the calendar of a zone shows. */
const dayAt = (instant: Date, timeZone: string) => Date.parse(localDay(instant, timeZone)) / DAY;

/** The definitions, word for word, over the records of the tasks in a scope. */
function estimateOf(histories: HistoryRecord[][], now: Date | null, timeZone: string) {
  const nothing: Estimate = {
    expectedAt: null,
    earliestAt: null,
    latestAt: null,
    remaining: null,
    pace: null,
    pessimisticPace: null,
    optimisticPace: null,
    workingDays: 0,
    daysPerWorkingDay: null,
    asOf: now?.toISOString() ?? null,
    reason: null,
  };
  const past = histories
    .map((records) => records.filter(({ createdTime }) => now && createdTime <= now))
    .filter((records) => records.length > 0);
  const remaining = past.filter((records) => {
    const { status } = records.at(-1)!;
    return status !== 11 && status !== 0 && !records.some((record) => record.actionType === 15);
  }).length;
  const perDay = new Map<number, number>();
  for (const records of past) {
    const completion = records.find((record) => record.actionType === 6);
    if (!completion) continue;
    const day = dayAt(completion.createdTime, timeZone);
    perDay.set(day, (perDay.get(day) ?? 0) + 1);
  }
  const days = [...perDay.keys()].sort((a, b) => b - a).slice(0, 10);
  if (!now || past.length === 0) return { ...nothing, reason: 'NO_TASKS' };
  const found = { ...nothing, remaining, workingDays: days.length };
  if (remaining === 0) return { ...found, reason: 'NOTHING_REMAINING' };
  if (days.length < 3) return { ...found, reason: 'TOO_FEW_WORKING_DAYS' };
  const completions = days.map((day) => perDay.get(day)!);
  const pace = completions.reduce((sum, count) => sum + count, 0) / days.length;
  const calendarDays = dayAt(now, timeZone) - Math.min(...days) + 1;
  const at = (tasksPerDay: number) =>
    new Date(
      Math.round(now.getTime() + (remaining / tasksPerDay) * (calendarDays / days.length) * DAY),
    ).toISOString();
  const [pessimistic, optimistic] = [percentile(completions, 0.25), percentile(completions, 0.75)];
  return {
    ...found,
    expectedAt: at(pace),
    earliestAt: at(optimistic),
    latestAt: at(pessimistic),
    pace,
    pessimisticPace: pessimistic,
    optimisticPace: optimistic,
    daysPerWorkingDay: calendarDays / days.length,
  };
}

/** Every zone, seen from the last record and from an earlier one, and some more instants. */
function viewsOf(entities: Entity[]): { asOf: Date | undefined; timeZone: string }[] {
  const at = (share: number) => instantAt(entities, share);
  return [
    ...ZONES.flatMap((timeZone) => [undefined, at(0.7)].map((asOf) => ({ asOf, timeZone }))),
    ...[new Date(at(0).getTime() - 1), at(0), at(0.3)].map((asOf) => ({ asOf, timeZone: 'UTC' })),
  ];
}

/** Asks for all of them in one operation, and holds the answers against the records. */
async function expectEstimates(gateway: TestGateway, entities: Entity[]): Promise<Set<unknown>> {
  const views = viewsOf(entities);
  const fields = views.map(({ asOf, timeZone }, index) => {
    const instant = asOf ? `asOf: "${asOf.toISOString()}", ` : '';
    return `view${index}: estimatedCompletion(${instant}timeZone: "${timeZone}") { ${FIELDS} }`;
  });
  const reasons = new Set<unknown>();
  const answers = await askScopes(gateway, scopesOf(entities), { fields: fields.join(' ') });
  for (const [scope, answer] of answers) {
    const pool = ownPool(scope);
    for (const [index, { asOf, timeZone }] of views.entries()) {
      // A pool has the tasks that had been in it by then.
      const histories = scope.tasks
        .map(({ records }) => records)
        .filter(
          (records) =>
            records.some(
              ({ poolId, createdTime }) => poolId === pool && (!asOf || createdTime <= asOf),
            ) || pool === undefined,
        );
      const last = timesOf(histories.flat()).at(-1);
      const now = asOf ?? (last === undefined ? null : new Date(last));
      const estimate = answer[`view${index}`] as Estimate;
      const where = `${scope.list} ${scope.id} ${asOf?.toISOString()} ${timeZone}`;
      expect(estimate, where).toEqual(estimateOf(histories, now, timeZone));
      reasons.add(estimate.reason);
    }
  }
  return reasons;
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
});
afterAll(() => gateway.close());

describe('the estimated completion', () => {
  it('is what the definition says, on simulated data', async () => {
    const entities = await importSimulation(gateway.database, 150);
    const reasons = await expectEstimates(gateway, entities);
    expect([...reasons].sort()).toEqual([
      'NOTHING_REMAINING',
      'NO_TASKS',
      'TOO_FEW_WORKING_DAYS',
      null,
    ]);
  });

  it('is so on random histories', async () => {
    await onRandomHistories(gateway.database, 3, MANY_TASKS, async (entities) => {
      expect(await expectEstimates(gateway, entities)).toContain(null);
    });
  });
});

/** Tasks that are completed at some instants, and others that remain, in a campaign of their own. */
function completed(
  name: string,
  number: number,
  instants: string[],
  remaining: string[],
): Entity[] {
  const poolId = BigInt(number);
  return [
    { type: 'campaign', id: name, name, projectId: poolId, campaignType: 'POC' },
    { type: 'annotationRequest', id: name, name, campaignId: name },
    { type: 'pool', id: poolId, name: 'pool', poolType: 5, campaignId: name },
    ...[...instants, ...remaining].flatMap((time, index): Entity[] => {
      const id = BigInt(number * 1000 + index);
      const [actionType, status] = index < instants.length ? ([6, 11] as const) : ([5, 2] as const);
      const own = { id, poolId, status };
      return [
        taskWith({ ...own, annotationRequestId: name, sceneId: String(index) }),
        recordWith({ ...own, taskId: id, createdTime: new Date(time), actionType }),
      ];
    }),
  ];
}

const times = (count: number, time: string) => Array.from({ length: count }, () => time);

describe('an estimated completion', () => {
  beforeAll(() => emptyTables(gateway.database));

  const ask = async (campaign: string, args = '') => {
    const data = await gateway.gql<{ campaign: { estimatedCompletion: Estimate } }>(
      `{ campaign(campaignId: "${campaign}") { estimatedCompletion${args} { ${FIELDS} } } }`,
    );
    return data.campaign.estimatedCompletion;
  };

  it('counts the days off between working days', async () => {
    // Friday, Monday and Tuesday: 2, 4 and 6 tasks in five calendar days.
    const done = [
      ...times(2, '2025-05-30T09:00:00Z'),
      ...times(4, '2025-06-02T09:00:00Z'),
      ...times(6, '2025-06-03T12:00:00Z'),
    ];
    const waiting = times(12, '2025-05-29T09:00:00Z');
    await importEntities(gateway.database, completed('weekend', 1, done, waiting));
    expect(await ask('weekend')).toEqual({
      // 12 tasks / 4 x 5/3 days.
      expectedAt: '2025-06-08T12:00:00.000Z',
      // 12 / 5 x 5/3, 12 / 3 x 5/3.
      earliestAt: '2025-06-07T12:00:00.000Z',
      latestAt: '2025-06-10T04:00:00.000Z',
      remaining: 12,
      pace: 4,
      pessimisticPace: 3,
      optimisticPace: 5,
      workingDays: 3,
      daysPerWorkingDay: 5 / 3,
      asOf: '2025-06-03T12:00:00.000Z',
      reason: null,
    });
    // Two days later nothing more was done: seven calendar days.
    expect(await ask('weekend', '(asOf: "2025-06-05T12:00:00Z")')).toMatchObject({
      expectedAt: '2025-06-12T12:00:00.000Z',
      daysPerWorkingDay: 7 / 3,
    });
    // In Auckland the last six were completed a day later, on the 4th.
    expect(await ask('weekend', '(timeZone: "Pacific/Auckland")')).toMatchObject({
      expectedAt: '2025-06-09T12:00:00.000Z',
      daysPerWorkingDay: 2,
    });
  });

  it('takes the last ten working days', async () => {
    const day = (number: number) => `2025-06-${String(number).padStart(2, '0')}T10:00:00Z`;
    const done = [
      ...times(100, day(1)),
      ...Array.from({ length: 10 }, (_, index) => day(index + 2)),
    ];
    await importEntities(gateway.database, completed('ten', 2, done, [day(1)]));
    expect(await ask('ten')).toMatchObject({
      expectedAt: '2025-06-12T10:00:00.000Z',
      pace: 1,
      workingDays: 10,
      daysPerWorkingDay: 1,
    });
  });

  it('tells of a date that no calendar shows', async () => {
    const done = ['0001-01-01T00:00:00Z', '5000-06-01T00:00:00Z', '9999-12-31T23:59:59.999Z'];
    const waiting = times(12, '0001-01-01T00:00:00Z');
    await importEntities(gateway.database, completed('far', 3, done, waiting));
    for (const timeZone of ZONES) {
      expect(await ask('far', `(timeZone: "${timeZone}")`), timeZone).toEqual({
        expectedAt: null,
        earliestAt: null,
        latestAt: null,
        remaining: 12,
        pace: null,
        pessimisticPace: null,
        optimisticPace: null,
        workingDays: 3,
        daysPerWorkingDay: null,
        asOf: '9999-12-31T23:59:59.999Z',
        reason: 'TOO_FAR',
      });
    }
  });

  it('is none without tasks', async () => {
    await importEntities(gateway.database, completed('empty', 4, [], []));
    const none = { remaining: null, workingDays: 0, expectedAt: null, reason: 'NO_TASKS' };
    expect(await ask('empty')).toMatchObject({ ...none, asOf: null });
    const asOf = '2025-06-01T00:00:00.000Z';
    expect(await ask('empty', `(asOf: "${asOf}")`)).toMatchObject({ ...none, asOf });
  });

  it('needs a time zone that exists, and leaves the rest of the answer without one', async () => {
    const { data, errors = [] } = await gateway.gqlAnswer(
      `{ campaign(campaignId: "ten") { name estimatedCompletion(timeZone: "Mars") { ${FIELDS} } } }`,
    );
    expect(data).toEqual({ campaign: { name: 'ten', estimatedCompletion: null } });
    expect(errors).toHaveLength(1);
    expect(errors[0]!.message).toMatch(/"timeZone" is "Mars"/);
    expect(errors[0]!.extensions).toEqual({ code: 'BAD_USER_INPUT' });
  });
});
