import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Entity } from '../src/domain/entities.ts';
import { simulate } from '../src/simulator/simulate.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import type { Filter } from './support/list-evaluation.ts';
import type { ModelRow } from './support/list-rows.ts';
import { ZONES } from './support/local-time.ts';
import { aroundNight, NIGHTS, randomHistory } from './support/random-history.ts';
import { recordWith, replaceAll, taskWith } from './support/rows.ts';
import { workingTimeOf, type ExpectedDay, type WorkingTimeQuery } from './support/working-time.ts';
import { importRows } from './support/workload.ts';

const FILTERS: Filter[] = [
  {},
  {},
  { poolAssigneeId: { eq: '5001' } },
  { actionCode: { in: [7, 8, 10] } },
  { createdTime: { gte: '2025-03-29T20:00:00.000Z', lt: '2025-11-02T05:00:00.000Z' } },
  { annotationRequest: { annotationRequestId: { eq: 'r-1' } } },
  { poolAssigneeId: { isNull: true } },
];

const queryArbitrary: fc.Arbitrary<WorkingTimeQuery> = fc.record({
  filter: fc.constantFrom(...FILTERS),
  timeZone: fc.constantFrom(...ZONES),
  maxGapSeconds: fc.constantFrom(0, 60, 1800, 7200),
  maxTaskGapSeconds: fc.constantFrom(0, 3600, 14_400, 200_000),
});

interface Days {
  totalCount: number;
  nodes: (Omit<ExpectedDay, 'records'> & {
    records: { totalCount: number; nodes: { recordId: string }[] };
  })[];
}

const DAY = `poolAssigneeId time { label } recordCount instances durationSeconds secondsPerInstance
  excluded { count durationSeconds } records(first: 1000) { totalCount nodes { recordId } }`;

async function expectWorkingTime(
  gateway: TestGateway,
  history: readonly ModelRow[],
  query: WorkingTimeQuery,
): Promise<void> {
  const { workingTime } = await gateway.gql<{ workingTime: Days }>(
    `query($filter: AnnotationHistoryFilter, $timeZone: String!, $maxGapSeconds: Int!, $maxTaskGapSeconds: Int!) {
      workingTime(first: 1000, filter: $filter, timeZone: $timeZone, maxGapSeconds: $maxGapSeconds,
        maxTaskGapSeconds: $maxTaskGapSeconds) { totalCount nodes { ${DAY} } } }`,
    query,
  );
  const expected = workingTimeOf(history, query);
  expect(workingTime.totalCount).toBe(expected.length);
  expect(
    workingTime.nodes.map(({ records, ...day }) => {
      expect(records.totalCount).toBe(records.nodes.length);
      return { ...day, records: records.nodes.map(({ recordId }) => recordId) };
    }),
  ).toEqual(expected.slice(0, 1000));
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
});
afterAll(() => gateway.close());

describe.each(NIGHTS)('the working time of a history without sense, around %s', (night) => {
  let history: ModelRow[];
  beforeAll(async () => {
    history = await importRows(gateway.database, randomHistory(3, aroundNight(night)));
  });

  it('is the union of the intervals between records', async () => {
    await fc.assert(
      fc.asyncProperty(queryArbitrary, (query) => expectWorkingTime(gateway, history, query)),
      { numRuns: 25 },
    );
  });
});

describe('the working time of a simulation', () => {
  let history: ModelRow[];
  beforeAll(async () => {
    history = await importRows(gateway.database, [...simulate({ tasks: 100 })]);
  });

  const defaults = { filter: {}, maxGapSeconds: 1800, maxTaskGapSeconds: 14_400 };

  it('is the union of the intervals between records', async () => {
    await expectWorkingTime(gateway, history, { ...defaults, timeZone: 'Asia/Shanghai' });
  });

  it('has limits unless told, and is in the order asked for, page by page', async () => {
    const { workingTime } = await gateway.gql<{
      workingTime: { edges: { cursor: string; node: { durationSeconds: number } }[] };
    }>(
      '{ workingTime(first: 1000, orderBy: [{ field: SECONDS_PER_INSTANCE, direction: DESC, nulls: FIRST }, { field: DURATION_SECONDS }]) { edges { cursor node { durationSeconds } } } }',
    );
    const expected = workingTimeOf(history, { ...defaults, timeZone: 'UTC' }).sort(
      (a, b) =>
        (b.secondsPerInstance ?? Infinity) - (a.secondsPerInstance ?? Infinity) ||
        a.durationSeconds - b.durationSeconds,
    );
    const durations = expected.map(({ durationSeconds }) => durationSeconds);
    expect(workingTime.edges.map(({ node }) => node.durationSeconds)).toEqual(durations);
    const next = await gateway.gql<{ workingTime: { nodes: { durationSeconds: number }[] } }>(
      `{ workingTime(first: 5, after: "${workingTime.edges[9]!.cursor}", orderBy: [{ field: SECONDS_PER_INSTANCE, direction: DESC, nulls: FIRST }, { field: DURATION_SECONDS }]) { nodes { durationSeconds } } }`,
    );
    expect(next.workingTime.nodes.map(({ durationSeconds }) => durationSeconds)).toEqual(
      durations.slice(10, 15),
    );
  });

  it.each(['maxGapSeconds', 'maxTaskGapSeconds'])('refuses a negative %s', async (name) => {
    const [error] = await gateway.gqlErrors(`{ workingTime(${name}: -1) { totalCount } }`);
    expect(error!.message).toBe(`The argument "${name}" is -1; it may be 0 or more.`);
    expect(error!.extensions!.code).toBe('BAD_USER_INPUT');
  });
});

it('counts a day that a colleague would count by hand', async () => {
  const entities: Entity[] = [
    { type: 'campaign', id: 'c', projectId: 1n, name: 'c', campaignType: 'POC' },
    { type: 'annotationRequest', id: 'r', name: 'r', campaignId: 'c' },
    { type: 'pool', id: 1n, name: 'p', poolType: 1, campaignId: 'c' },
    ...[1n, 2n].map((id) =>
      taskWith({ id, annotationRequestId: 'r', sceneId: `s${id}`, status: 4, poolId: 1n }),
    ),
    ...(
      [
        // Picked up, worked on for 90 minutes.
        [1n, 13, '09:00', 0],
        [1n, 7, '10:30', 40],
        // 20 minutes later, over lunch paused.
        [2n, 13, '10:50', 0],
        [2n, 1, '12:00', 0],
        [2n, 3, '13:00', 0],
        // Five hours on one task are too long to be believed.
        [2n, 7, '18:00', 20],
      ] as const
    ).map(([taskId, actionType, time, instanceNum], i) =>
      recordWith({
        id: BigInt(i),
        taskId,
        poolId: 1n,
        status: 3,
        actionType,
        poolAssigneeId: 5n,
        createdTime: new Date(`2025-04-01T${time}:00+08:00`),
        instanceNum,
      }),
    ),
  ];
  await replaceAll(gateway.database, entities);
  const data = await gateway.gql<object>(
    `{ workingTime(timeZone: "Asia/Shanghai") { nodes { time { label start end } recordCount instances
      durationSeconds secondsPerInstance excluded { count durationSeconds } } } }`,
  );
  expect(data).toEqual({
    workingTime: {
      nodes: [
        {
          time: {
            label: '2025-04-01',
            start: '2025-03-31T16:00:00.000Z',
            end: '2025-04-01T16:00:00.000Z',
          },
          recordCount: 6,
          instances: '60',
          // 90, 20 and 70 minutes; lunch is one hour, the last stretch five.
          durationSeconds: 180 * 60,
          secondsPerInstance: 180,
          excluded: { count: 2, durationSeconds: 6 * 60 * 60 },
        },
      ],
    },
  });
});
