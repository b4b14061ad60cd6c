import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Noun } from '../src/domain/nouns.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { filterArbitrary } from './support/list-arbitraries.ts';
import { matches } from './support/list-evaluation.ts';
import {
  aggregateOf,
  aggregateSelection,
  groupSelection,
  groupsOf,
  KEYS,
} from './support/list-measures.ts';
import {
  buildRows,
  FIELDS,
  model,
  NOUNS,
  rowsOfEntities,
  type ModelRow,
} from './support/list-rows.ts';
import { grid, importEntities, importSimulation, importText } from './support/rows.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
  await importText(gateway.database, buildRows());
});
afterAll(() => gateway.close());

interface Measured {
  totalCount: number;
  aggregate: object;
  groupBy: object[];
}

function keysArbitrary(noun: Noun) {
  const keys = Object.keys(KEYS[noun]);
  return fc.shuffledSubarray(keys, { minLength: 1, maxLength: Math.min(3, keys.length) });
}

const measuresOf = (noun: Noun, keys: string[]) =>
  `totalCount aggregate ${aggregateSelection(noun)} ${groupSelection(noun, keys)}`;

const expected = (noun: Noun, rows: ModelRow[], keys: string[]) => ({
  totalCount: rows.length,
  aggregate: aggregateOf(noun, rows),
  groupBy: groupsOf(noun, rows, keys),
});

describe('the aggregate and the groups of a list', () => {
  it.each(NOUNS)('of %s are what its rows add up to, under any filter', async (noun) => {
    const { list } = FIELDS[noun];
    await fc.assert(
      fc.asyncProperty(filterArbitrary(noun, 2), keysArbitrary(noun), async (filter, keys) => {
        const rows = model[noun].filter((row) => matches(row, filter));
        const data = await gateway.gql<Record<string, Measured>>(
          `query($filter: ${noun}Filter) { ${list}(first: 1, filter: $filter) { ${measuresOf(noun, keys)} } }`,
          { filter },
        );
        expect(data[list]).toEqual(expected(noun, rows, keys));
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['Task', 'annotationHistory', 'AnnotationHistory'],
    ['AnnotationRequest', 'annotationHistory', 'AnnotationHistory'],
    ['AnnotationRequest', 'tasks', 'Task'],
    ['Pool', 'tasks', 'Task'],
    ['Campaign', 'tasks', 'Task'],
    ['Campaign', 'pools', 'Pool'],
    ['Campaign', 'annotationRequests', 'AnnotationRequest'],
  ] as const)('are those of each row: %s.%s', async (parent, relation, noun) => {
    const { list, key } = FIELDS[parent];
    await fc.assert(
      fc.asyncProperty(filterArbitrary(noun, 1), keysArbitrary(noun), async (filter, keys) => {
        type Answer = Record<string, { nodes: Record<string, unknown>[] }>;
        const data = await gateway.gql<Answer>(
          `query($filter: ${noun}Filter) { ${list}(first: 100) { nodes {
            key: ${key} rows: ${relation}(first: 1, filter: $filter) { ${measuresOf(noun, keys)} } } } }`,
          { filter },
        );
        const answers = new Map(data[list]!.nodes.map((node) => [node.key, node.rows]));
        for (const one of model[parent]) {
          const rows = (one.related[relation] as ModelRow[]).filter((row) => matches(row, filter));
          expect(answers.get(String(one.values[key]))).toEqual(expected(noun, rows, keys));
        }
      }),
      { numRuns: 15 },
    );
  });

  it.each(['Task', 'AnnotationHistory'] as const)(
    'of %s keep to the requests asked for',
    async (noun) => {
      const { list } = FIELDS[noun];
      await fc.assert(
        fc.asyncProperty(
          fc.subarray(model.AnnotationRequest),
          filterArbitrary(noun, 1),
          keysArbitrary(noun),
          async (requests, filter, keys) => {
            const ids = [...requests.map((one) => one.values.annotationRequestId), 'unknown', '\0'];
            const rows = model[noun].filter(
              (row) =>
                requests.includes(row.related.annotationRequest as ModelRow) &&
                matches(row, filter),
            );
            const data = await gateway.gql<Record<string, Measured>>(
              `query($ids: [String!], $filter: ${noun}Filter) {
              ${list}(annotationRequestIds: $ids, filter: $filter) { ${measuresOf(noun, keys)} } }`,
              { ids, filter },
            );
            expect(data[list]).toEqual(expected(noun, rows, keys));
          },
        ),
        { numRuns: 15 },
      );
    },
  );
});

describe('an aggregate', () => {
  it('says nothing of an empty list but zeros and null', async () => {
    const { tasks } = await gateway.gql<{ tasks: Measured }>(
      `{ tasks(annotationRequestIds: []) { ${measuresOf('Task', ['STATUS'])} } }`,
    );
    const none = { instanceNum: null, attributeNum: null, frameNum: null };
    expect(tasks).toEqual({
      totalCount: 0,
      aggregate: {
        count: 0,
        sum: { instanceNum: '0', attributeNum: '0', frameNum: '0' },
        average: none,
        min: none,
        max: none,
      },
      groupBy: [],
    });
  });

  it('leads from a group to the row it is about, and on to its relations', async () => {
    const { tasks } = await gateway.gql<{ tasks: { groupBy: unknown[] } }>(
      `{ tasks(filter: { pool: { poolId: { lte: "1" } } }) {
        groupBy(keys: [POOL]) { pool { id poolId name campaign { campaignId tasks { totalCount } } } } } }`,
    );
    const used = model.Pool.filter(
      ({ values, related }) => Number(values.poolId) <= 1 && (related.tasks as object[]).length > 0,
    );
    expect(used.length).toBeGreaterThan(0);
    expect(tasks.groupBy).toEqual(
      used.map(({ values: { poolId, name }, related: { campaign } }) => ({
        pool: {
          id: Buffer.from(`Pool:${poolId as bigint}`).toString('base64url'),
          poolId: String(poolId),
          name,
          campaign: {
            campaignId: (campaign as ModelRow).values.campaignId,
            tasks: { totalCount: ((campaign as ModelRow).related.tasks as object[]).length },
          },
        },
      })),
    );
  });

  it('needs a key to group by', async () => {
    const [error] = await gateway.gqlErrors('{ tasks { groupBy(keys: []) { status } } }');
    expect(error!.message).toMatch(/"keys" is empty/);
    expect(error!.extensions?.code).toBe('BAD_USER_INPUT');
  });
});

describe('simulated data', () => {
  let simulated: TestGateway;
  let rows: Record<Noun, ModelRow[]>;
  beforeAll(async () => {
    simulated = await createTestGateway();
    rows = rowsOfEntities(await importSimulation(simulated.database, 250));
  });
  afterAll(() => simulated.close());

  it.each(NOUNS)('adds up for %s, by every key', async (noun) => {
    const { list } = FIELDS[noun];
    for (const key of Object.keys(KEYS[noun])) {
      const data = await simulated.gql<Record<string, Measured>>(
        `{ ${list} { ${measuresOf(noun, [key])} } }`,
      );
      expect(data[list]).toEqual(expected(noun, rows[noun], [key]));
    }
  });
});

describe('large numbers and many groups', () => {
  let large: TestGateway;
  beforeAll(async () => {
    large = await createTestGateway();
    await importEntities(
      large.database,
      grid({ requests: 1, tasksPerRequest: 1001, recordsPerTask: 1 }),
    );
  });
  afterAll(() => large.close());

  it('are summed to the last digit, above 2^53 too', async () => {
    const { prisma } = large.database;
    await prisma.task.updateMany({ data: { attributeNum: 2_147_483_647 } });
    // As many rows as it takes to pass 2^53 would take minutes to write: wider columns stand in for them.
    await prisma.$executeRaw`ALTER TABLE task ALTER COLUMN instance_num TYPE bigint`;
    await prisma.$executeRaw`UPDATE task SET instance_num = 9007199254740993`;
    const numbers = 'sum { instanceNum attributeNum }';
    const data = await large.gql(
      `{ tasks { aggregate { ${numbers} average { attributeNum } } groupBy(keys: [STATUS]) { aggregate { ${numbers} } } }
        annotationRequests { nodes { tasks { aggregate { ${numbers} } } } } }`,
    );
    const sum = {
      instanceNum: String(9_007_199_254_740_993n * 1001n),
      attributeNum: String(2_147_483_647n * 1001n),
    };
    expect(data).toEqual({
      tasks: {
        aggregate: { sum, average: { attributeNum: 2_147_483_647 } },
        groupBy: [{ aggregate: { sum } }],
      },
      annotationRequests: { nodes: [{ tasks: { aggregate: { sum } } }] },
    });
  });

  it('fall into 1,000 groups at most; more is an error that leaves the rest of the answer', async () => {
    const ask = (filter: string) => {
      const groups = `annotationHistory${filter} { totalCount groupBy(keys: [TASK]) { task { taskId } } }`;
      return large.gqlAnswer<{
        annotationHistory: Measured;
        annotationRequests: { nodes: { name: string; annotationHistory: Measured }[] };
      }>(`{ ${groups} annotationRequests { nodes { name ${groups} } } }`);
    };
    const many = await ask('');
    const failed = { totalCount: 1001, groupBy: null };
    expect(many.data).toEqual({
      annotationHistory: failed,
      annotationRequests: { nodes: [{ name: 'AR 1', annotationHistory: failed }] },
    });
    expect(many.errors).toHaveLength(2);
    for (const error of many.errors!) {
      expect(error.message).toMatch(/more than 1000 groups/);
      expect(error.extensions!.code).toBe('BAD_USER_INPUT');
    }
    const allowed = await ask('(filter: { task: { sceneId: { lt: "scene-999" } } })');
    expect(allowed.errors).toBeUndefined();
    expect(allowed.data!.annotationHistory.groupBy).toHaveLength(1000);
    expect(allowed.data!.annotationRequests.nodes[0]!.annotationHistory.groupBy).toHaveLength(1000);
  });
});
