import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { POOL_TYPE, TASK_STATUS } from '../src/domain/codes.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { importSimulation } from './support/rows.ts';

interface TaskRow {
  campaignId: string;
  annotationRequestId: string;
  poolId: bigint;
  status: number;
  poolType: number;
  instanceInfo: Record<string, number>;
  instanceNum: number;
  attributeNum: number;
  frameNum: number;
}

const PARENTS = [
  ['campaigns', 'campaignId'],
  ['annotationRequests', 'annotationRequestId'],
  ['pools', 'poolId'],
] as const;

const WORK = `
  progress { total completed percent
    byStatus { status statusCode count } byPoolType { poolType poolTypeCode count } }
  delivery { all { ...Counts } completed { ...Counts } }`;
const COUNTS = `fragment Counts on DeliveryCounts {
  tasks instances attributes frames byOperationKey { key instances } }`;

const nameOf = (codes: Record<string, number>, code: number) =>
  Object.keys(codes).find((name) => codes[name] === code) ?? null;

function countBy(codes: number[], show: (code: number) => object): object[] {
  return [...new Set(codes)]
    .sort((a, b) => a - b)
    .map((code) => ({ ...show(code), count: codes.filter((other) => other === code).length }));
}

function delivered(tasks: TaskRow[]): object {
  const sum = (value: (task: TaskRow) => number) =>
    String(tasks.reduce((total, task) => total + BigInt(value(task)), 0n));
  const keys = [...new Set(tasks.flatMap((task) => Object.keys(task.instanceInfo)))];
  return {
    tasks: tasks.length,
    instances: sum((task) => task.instanceNum),
    attributes: sum((task) => task.attributeNum),
    frames: sum((task) => task.frameNum),
    byOperationKey: keys
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map((key) => ({ key, instances: sum((task) => task.instanceInfo[key] ?? 0) })),
  };
}

/** The definitions, word for word, over the rows of one parent. */
function workOf(tasks: TaskRow[]): object {
  const completed = tasks.filter((task) => task.status === 11);
  const workable = tasks.length - tasks.filter((task) => task.status === 0).length;
  return {
    progress: {
      total: tasks.length,
      completed: completed.length,
      percent: workable === 0 ? null : (100 * completed.length) / workable,
      byStatus: countBy(
        tasks.map((task) => task.status),
        (code) => ({ status: nameOf(TASK_STATUS, code), statusCode: code }),
      ),
      byPoolType: countBy(
        tasks.map((task) => task.poolType),
        (code) => ({ poolType: nameOf(POOL_TYPE, code), poolTypeCode: code }),
      ),
    },
    delivery: { all: delivered(tasks), completed: delivered(completed) },
  };
}

/** Asks for the work of every campaign, request and pool, and holds it against the rows. */
async function expectWork(gateway: TestGateway): Promise<void> {
  const rows = await gateway.database.prisma.task.findMany({ include: { pool: true } });
  const tasks = rows.map(({ pool, ...task }) => ({ ...task, poolType: pool.poolType }));
  const lists = PARENTS.map(([list, key]) => `${list}(first: 100) { nodes { ${key} ${WORK} } }`);
  type Answer = Record<string, { nodes: Record<string, unknown>[] }>;
  const data = await gateway.gql<Answer>(`{ ${lists.join(' ')} } ${COUNTS}`);
  for (const [list, key] of PARENTS) {
    const { nodes } = data[list]!;
    expect(nodes.length).toBeGreaterThan(0);
    for (const node of nodes) {
      const mine = tasks.filter((task) => String(task[key]) === node[key]) as unknown as TaskRow[];
      expect(node).toEqual({ [key]: node[key], ...workOf(mine) });
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
