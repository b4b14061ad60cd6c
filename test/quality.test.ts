import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Entity } from '../src/domain/entities.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { expectPages, pageSelection } from './support/pages.ts';
import { qualityOf } from './support/quality.ts';
import { onRandomHistories } from './support/random-history.ts';
import { RECORDS, TASKS } from './support/records.ts';
import { importSimulation, recordWith, replaceAll, taskWith } from './support/rows.ts';
import { askScopes, largestCampaign, scopesOf, stretchesOf, type Range } from './support/scopes.ts';

const QUALITY = `quality(timeRange: $range) {
  firstPassYield { completed firstPass ratio tasks(first: 100) ${TASKS} reworkedTasks(first: 100) ${TASKS} }
  review { ...Decisions } qc { ...Decisions }
  rework { submissions instances records(first: 1000) ${RECORDS} }
  rejections { annotatorId checkerId returns rejects total records(first: 1000) ${RECORDS} } }`;
const QUERY = {
  fields: QUALITY,
  fragments: `fragment Decisions on Decisions {
    passed rejected rejectionRate rejectedRecords(first: 1000) ${RECORDS} }`,
  parameters: '$range: TimeRange',
};

/** Asks every campaign, request and pool, and holds the answers against the records. */
async function expectQuality(gateway: TestGateway, entities: Entity[], range: Range | null) {
  const answers = await askScopes(gateway, scopesOf(entities), QUERY, { range });
  return answers.map(([scope, answer]) => {
    const quality = qualityOf(scope, range ?? {});
    expect(answer, `${scope.list} ${scope.id}`).toEqual({ quality });
    return quality;
  });
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
});
afterAll(() => gateway.close());

describe('quality of simulated work', () => {
  let entities: Entity[];
  beforeAll(async () => {
    entities = await importSimulation(gateway.database, 150);
  });

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
      await expectPages(expected, 7, async (page) => {
        type Walked = { campaign: { quality: Record<string, { rows: object }> } };
        const { campaign } = await gateway.gql<Walked>(
          `{ campaign(campaignId: "${scope.id}") { quality { ${measure} {
            rows: ${rows}(${page}) ${pageSelection(key)} } } } }`,
        );
        return campaign.quality[measure]!.rows;
      });
    }
    await expectPages(rejections[0]!.records, 1, async (page) => {
      type Walked = { campaign: { quality: { rejections: { records: object }[] } } };
      const { campaign } = await gateway.gql<Walked>(
        `{ campaign(campaignId: "${scope.id}") { quality { rejections {
          records(${page}) ${pageSelection('recordId')} } } } }`,
      );
      return campaign.quality.rejections[0]!.records;
    });
  });
});

describe('whatever happened, quality', () => {
  it('is what the definitions say', async () => {
    const start = new Date('2025-03-28T20:00:00Z');
    await onRandomHistories(gateway.database, 8, { start, days: 4 }, async (entities, ranges) => {
      for (const range of [null, ...ranges]) await expectQuality(gateway, entities, range);
    });
  });
});

describe('quality', () => {
  beforeAll(() => replaceAll(gateway.database, manyCheckers()));

  it('refuses a time range that ends before it begins, and leaves the rest of the answer', async () => {
    const [error] = await gateway.gqlErrors(
      '{ campaigns { nodes { quality(timeRange: { from: "2025-04-02T00:00:00Z", to: "2025-04-01T00:00:00Z" }) { review { passed } } } } }',
    );
    expect(error!.extensions?.code).toBe('BAD_USER_INPUT');
    expect(error!.message).toMatch(/"timeRange" ends at/);
    expect(error!.path).toEqual(['campaigns', 'nodes', 0, 'quality']);
  });

  it('lists 1,000 pairs of people at most; more is an error of that scope alone', async () => {
    const { data, errors = [] } = await gateway.gqlAnswer<{
      annotationRequests: { nodes: unknown[] };
    }>(
      '{ annotationRequests { nodes { annotationRequestId quality { qc { rejected } rejections { total } } } } }',
    );
    expect(data!.annotationRequests.nodes).toEqual([
      {
        annotationRequestId: 'few',
        quality: { qc: { rejected: 1000 }, rejections: Array(1000).fill({ total: 1 }) },
      },
      { annotationRequestId: 'many', quality: { qc: { rejected: 1001 }, rejections: null } },
    ]);
    expect(errors).toHaveLength(1);
    expect(errors[0]!.message).toMatch(/more than 1000 pairs .* narrow "timeRange"/);
    expect(errors[0]!.extensions!.code).toBe('BAD_USER_INPUT');
    expect(errors[0]!.path).toEqual(['annotationRequests', 'nodes', 1, 'quality', 'rejections']);
  });
});

/** Two requests, in which 1,000 and 1,001 people send a task back. */
function* manyCheckers(): Generator<Entity> {
  yield { type: 'campaign', id: 'c', projectId: 1n, name: 'c', campaignType: 'POC' };
  yield { type: 'pool', id: 1n, name: 'pool', poolType: 3, campaignId: 'c' };
  for (const [taskId, request, checkers] of [
    [1n, 'few', 1000],
    [2n, 'many', 1001],
  ] as const) {
    yield { type: 'annotationRequest', id: request, name: request, campaignId: 'c' };
    yield taskWith({ id: taskId, annotationRequestId: request, poolId: 1n });
    for (let checker = 0; checker < checkers; checker++) {
      yield recordWith({
        id: taskId * 10_000n + BigInt(checker),
        taskId,
        poolId: 1n,
        poolAssigneeId: BigInt(checker),
        createdTime: new Date(Date.UTC(2025, 3, 1, 10)),
        actionType: 10,
      });
    }
  }
}
