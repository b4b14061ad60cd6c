import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { COUNTS, deliveryOf, PROGRESS_FRAGMENTS, progressOf } from './support/progress.ts';
import { importSimulation } from './support/rows.ts';

const PARENTS = [
  ['campaigns', 'campaignId'],
  ['annotationRequests', 'annotationRequestId'],
  ['pools', 'poolId'],
] as const;

/** Asks for the work of every campaign, request and pool, and holds it against the rows. */
async function expectWork(gateway: TestGateway): Promise<void> {
  const rows = await gateway.database.prisma.task.findMany({ include: { pool: true } });
  const lists = PARENTS.map(
    ([list, key]) =>
      `${list}(first: 100) { nodes { ${key} progress { ...Far } delivery { ...Held } } }`,
  );
  type Answer = Record<string, { nodes: Record<string, unknown>[] }>;
  const data = await gateway.gql<Answer>(`{ ${lists.join(' ')} } ${PROGRESS_FRAGMENTS}`);
  for (const [list, key] of PARENTS) {
    const { nodes } = data[list]!;
    expect(nodes.length).toBeGreaterThan(0);
    for (const node of nodes) {
      const tasks = rows
        .filter((task) => String(task[key]) === node[key])
        .map(({ pool, instanceNum, attributeNum, frameNum, ...task }) => ({
          status: task.status,
          poolType: pool.poolType,
          instances: instanceNum,
          attributes: attributeNum,
          frames: frameNum,
          instanceInfo: task.instanceInfo as Record<string, number>,
        }));
      expect(node).toEqual({
        [key]: node[key],
        progress: progressOf(tasks),
        delivery: deliveryOf(tasks, true),
      });
    }
  }
}

describe('progress and delivery', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await createTestGateway();
  });
  afterAll(() => gateway.close());

  it('are what the definitions say, on simulated data', async () => {
    await importSimulation(gateway.database, 250);
    await expectWork(gateway);
  });
});

describe('whatever the tasks, progress and delivery', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await createTestGateway();
    const { prisma } = gateway.database;
    for (const [number, id] of ['a', 'b'].entries()) {
      await prisma.campaign.create({
        data: { id, name: id, projectId: BigInt(number), campaignType: 'POC' },
      });
    }
    await prisma.annotationRequest.createMany({
      data: ['a1', 'a2', 'b1'].map((id) => ({ id, name: id, campaignId: id[0]! })),
    });
    await prisma.pool.createMany({
      data: [0, 1, 5, 9, 5].map((poolType, index) => ({
        id: BigInt(index),
        name: 'pool',
        poolType,
        campaignId: index < 4 ? 'a' : 'b',
      })),
    });
  });
  afterAll(() => gateway.close());

  const count = fc.oneof(fc.constantFrom(0, 1, 2_147_483_647), fc.nat());
  const task = fc.record({
    place: fc.constantFrom(
      { annotationRequestId: 'a1', campaignId: 'a', poolId: 0n },
      { annotationRequestId: 'a1', campaignId: 'a', poolId: 3n },
      { annotationRequestId: 'a2', campaignId: 'a', poolId: 1n },
      { annotationRequestId: 'a2', campaignId: 'a', poolId: 2n },
      { annotationRequestId: 'b1', campaignId: 'b', poolId: 4n },
    ),
    status: fc.constantFrom(0, 0, 1, 7, 11, 11, 99),
    instanceInfo: fc.dictionary(fc.constantFrom('a', 'B', 'é', '😀', '', '%', 'select-[1]'), count),
    instanceNum: count,
    attributeNum: count,
    frameNum: count,
  });

  it('are what the definitions say', async () => {
    const { prisma } = gateway.database;
    await fc.assert(
      fc.asyncProperty(fc.array(task, { maxLength: 12 }), async (tasks) => {
        await prisma.task.deleteMany();
        await prisma.task.createMany({
          data: tasks.map(({ place, ...row }, index) => ({
            id: BigInt(index),
            sceneId: String(index),
            ...place,
            ...row,
          })),
        });
        await expectWork(gateway);
      }),
      { numRuns: 40 },
    );
  });

  it('sum up to the last digit, above 2^53 too', async () => {
    const { prisma } = gateway.database;
    await prisma.task.deleteMany();
    // As many rows as it takes to pass 2^53 would take minutes to write: larger numbers stand in for them.
    await prisma.$executeRaw`ALTER TABLE task ALTER COLUMN frame_num TYPE bigint`;
    await prisma.$executeRaw`ALTER TABLE task DROP CONSTRAINT task_instance_info_counts`;
    await prisma.$executeRaw`
      INSERT INTO task (id, annotation_request_id, campaign_id, pool_id, scene_id, status, instance_info,
        instance_num, attribute_num, frame_num)
      SELECT n, 'a1', 'a', 0, n::text, 11, '{"key":9007199254740993}', 2147483647, 0, 9007199254740993
      FROM generate_series(1, 3) AS n`;
    const { campaign } = await gateway.gql<{ campaign: unknown }>(
      `{ campaign(campaignId: "a") { delivery { completed { ...Counts } } } } ${COUNTS}`,
    );
    const sum = String(9_007_199_254_740_993n * 3n);
    expect(campaign).toEqual({
      delivery: {
        completed: {
          tasks: 3,
          instances: String(2_147_483_647n * 3n),
          attributes: '0',
          frames: sum,
          byOperationKey: [{ key: 'key', instances: sum }],
        },
      },
    });
  });
});
