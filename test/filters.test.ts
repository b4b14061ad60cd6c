import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Noun } from '../src/domain/nouns.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { filterArbitrary, orderArbitrary } from './support/list-arbitraries.ts';
import {
  compareRows,
  matches,
  nameOfKey,
  type Filter,
  type Key,
} from './support/list-evaluation.ts';
import { buildRows, FIELDS, model, NOUNS, type ModelRow } from './support/list-rows.ts';
import { importText } from './support/rows.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
  await importText(gateway.database, buildRows());
});
afterAll(() => gateway.close());

interface Page {
  totalCount: number;
  edges: { cursor: string; node: { key: string } }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

const operationOf = (noun: Noun, list: string) =>
  `query($filter: ${noun}Filter, $orderBy: [${noun}Order!], $first: Int, $last: Int, $after: String, $before: String) {
    ${list.replace(
      '@',
      `filter: $filter, orderBy: $orderBy, first: $first, last: $last, after: $after, before: $before) {
        totalCount edges { cursor node { key: ${FIELDS[noun].key} } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`,
    )}
  }`;

async function walk(
  noun: Noun,
  list: string,
  read: (data: unknown) => Page,
  variables: { filter: Filter; orderBy: Key[] },
  size: number,
): Promise<{ forward: string[]; backward: string[]; totalCount: number }> {
  const operation = operationOf(noun, list);
  const orderBy = variables.orderBy.map((key) => ({ ...key, field: nameOfKey(key.field) }));
  const ask = async (page: object) =>
    read(await gateway.gql(operation, { filter: variables.filter, orderBy, ...page }));
  const forward: string[] = [];
  let totalCount: number;
  for (let after: string | null = null; ;) {
    const page: Page = await ask({ first: size, after });
    forward.push(...page.edges.map((edge) => edge.node.key));
    totalCount = page.totalCount;
    after = page.pageInfo.endCursor;
    if (!page.pageInfo.hasNextPage) break;
  }
  const backward: string[] = [];
  for (let before: string | null = null; ;) {
    const page: Page = await ask({ last: size, before });
    backward.unshift(...page.edges.map((edge) => edge.node.key));
    before = page.pageInfo.startCursor;
    if (!page.pageInfo.hasPreviousPage) break;
  }
  return { forward, backward, totalCount };
}

describe('any filter, order and page size', () => {
  it.each(NOUNS)(
    'walks the rows of %s that a plain evaluation finds, in its order',
    async (noun) => {
      const { list, key } = FIELDS[noun];
      await fc.assert(
        fc.asyncProperty(
          filterArbitrary(noun, 2),
          orderArbitrary(noun),
          fc.constantFrom(7, 30, 100),
          async (filter, orderBy, size) => {
            const expected = model[noun]
              .filter((one) => matches(one, filter))
              .sort((a, b) => compareRows(a, b, orderBy))
              .map((one) => String(one.values[key]));
            const read = (data: unknown) => (data as Record<string, Page>)[list]!;
            const walked = await walk(noun, `${list}(@`, read, { filter, orderBy }, size);
            expect(walked).toEqual({
              forward: expected,
              backward: expected,
              totalCount: expected.length,
            });
          },
        ),
        { numRuns: 40 },
      );
    },
  );

  it('does the same in nested lists', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...model.Task),
        filterArbitrary('AnnotationHistory', 1),
        orderArbitrary('AnnotationHistory'),
        async (task, filter, orderBy) => {
          const expected = (task.related.annotationHistory as ModelRow[])
            .filter((one) => matches(one, filter))
            .sort((a, b) => compareRows(a, b, orderBy))
            .map((one) => String(one.values.recordId));
          const walked = await walk(
            'AnnotationHistory',
            `task(taskId: "${task.values.taskId as bigint}") { annotationHistory(@ }`,
            (data) => (data as { task: { annotationHistory: Page } }).task.annotationHistory,
            { filter, orderBy },
            3,
          );
          expect(walked).toEqual({
            forward: expected,
            backward: expected,
            totalCount: expected.length,
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('does the same for some requests', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(model.AnnotationRequest),
        filterArbitrary('Task', 1),
        orderArbitrary('Task'),
        async (requests, filter, orderBy) => {
          const expected = requests
            .flatMap((request) => request.related.tasks as ModelRow[])
            .filter((one) => matches(one, filter))
            .sort((a, b) => compareRows(a, b, orderBy))
            .map((one) => String(one.values.taskId));
          const ids = JSON.stringify(requests.map((one) => one.values.annotationRequestId));
          const walked = await walk(
            'Task',
            `tasks(annotationRequestIds: ${ids}, @`,
            (data) => (data as { tasks: Page }).tasks,
            { filter, orderBy },
            4,
          );
          expect(walked).toEqual({
            forward: expected,
            backward: expected,
            totalCount: expected.length,
          });
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('a filter', () => {
  const errorOf = async (filter: object) =>
    (
      await gateway.gqlErrors('query($f: TaskFilter) { tasks(filter: $f) { nodes { taskId } } }', {
        f: filter,
      })
    )[0]!;

  it('may be nested ten levels deep, and says so', async () => {
    const nested = (depth: number): object => (depth === 1 ? {} : { not: nested(depth - 1) });
    await gateway.gql('query($f: TaskFilter) { tasks(filter: $f) { totalCount } }', {
      f: nested(10),
    });
    const error = await errorOf(nested(11));
    expect(error.extensions?.code).toBe('BAD_USER_INPUT');
    expect(error.message).toMatch(/nested deeper than 10 levels/);
  });

  it('may list 1,000 values', async () => {
    const values = Array.from({ length: 1001 }, (_, i) => String(i));
    const error = await errorOf({ taskId: { in: values } });
    expect(error.extensions?.code).toBe('BAD_USER_INPUT');
    expect(error.message).toMatch(/"taskId\.in" lists more than 1000 values/);
  });

  it.each(['a\0', '\ud800'])('refuses text that no row can have: %j', async (text) => {
    for (const filter of [
      { sceneId: { eq: text } },
      { sceneId: { in: ['x', text] } },
      { pool: { name: { contains: text } } },
    ]) {
      const error = await errorOf(filter);
      expect(error.extensions?.code).toBe('BAD_USER_INPUT');
    }
  });

  it('refuses what it does not know', async () => {
    expect((await errorOf({ nope: { eq: 1 } })).extensions?.code).toBe('BAD_USER_INPUT');
    expect((await errorOf({ taskId: { like: '1' } })).extensions?.code).toBe('BAD_USER_INPUT');
  });
});

describe('an order', () => {
  it('has each key once, and at most five', async () => {
    const ask = (fields: string[]) =>
      gateway.gqlErrors(
        'query($o: [AnnotationHistoryOrder!]) { annotationHistory(orderBy: $o) { nodes { recordId } } }',
        {
          o: fields.map((field) => ({ field })),
        },
      );
    expect((await ask(['STATUS_CODE', 'STATUS_CODE']))[0]!.message).toMatch(/"statusCode" twice/);
    const six = [
      'STATUS_CODE',
      'ACTION_CODE',
      'TEAM_ID',
      'CREATOR_ID',
      'CREATED_TIME',
      'INSTANCE_NUM',
    ];
    expect((await ask(six))[0]!.message).toMatch(/6 keys; it may have at most 5/);
  });
});

describe('a cursor', () => {
  const read = (args: string) =>
    gateway.gql<{ tasks: Page }>(`{ tasks(${args}) { edges { cursor node { key: taskId } } } }`);

  it('belongs to one order, and is refused once edited', async () => {
    const { tasks } = await read('first: 2, orderBy: [{ field: SCENE_ID }]');
    const cursor = tasks.edges[0]!.cursor;
    await read(`first: 2, orderBy: [{ field: SCENE_ID }], after: "${cursor}"`);
    const position = Buffer.from(cursor, 'base64url').toString();
    const edited = Buffer.from(position.replace(/"\d+"\]$/, '"1"]')).toString('base64url');
    expect(edited).not.toBe(cursor);
    for (const args of [
      `after: "${cursor}"`,
      `orderBy: [{ field: SCENE_ID, direction: DESC }], after: "${cursor}"`,
      `orderBy: [{ field: SCENE_ID }], after: "${edited}"`,
    ]) {
      const [error] = await gateway.gqlErrors(`{ tasks(${args}) { nodes { taskId } } }`);
      expect(error!.extensions?.code).toBe('BAD_USER_INPUT');
      expect(error!.message).toMatch(/is not a cursor of a list of Task in this order/);
    }
  });

  it('holds while rows come and go: a walk sees each row that was there throughout once', async () => {
    const before = model.Task.map((one) => String(one.values.taskId));
    const extra = (id: bigint) => ({
      type: 'task',
      id: String(id),
      annotationRequestId: 'a',
      sceneId: `extra ${id}`,
      status: 2,
      poolId: model.Pool.find(
        (pool) =>
          pool.related.campaign ===
          model.AnnotationRequest.find((r) => r.values.annotationRequestId === 'a')!.related
            .campaign,
      )!.values.poolId!.toString(),
      instanceInfo: {},
      instanceNum: 1,
      attributeNum: 1,
      frameNum: 1,
    });
    const seen: string[] = [];
    const made: bigint[] = [];
    for (let after: string | null = null, turn = 0; ; turn++) {
      const page: { tasks: Page } = await gateway.gql(
        'query($after: String) { tasks(first: 3, after: $after, orderBy: [{ field: INSTANCE_NUM, direction: DESC }, { field: SCENE_ID }]) { edges { node { key: taskId } } pageInfo { hasNextPage endCursor } } }',
        { after },
      );
      seen.push(...page.tasks.edges.map((edge) => edge.node.key));
      after = page.tasks.pageInfo.endCursor;
      // Between two pages a row comes somewhere in the middle, and one that came before goes.
      const id = 1000n + BigInt(turn);
      await importText(gateway.database, JSON.stringify(extra(id)));
      made.push(id);
      if (turn > 2) await gateway.database.prisma.task.delete({ where: { id: made.shift()! } });
      if (!page.tasks.pageInfo.hasNextPage) break;
    }
    await gateway.database.prisma.task.deleteMany({ where: { id: { in: made } } });
    expect(new Set(seen).size).toBe(seen.length);
    expect(before.filter((id) => !seen.includes(id))).toEqual([]);
  });
});
