import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { grid, importEntities } from './support/rows.ts';

interface Page {
  totalCount: number;
  edges: { cursor: string; node: { key: string } }[];
  nodes: { key: string }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

const PAGE = (key: string) => `{
  totalCount
  edges { cursor node { key: ${key} } }
  nodes { key: ${key} }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
}`;

const ARGS = '(first: $first, after: $after, last: $last, before: $before)';
const VARIABLES = '$first: Int, $after: String, $last: Int, $before: String';

/** Every list of the schema: the operation that reads a page of it, where the page stands, and the most it may hold. */
const LISTS = [
  ['campaigns', `campaigns${ARGS} ${PAGE('campaignId')}`, 'campaigns', 100],
  [
    'annotationRequests',
    `annotationRequests${ARGS} ${PAGE('annotationRequestId')}`,
    'annotationRequests',
    100,
  ],
  ['pools', `pools${ARGS} ${PAGE('poolId')}`, 'pools', 100],
  ['tasks', `tasks${ARGS} ${PAGE('taskId')}`, 'tasks', 100],
  ['annotationHistory', `annotationHistory${ARGS} ${PAGE('recordId')}`, 'annotationHistory', 1000],
  [
    'tasks of one request',
    `tasks(annotationRequestIds: ["ar-2"], ${ARGS.slice(1)} ${PAGE('taskId')}`,
    'tasks',
    100,
  ],
  [
    'tasks of several requests',
    `tasks(annotationRequestIds: ["ar-3", "ar-1", "nope", "ar-3"], ${ARGS.slice(1)} ${PAGE('taskId')}`,
    'tasks',
    100,
  ],
  [
    'annotationHistory of several requests',
    `annotationHistory(annotationRequestIds: ["ar-3", "ar-1"], ${ARGS.slice(1)} ${PAGE('recordId')}`,
    'annotationHistory',
    1000,
  ],
  [
    'Campaign.annotationRequests',
    `campaign(campaignId: "c-1") { annotationRequests${ARGS} ${PAGE('annotationRequestId')} }`,
    'campaign.annotationRequests',
    100,
  ],
  [
    'Campaign.pools',
    `campaign(campaignId: "c-1") { pools${ARGS} ${PAGE('poolId')} }`,
    'campaign.pools',
    100,
  ],
  [
    'Campaign.tasks',
    `campaign(campaignId: "c-1") { tasks${ARGS} ${PAGE('taskId')} }`,
    'campaign.tasks',
    100,
  ],
  ['Pool.tasks', `pool(poolId: 3001) { tasks${ARGS} ${PAGE('taskId')} }`, 'pool.tasks', 100],
  [
    'AnnotationRequest.tasks',
    `annotationRequest(annotationRequestId: "ar-2") { tasks${ARGS} ${PAGE('taskId')} }`,
    'annotationRequest.tasks',
    100,
  ],
  [
    'AnnotationRequest.annotationHistory',
    `annotationRequest(annotationRequestId: "ar-2") { annotationHistory${ARGS} ${PAGE('recordId')} }`,
    'annotationRequest.annotationHistory',
    1000,
  ],
  [
    'Task.annotationHistory',
    `task(taskId: "466917967054114818") { annotationHistory${ARGS} ${PAGE('recordId')} }`,
    'task.annotationHistory',
    1000,
  ],
] as const;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
  await importEntities(
    gateway.database,
    grid({ requests: 4, tasksPerRequest: 9, recordsPerTask: 5 }),
  );
  // Ids that other collations than that of the bytes would order differently.
  await gateway.database.prisma.campaign.createMany({
    data: ['é', 'Z', 'a', '10', '9', 'ａ', '😀', '\u{ffff}'].map((id, index) => ({
      id,
      name: id,
      projectId: BigInt(index),
      campaignType: 'POC' as const,
    })),
  });
});
afterAll(() => gateway.close());

async function read(list: string, path: string, variables: object): Promise<Page> {
  const data = await gateway.gql<Record<string, unknown>>(
    `query(${VARIABLES}) { ${list} }`,
    variables,
  );
  return path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], data) as Page;
}

const keys = (page: Page) => page.edges.map((edge) => edge.node.key);

function compareKeys(a: string, b: string): number {
  const numeric = /^\d+$/.test(a) && /^\d+$/.test(b) && a.length > 2;
  return numeric ? Number(BigInt(a) - BigInt(b)) : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

describe.each(LISTS)('%s', (_name, list, path, maximum) => {
  it('walks every row once, in order, forward and backward, at any page size', async () => {
    const whole = await read(list, path, { first: maximum });
    const all = keys(whole);
    expect(all).toHaveLength(whole.totalCount);
    expect(all.length).toBeGreaterThan(0);
    expect(all).toEqual([...all].sort(compareKeys));
    expect(new Set(all).size).toBe(all.length);
    expect(whole.nodes.map(({ key }) => key)).toEqual(all);

    for (const size of [1, 4, all.length]) {
      const forward: string[] = [];
      for (let after: string | null = null; ;) {
        const page: Page = await read(list, path, { first: size, after });
        forward.push(...keys(page));
        expect(page.totalCount).toBe(all.length);
        expect(page.pageInfo).toEqual({
          hasNextPage: forward.length < all.length,
          hasPreviousPage: after !== null,
          startCursor: page.edges[0]!.cursor,
          endCursor: page.edges.at(-1)!.cursor,
        });
        after = page.pageInfo.endCursor;
        if (!page.pageInfo.hasNextPage) break;
      }
      expect(forward).toEqual(all);

      const backward: string[] = [];
      for (let before: string | null = null; ;) {
        const page: Page = await read(list, path, { last: size, before });
        backward.unshift(...keys(page));
        expect(page.pageInfo.hasPreviousPage).toBe(backward.length < all.length);
        expect(page.pageInfo.hasNextPage).toBe(before !== null);
        before = page.pageInfo.startCursor;
        if (!page.pageInfo.hasPreviousPage) break;
      }
      expect(backward).toEqual(all);
    }
  });

  it('cuts between two cursors, from either end', async () => {
    const whole = await read(list, path, { first: maximum });
    const cursors = whole.edges.map((edge) => edge.cursor);
    const all = keys(whole);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(all.length - 1),
        fc.nat(all.length - 1),
        fc.nat(5),
        fc.boolean(),
        async (a, b, size, backward) => {
          const between = all.slice(a + 1, Math.max(a + 1, b));
          const page = await read(list, path, {
            after: cursors[a],
            before: cursors[b],
            ...(backward ? { last: size } : { first: size }),
          });
          const cut = backward
            ? between.slice(Math.max(0, between.length - size))
            : between.slice(0, size);
          expect(keys(page)).toEqual(cut);
        },
      ),
      { numRuns: 8 },
    );
  });

  it('refuses what it cannot page by, at its own path', async () => {
    const foreign = Buffer.from('cursor:1:Nothing:1').toString('base64url');
    const { edges } = await read(list, path, { first: 1 });
    const bad: [object, RegExp][] = [
      [
        { first: maximum + 1 },
        new RegExp(`"first" is ${maximum + 1}; it may be from 0 to ${maximum}`),
      ],
      [{ last: maximum + 1 }, /"last"/],
      [{ first: -1 }, /"first" is -1/],
      [{ last: -2147483648 }, /"last"/],
      [{ first: 1, last: 1 }, /exclude each other/],
      [{ after: '' }, /"after" is not a cursor/],
      [{ after: 'nonsense' }, /"after" is not a cursor/],
      [{ before: foreign }, /"before" is not a cursor/],
      [{ before: `${edges[0]!.cursor}=` }, /"before" is not a cursor/],
    ];
    for (const [variables, message] of bad) {
      const errors = await gateway.gqlErrors(`query(${VARIABLES}) { ${list} }`, variables);
      expect(errors).toHaveLength(1);
      expect(errors[0]!.extensions?.code).toBe('BAD_USER_INPUT');
      expect(errors[0]!.message).toMatch(message);
      expect(errors[0]!.path?.join('.')).toBe(path);
    }
  });

  it('holds its most, and 20 unless told', async () => {
    const { totalCount } = await read(list, path, { first: 0 });
    expect(keys(await read(list, path, { first: maximum }))).toHaveLength(
      Math.min(maximum, totalCount),
    );
    expect(keys(await read(list, path, {}))).toHaveLength(Math.min(20, totalCount));
    expect(keys(await read(list, path, { first: 0 }))).toEqual([]);
  });
});

describe('annotationRequestIds', () => {
  const count = async (ids: unknown) =>
    (
      await gateway.gql<{ tasks: { totalCount: number; nodes: object[] } }>(
        'query($ids: [String!]) { tasks(first: 100, annotationRequestIds: $ids) { totalCount nodes { taskId } } }',
        { ids },
      )
    ).tasks;

  it.each([
    [undefined, 36],
    [null, 36],
    [[], 0],
    [['nope'], 0],
    [['ar-1'], 9],
    [['ar-1', 'ar-1'], 9],
    [['ar-1', 'nope', 'ar-2'], 18],
    [['ar-1\0', 'ar-\ud800', '', 'x'.repeat(300)], 0],
    [['ar-1', 'ar-2\0'], 9],
  ])('%j has %i tasks', async (ids, expected) => {
    const { totalCount, nodes } = await count(ids);
    expect(totalCount).toBe(expected);
    expect(nodes).toHaveLength(expected);
  });

  it('are at most 1,000', async () => {
    const ids = Array.from({ length: 1001 }, (_, index) => `x-${index}`);
    expect((await count(ids.slice(1))).totalCount).toBe(0);
    const [error] = await gateway.gqlErrors(
      'query($ids: [String!]) { tasks(annotationRequestIds: $ids) { totalCount } }',
      { ids },
    );
    expect(error?.extensions?.code).toBe('BAD_USER_INPUT');
  });
});

describe('numbered pages', () => {
  const read = (field: string, key: string, variables: object) =>
    gateway.gql<
      Record<
        string,
        { totalCount: number; nodes: { key: string }[]; unknownAnnotationRequestIds: string[] }
      >
    >(
      `query($ids: [String!]!, $page: Int!, $size: Int!) {
        ${field}(annotationRequestIds: $ids, page: $page, pageSize: $size) {
          totalCount unknownAnnotationRequestIds nodes { key: ${key} }
        }
      }`,
      variables,
    );

  it.each([
    ['taskPage', 'taskId', ['ar-2'], 9],
    ['taskPage', 'taskId', ['ar-2', 'ar-4', 'nope', 'ar-1', 'nope\0'], 27],
    ['annotationHistoryPage', 'recordId', ['ar-3'], 45],
    ['annotationHistoryPage', 'recordId', ['ar-3', 'ar-1'], 90],
  ])('%s by %s of %j', async (field, key, ids, total) => {
    const all: string[] = [];
    for (let page = 1; page <= Math.ceil(total / 4) + 1; page++) {
      const data = await read(field, key, { ids, page, size: 4 });
      expect(data[field]!.totalCount).toBe(total);
      expect(data[field]!.unknownAnnotationRequestIds).toEqual(
        ids.filter((id) => id.startsWith('nope')),
      );
      all.push(...data[field]!.nodes.map((node) => node.key));
    }
    expect(all).toHaveLength(total);
    expect(all).toEqual([...all].sort(compareKeys));
    const past = await read(field, key, { ids, page: 2_147_483_647, size: 100 });
    expect(past[field]!.nodes).toEqual([]);
  });

  it.each([
    [{ page: 0, size: 1 }, /"page" is 0/],
    [{ page: 1, size: 0 }, /"pageSize" is 0/],
    [{ page: 1, size: 101 }, /"pageSize" is 101; it may be from 1 to 100/],
  ])('refuse %j', async (variables, message) => {
    const [error] = await gateway.gqlErrors(
      `query($page: Int!, $size: Int!) { taskPage(annotationRequestIds: [], page: $page, pageSize: $size) { totalCount } }`,
      variables,
    );
    expect(error?.extensions?.code).toBe('BAD_USER_INPUT');
    expect(error?.message).toMatch(message);
  });
});

describe('one relation listed twice', () => {
  const rows = `a: annotationHistory(last: 1) { nodes { recordId } }`;

  it.each([
    ['counted first', 'b: annotationHistory(first: 2) { totalCount }'],
    ['named first', 'b: annotationHistory(first: 2) { __typename }'],
    ['in a fragment', '... on Task { b: annotationHistory(first: 2) { totalCount } }'],
    [
      'left out first',
      'b: annotationHistory(first: 2) { pageInfo @include(if: false) { endCursor } }',
    ],
    ['with other arguments', 'c: annotationHistory(first: 3) { totalCount }'],
  ])('keeps the rows of each apart: %s', async (_name, first) => {
    interface Rows {
      nodes: { recordId: string }[];
    }
    const again = 'b: annotationHistory(first: 2) { nodes { recordId } }';
    for (const parts of [
      [rows, first, again],
      [first, rows, again],
      [again, first, rows],
    ]) {
      const { tasks } = await gateway.gql<{ tasks: { nodes: { a: Rows; b: Rows; all: Rows }[] } }>(
        `{ tasks(first: 3) { nodes { all: annotationHistory { nodes { recordId } } ${parts.join(' ')} } } }`,
      );
      for (const task of tasks.nodes) {
        expect(task.all.nodes).toHaveLength(5);
        expect(task.a.nodes).toEqual(task.all.nodes.slice(-1));
        expect(task.b.nodes).toEqual(task.all.nodes.slice(0, 2));
      }
    }
  });
});
