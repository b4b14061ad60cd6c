import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Entity } from '../src/domain/entities.ts';
import {
  cycleTimeOf,
  movesOf,
  throughputOf,
  timeInPoolOf,
  workInProgressOf,
} from './support/flow.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { expectPages, pageSelection } from './support/pages.ts';
import { onRandomHistories } from './support/random-history.ts';
import { RECORDS } from './support/records.ts';
import { importSimulation, recordWith, replaceAll, taskWith } from './support/rows.ts';
import {
  askScopes,
  largestCampaign,
  poolTypesOf,
  scopesOf,
  stretchesOf,
  type Range,
} from './support/scopes.ts';

const FLOW = `flow(timeRange: $range, timeZone: $timeZone) {
  cycleTime { ...Durations }
  timeInPool { poolType poolTypeCode visits openVisits
    total { ...Durations } working { ...Durations } waiting { ...Durations } }
  moves { from { poolId } to { poolId } fromPoolId toPoolId count medianSeconds records(first: 1000) ${RECORDS} }
  throughput { day { label start end } tasks completions(first: 1000) ${RECORDS} }
  workInProgress { day { label start end } tasks } }`;
const QUERY = {
  fields: FLOW,
  fragments: 'fragment Durations on Durations { count p50 p90 p99 }',
  parameters: '$range: TimeRange, $timeZone: String',
};

/** Asks every campaign, request and pool, and holds the answers against the records. */
async function expectFlow(
  gateway: TestGateway,
  entities: Entity[],
  range: Range | null,
  timeZone: string,
) {
  const poolTypes = poolTypesOf(entities);
  const variables = { range, timeZone };
  for (const [scope, answer] of await askScopes(gateway, scopesOf(entities), QUERY, variables)) {
    const flow = {
      cycleTime: cycleTimeOf(scope, range ?? {}),
      timeInPool: timeInPoolOf(scope, range ?? {}, poolTypes),
      moves: movesOf(scope, range ?? {}),
      throughput: throughputOf(scope, range ?? {}, timeZone),
      workInProgress: workInProgressOf(scope, range ?? {}, timeZone),
    };
    expect(answer, `${scope.list} ${scope.id} ${JSON.stringify(variables)}`).toEqual({ flow });
  }
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
});
afterAll(() => gateway.close());

describe('the flow of simulated work', () => {
  let entities: Entity[];
  beforeAll(async () => {
    entities = await importSimulation(gateway.database, 150);
  });

  it('is what the definitions say', async () => {
    await expectFlow(gateway, entities, null, 'Asia/Shanghai');
  });

  it('is that of a time range, whose end does not count', async () => {
    for (const range of stretchesOf(entities)) {
      await expectFlow(gateway, entities, range, 'Europe/Berlin');
    }
  });

  it('shows the rows behind its numbers page by page, in both directions', async () => {
    const scope = largestCampaign(entities);
    const busiest = <Row>(rows: Row[], count: (row: Row) => number) =>
      rows.indexOf([...rows].sort((a, b) => count(b) - count(a))[0]!);
    const moves = movesOf(scope, {});
    const days = throughputOf(scope, {}, 'UTC');
    const move = busiest(moves, ({ count }) => count);
    const day = busiest(days, ({ tasks }) => tasks);
    for (const [measure, rows, index, expected, size] of [
      ['moves', 'records', move, moves[move]!.records, 7],
      ['throughput', 'completions', day, days[day]!.completions, 2],
    ] as const) {
      await expectPages(expected, size, async (page) => {
        type Walked = { campaign: { flow: Record<string, { rows: object }[]> } };
        const { campaign } = await gateway.gql<Walked>(
          `{ campaign(campaignId: "${scope.id}") { flow { ${measure} {
            rows: ${rows}(${page}) ${pageSelection('recordId')} } } } }`,
        );
        return campaign.flow[measure]![index]!.rows;
      });
    }
  });
});

describe('whatever happened, flow', () => {
  // Weekends on which clocks change: forward in the night, back, over midnight, not at all, and a day that never was.
  it.each([
    ['Europe/Berlin', '2025-03-28'],
    ['Europe/Berlin', '2025-10-24'],
    ['America/Havana', '2025-03-07'],
    ['America/Havana', '2025-10-31'],
    ['Asia/Beirut', '2024-10-25'],
    ['Asia/Shanghai', '2025-03-28'],
    ['Pacific/Apia', '2011-12-28'],
  ])('is what the definitions say, in %s on %s', async (timeZone, date) => {
    const start = new Date(`${date}T12:00:00Z`);
    await onRandomHistories(
      gateway.database,
      2,
      { start, days: 4, tasks: 70 },
      async (entities, ranges) => {
        for (const range of [null, ...ranges]) {
          await expectFlow(gateway, entities, range, timeZone);
        }
      },
    );
  });
});

describe('flow', () => {
  beforeAll(() => replaceAll(gateway.database, longHistories()));

  it.each([
    [
      'timeRange: { from: "2025-04-02T00:00:00Z", to: "2025-04-01T00:00:00Z" }',
      /"timeRange" ends at/,
    ],
    ['timeZone: "Mars/Olympus"', /"timeZone" is "Mars\/Olympus"/],
  ])('refuses %s, and leaves the rest of the answer', async (argument, message) => {
    const [error] = await gateway.gqlErrors(
      `{ campaigns { nodes { flow(${argument}) { cycleTime { count } } } } }`,
    );
    expect(error!.extensions?.code).toBe('BAD_USER_INPUT');
    expect(error!.message).toMatch(message);
    expect(error!.path).toEqual(['campaigns', 'nodes', 0, 'flow']);
  });

  it('takes the days of UTC where no zone is named', async () => {
    const days = (argument: string) =>
      gateway.gql(`{ annotationRequest(annotationRequestId: "short") { flow${argument} {
        workInProgress { day { label start end } tasks } } } }`);
    expect(await days('')).toEqual(await days('(timeZone: "UTC")'));
    expect(await days('')).not.toEqual(await days('(timeZone: "Asia/Shanghai")'));
  });

  it('lists 1,000 days and 1,000 pairs of pools at most; more is an error of that scope alone', async () => {
    const { data, errors = [] } = await gateway.gqlAnswer<{
      annotationRequests: { nodes: unknown[] };
    }>(
      `{ annotationRequests { nodes { annotationRequestId flow {
        cycleTime { count } moves { count } throughput { tasks } workInProgress { tasks } } } } }`,
    );
    const cycleTime = { count: 0 };
    expect(data!.annotationRequests.nodes).toEqual([
      {
        annotationRequestId: 'long',
        flow: { cycleTime, moves: null, throughput: null, workInProgress: null },
      },
      {
        annotationRequestId: 'short',
        flow: {
          cycleTime,
          moves: Array(1000).fill({ count: 1 }),
          throughput: Array(1000).fill({ tasks: 0 }),
          workInProgress: Array(1000).fill({ tasks: 1 }),
        },
      },
    ]);
    expect(errors.map(({ path }) => path)).toEqual(
      expect.arrayContaining(
        ['moves', 'throughput', 'workInProgress'].map((measure) => [
          ...['annotationRequests', 'nodes', 0, 'flow'],
          measure,
        ]),
      ),
    );
    expect(errors).toHaveLength(3);
    for (const { message, extensions } of errors) {
      expect(message).toMatch(/more than 1000 (days|pairs of pools); narrow "timeRange"/);
      expect(extensions!.code).toBe('BAD_USER_INPUT');
    }
  });
});

/** Two requests, each with a task that went on from pool to pool over 1,001 and 1,000 days. */
function* longHistories(): Generator<Entity> {
  yield { type: 'campaign', id: 'c', projectId: 1n, name: 'c', campaignType: 'POC' };
  for (let pool = 0n; pool <= 1001n; pool++) {
    yield { type: 'pool', id: pool, name: 'pool', poolType: 1, campaignId: 'c' };
  }
  for (const [taskId, request, days] of [
    [1n, 'long', 1001],
    [2n, 'short', 1000],
  ] as const) {
    yield { type: 'annotationRequest', id: request, name: request, campaignId: 'c' };
    yield taskWith({ id: taskId, annotationRequestId: request, poolId: 1n });
    for (let pool = 0; pool <= days; pool++) {
      yield recordWith({
        id: taskId * 10_000n + BigInt(pool),
        taskId,
        poolId: BigInt(pool),
        // The last two on one day, in the evening of which it is another in the east.
        createdTime: new Date(Date.UTC(2022, 0, 1 + Math.min(pool, days - 1), 20, 0, pool)),
        actionType: 5,
      });
    }
  }
}
