import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Entity } from '../src/domain/entities.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import {
  askScopes,
  expectPages,
  historiesArbitrary,
  largestCampaign,
  rangeArbitrary,
  RECORDS,
  replaceAll,
  scopesOf,
  stretchesOf,
  TASKS,
  type Range,
} from './support/histories.ts';
import { qualityOf } from './support/quality.ts';
import { importEntities, importSimulation } from './support/rows.ts';

const QUALITY = `quality(timeRange: $range) {
  firstPassYield { completed firstPass ratio tasks(first: 100) ${TASKS} reworkedTasks(first: 100) ${TASKS} }
  review { ...Decisions } qc { ...Decisions }
  rework { submissions instances records(first: 1000) ${RECORDS} }
  rejections { annotatorId checkerId returns rejects total records(first: 1000) ${RECORDS} } }`;
const DECISIONS = `fragment Decisions on Decisions {
  passed rejected rejectionRate rejectedRecords(first: 1000) ${RECORDS} }`;

/** Asks every campaign, request and pool, and holds the answers against the records. */
async function expectQuality(gateway: TestGateway, entities: Entity[], range: Range | null) {
  const scopes = scopesOf(entities);
  const parameters = '$range: TimeRange';
  const answers = await askScopes(gateway, scopes, QUALITY, parameters, { range }, DECISIONS);
  for (const [scope, answer] of answers) {
    expect(answer, `${scope.list} ${scope.id}`).toEqual(qualityOf(scope, range ?? {}));
  }
  return [...answers.keys()].map((scope) => qualityOf(scope, range ?? {}));
}

describe('quality of simulated work', () => {
  let gateway: TestGateway;
  let entities: Entity[];
  beforeAll(async () => {
    gateway = await createTestGateway();
    entities = await importSimulation(gateway.database, 150);
  });
  afterAll(() => gateway.close());

  it('is what the definitions say', async () => {
    const found = await expectQuality(gateway, entities, null);
    // The simulation has everything that is measured.
    expect(found).toContainEqual(
      expect.objectContaining({
        firstPassYield: expect.objectContaining({ ratio: expect.any(Number) as number }) as object,
        qc: expect.objectContaining({ rejectionRate: expect.any(Number) as number }) as object,
        rejections: expect.arrayContaining([expect.anything()]) as object,
      }),
    );
  });

  it('is that of a time range, whose end does not count', async () => {
    for (const range of stretchesOf(entities)) {
      await expectQuality(gateway, entities, range);
    }
  });

  it('shows the rows behind its numbers page by page, in both directions', async () => {
    const scope = largestCampaign(entities);
    const { firstPassYield, review, rework, rejections } = qualityOf(scope, {});
    for (const [measure, rows, key, expected] of [
      ['firstPassYield', 'tasks', 'taskId', firstPassYield.tasks],
      ['firstPassYield', 'reworkedTasks', 'taskId', firstPassYield.reworkedTasks],
      ['review', 'rejectedRecords', 'recordId', review.rejectedRecords],
      ['rework', 'records', 'recordId', rework.records],
    ] as const) {
      type Walked = { campaign: { quality: Record<string, { rows: object }> } };
      await expectPages<Walked>(
        gateway,
        (list) =>
          `{ campaign(campaignId: "${scope.id}") { quality { ${measure} { rows: ${rows}${list} } } } }`,
        ({ campaign }) => campaign.quality[measure]!.rows,
        key,
        expected,
      );
    }
    const most = rejections[0]!;
    await expectPages<{ campaign: { quality: { rejections: { records: object }[] } } }>(
      gateway,
      (list) =>
        `{ campaign(campaignId: "${scope.id}") { quality { rejections { records${list} } } } }`,
      ({ campaign }) => campaign.quality.rejections[0]!.records,
      'recordId',
      most.records,
      1,
    );
  });
});

describe('whatever happened, quality', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await createTestGateway();
  });
  afterAll(() => gateway.close());

  it('is what the definitions say', async () => {
    const start = new Date('2025-03-28T20:00:00Z');
    await fc.assert(
      fc.asyncProperty(
        historiesArbitrary(start, 4),
        fc.array(rangeArbitrary(start, 4), { minLength: 3, maxLength: 3 }),
        async (entities, ranges) => {
          await replaceAll(gateway.database, entities);
          for (const range of [null, ...ranges]) await expectQuality(gateway, entities, range);
        },
      ),
      // Shrinking hundreds of tasks takes longer than reading what differs.
      { numRuns: 8, endOnFailure: true },
    );
  });
});

describe('quality', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await createTestGateway();
    await importEntities(gateway.database, manyCheckers());
  });
  afterAll(() => gateway.close());

  it('refuses a time range that ends before it begins, and leaves the rest of the answer', async () => {
    const [error] = await gateway.gqlErrors(
      '{ campaigns { nodes { quality(timeRange: { from: "2025-04-02T00:00:00Z", to: "2025-04-01T00:00:00Z" }) { review { passed } } } } }',
    );
    expect(error!.extensions?.code).toBe('BAD_USER_INPUT');
    expect(error!.message).toMatch(/"timeRange" ends at/);
    expect(error!.path).toEqual(['campaigns', 'nodes', 0, 'quality']);
  });

  it('lists 1,000 pairs of people at most; more is an error of that scope alone', async () => {
    const { payload } = await gateway.inject({
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify({
        query:
          '{ annotationRequests { nodes { annotationRequestId quality { qc { rejected } rejections { total } } } } }',
      }),
    });
    const { data, errors } = JSON.parse(payload) as {
      data: { annotationRequests: { nodes: unknown[] } };
      errors: { message: string; path: unknown[]; extensions: { code: string } }[];
    };
    expect(data.annotationRequests.nodes).toEqual([
      {
        annotationRequestId: 'few',
        quality: { qc: { rejected: 1000 }, rejections: Array(1000).fill({ total: 1 }) },
      },
      { annotationRequestId: 'many', quality: { qc: { rejected: 1001 }, rejections: null } },
    ]);
    expect(errors).toHaveLength(1);
    expect(errors[0]!.message).toMatch(/more than 1000 pairs .* narrow "timeRange"/);
    expect(errors[0]!.extensions.code).toBe('BAD_USER_INPUT');
    expect(errors[0]!.path).toEqual(['annotationRequests', 'nodes', 1, 'quality', 'rejections']);
  });
});

/** Two requests, in which 1,000 and 1,001 people send a task back. */
function* manyCheckers(): Generator<Entity> {
  yield { type: 'campaign', id: 'c', projectId: 1n, name: 'c', campaignType: 'POC' };
  yield { type: 'pool', id: 1n, name: 'pool', poolType: 3, campaignId: 'c' };
  const counts = { instanceInfo: {}, instanceNum: 0 };
  for (const [taskId, request, checkers] of [
    [1n, 'few', 1000],
    [2n, 'many', 1001],
  ] as const) {
    yield { type: 'annotationRequest', id: request, name: request, campaignId: 'c' };
    yield {
      type: 'task',
      id: taskId,
      annotationRequestId: request,
      sceneId: 'scene',
      status: 2,
      poolId: 1n,
      ...counts,
      attributeNum: 0,
      frameNum: 1,
    };
    for (let checker = 0; checker < checkers; checker++) {
      yield {
        type: 'annotationHistory',
        id: taskId * 10_000n + BigInt(checker),
        taskId,
        status: 2,
        poolId: 1n,
        poolAssigneeId: BigInt(checker),
        createdTime: new Date(Date.UTC(2025, 3, 1, 10)),
        actionType: 10,
        ...counts,
        instanceSum: 0,
        attributesNum: 0,
        attributesSum: 0,
        frameCount: 1,
      };
    }
  }
}
