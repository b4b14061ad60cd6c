import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { loadDemoData } from '../src/app/demo.ts';
import {
  CampaignOverviewDocument,
  CampaignsDocument,
  HistoryDocument,
  TaskDocument,
  TasksOfRequestDocument,
  type CampaignOverviewQuery,
  type HistoryQuery,
  type HistoryQueryVariables,
  type TaskQueryVariables,
} from './client/generated/operations.ts';
import { createClient } from './support/client.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';

let gateway: TestGateway;
let client: ReturnType<typeof createClient>;
let overview: NonNullable<CampaignOverviewQuery['campaign']>;
beforeAll(async () => {
  gateway = await createTestGateway();
  client = createClient(gateway);
  await loadDemoData(gateway.database);
  const { campaigns } = await client.execute(CampaignsDocument, { first: 1 });
  const { campaignId } = campaigns.nodes[0]!;
  const { campaign } = await client.execute(CampaignOverviewDocument, { campaignId });
  overview = campaign!;
});
afterAll(() => gateway.close());

async function pageOfTasks(annotationRequestId: string, after: string | null) {
  const { annotationRequest } = await client.execute(TasksOfRequestDocument, {
    annotationRequestId,
    orderBy: [{ field: 'INSTANCE_NUM', direction: 'DESC' }],
    first: 20,
    after,
  });
  return annotationRequest!.tasks;
}

type TaskPage = Awaited<ReturnType<typeof pageOfTasks>>;

/** The pages of all tasks of the campaign's first request. */
async function allPages(): Promise<TaskPage[]> {
  const { annotationRequestId } = overview.annotationRequests.nodes[0]!;
  const pages = [await pageOfTasks(annotationRequestId, null)];
  for (;;) {
    const { hasNextPage, endCursor } = pages.at(-1)!.pageInfo;
    if (!hasNextPage) return pages;
    pages.push(await pageOfTasks(annotationRequestId, endCursor));
  }
}

describe('a typed client', () => {
  it('has the scalars as they stand in JSON', () => {
    type Task = TaskPage['nodes'][number];
    expectTypeOf<Task['taskId']>().toEqualTypeOf<string>();
    expectTypeOf<Task['instanceInfo']>().toEqualTypeOf<Record<string, number>>();
    expectTypeOf<TaskQueryVariables['taskId']>().toEqualTypeOf<string | number>();
    type Step = HistoryQuery['annotationHistory']['nodes'][number];
    expectTypeOf<Step['createdTime']>().toEqualTypeOf<string>();
    expectTypeOf<CampaignOverviewQuery['campaign']>().toBeNullable();
  });

  it('reads how far a campaign is and what it delivers', () => {
    const { progress, delivery, annotationRequests } = overview;
    expect(annotationRequests.nodes).toHaveLength(annotationRequests.totalCount);
    expect(progress!.byStatus.reduce((sum, { count }) => sum + count, 0)).toBe(progress!.total);
    const approved = progress!.byStatus.find(({ status }) => status === 'APPROVED');
    expect(approved).toMatchObject({ statusCode: 11, count: progress!.completed });
    expect(delivery!.all.tasks).toBe(progress!.total);
    expect(delivery!.completed.tasks).toBe(progress!.completed);
    expect(BigInt(delivery!.completed.instances)).toBeLessThanOrEqual(
      BigInt(delivery!.all.instances),
    );
  });

  it('pages through all tasks of a request', async () => {
    const pages = await allPages();
    const tasks = pages.flatMap(({ nodes }) => nodes);
    const { totalCount } = pages[0]!;
    expect(pages.length).toBeGreaterThan(2);
    expect(tasks).toHaveLength(totalCount);
    expect(new Set(tasks.map(({ taskId }) => taskId)).size).toBe(totalCount);
    const counts = tasks.map(({ instanceNum }) => instanceNum);
    expect(counts).toEqual([...counts].sort((a, b) => b - a));
    for (const { instanceInfo, instanceNum } of tasks) {
      expect(Object.values(instanceInfo).reduce((sum, count) => sum + count, 0)).toBe(instanceNum);
    }
  });

  it('finds a task by its id as text', async () => {
    const [page] = await allPages();
    const { taskId } = page!.nodes[0]!;
    const { task } = await client.execute(TaskDocument, { taskId });
    expect(task).toMatchObject({ taskId, viewUrl: expect.stringContaining(taskId) as string });
  });

  it('filters, aggregates and groups the history', async () => {
    const variables: HistoryQueryVariables = {
      annotationRequestIds: overview.annotationRequests.nodes.map(
        (node) => node.annotationRequestId,
      ),
      filter: {
        action: { in: ['SUBMIT_ANNOTATION', 'CHECK'] },
        task: { status: { eq: 'APPROVED' } },
      },
    };
    const { annotationHistory } = await client.execute(HistoryDocument, variables);
    const { nodes, totalCount, aggregate, groupBy } = annotationHistory;
    expect(nodes).toHaveLength(5);
    expect(aggregate!.count).toBe(totalCount);
    expect(aggregate!.max.createdTime).toBe(nodes[0]!.createdTime);
    expect(new Set(groupBy!.map(({ action }) => action))).toEqual(
      new Set(['SUBMIT_ANNOTATION', 'CHECK']),
    );
    expect(groupBy!.reduce((sum, group) => sum + group.aggregate.count, 0)).toBe(totalCount);
    const instances = groupBy!.map((group) => BigInt(group.aggregate.sum.instanceNum));
    expect(instances.reduce((sum, count) => sum + count, 0n)).toBe(
      BigInt(aggregate!.sum.instanceNum),
    );
  });
});
