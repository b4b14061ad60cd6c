import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cpuMs } from './support/cpu.ts';
import { createTestDatabase } from './support/database.ts';
import { createTestGateway, type GraphQLAnswer, type TestGateway } from './support/gateway.ts';
import { eventually } from './support/process.ts';
import { importSimulation } from './support/rows.ts';

type Json = Record<string | number, unknown>;

interface Part extends GraphQLAnswer<Json> {
  path?: (string | number)[];
  label?: string;
  items?: unknown[] | null;
  incremental?: Part[];
  hasNext?: boolean;
}

let gateway: TestGateway;
let url = '';
const statements: string[] = [];
/** What progress, delivery and aggregates of the test wait for before they ask the database; it may fail. */
let gate: () => Promise<void>;

beforeAll(async () => {
  const database = await createTestDatabase({ onStatement: (sql) => statements.push(sql) });
  await importSimulation(database, 100);
  const prisma = database.prisma.$extends({
    query: {
      $queryRaw: async ({ args, query }) => {
        await gate();
        return query(args) as Promise<unknown>;
      },
    },
  }) as typeof database.prisma;
  gateway = await createTestGateway({
    database: { ...database, prisma },
    // The resolvers fail here.
    environment: { GATEWAY_COMPILED: 'off' },
  });
  ({ url } = await gateway.listen());
  return () => database.close();
});
afterAll(() => gateway.close());
beforeEach(() => (gate = () => Promise.resolve()));

/** Holds them back until the returned function is called. */
function holdBack(): () => void {
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  gate = () => opened;
  return open;
}

function send(query: string, accept: string, signal?: AbortSignal): Promise<Response> {
  return fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ query }),
    signal: signal ?? null,
  });
}

/** The parts in what was read of an answer, in either form: each is one line of JSON. */
function partsOf(text: string): Part[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/^data: /, ''))
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Part);
}

async function ask(query: string, accept: string) {
  const response = await send(query, accept);
  const type = response.headers.get('content-type')?.split(';')[0];
  return { response, type, parts: partsOf(await response.text()) };
}

/** Puts late data where it belongs. */
function merge(into: Json, from: Json): void {
  for (const [key, value] of Object.entries(from)) {
    const there = into[key];
    if (typeof there === 'object' && there) merge(there as Json, value as Json);
    else into[key] = value;
  }
}

/** The answer that the parts come to. */
function wholeOf([first, ...later]: Part[]): GraphQLAnswer<Json> {
  const { data, extensions } = first as GraphQLAnswer<Json> & { extensions: object };
  const whole = { data, extensions };
  for (const { data, items, path } of later.flatMap(({ incremental }) => incremental ?? [])) {
    const at = items ? path!.slice(0, -1) : path!;
    const target = at.reduce<Json>((parent, key) => parent[key] as Json, whole.data!);
    if (items) (target as unknown as unknown[]).push(...items);
    else merge(target, data!);
  }
  return whole;
}

const DELIVERY = `query Late { campaigns(first: 1) { nodes {
  name
  ... @defer(label: "delivery") { delivery { all { tasks instances } } }
} } }`;

const EVERYWHERE = `
  query Everywhere($now: Boolean = false) {
    campaigns(first: 2) {
      nodes {
        campaignId
        ...Measures @defer
        annotationRequests(first: 2) {
          nodes { annotationRequestId ... @defer { progress { percent } delivery { all { frames } } } }
          ... @defer { aggregate { count } }
        }
        pools(first: 2) { nodes { poolId ... @defer { delivery { completed { tasks } } } } }
      }
    }
    tasks(first: 5) {
      nodes @stream(initialCount: 2) {
        taskId
        annotationHistory(first: 3) {
          nodes @stream(initialCount: 1) { recordId }
          ... @defer { totalCount groupBy(keys: [ACTION]) { action aggregate { count sum { instanceNum } } } }
        }
      }
      ... @defer { aggregate { sum { instanceNum } } }
    }
    ... @defer(if: $now) { pools(first: 1) { nodes { name } } }
    workload(groupBy: [ACTION], first: 2) { nodes { recordCount records(first: 2) { nodes { recordId } } } }
    ... @defer {
      workload(groupBy: [ACTION], first: 2) {
        nodes { taskCount frames records(first: 2) { totalCount nodes { createdTime pool { name } } } }
      }
    }
    ... @defer { annotationHistory(first: 1) { nodes { recordId pool { name } } totalCount } }
  }
  fragment Measures on Campaign { progress { total byStatus { statusCode count } } tasks(first: 1) { totalCount } }
`;

describe.each(['multipart/mixed', 'text/event-stream'])('an answer in parts as %s', (accept) => {
  it('has the rest first and what is deferred when it is there', async () => {
    const open = holdBack();
    const response = await send(DELIVERY, accept);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain(accept);
    let text = '';
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    for (let { value } = await reader.read(); value; { value } = await reader.read()) {
      text += value;
      // It is not before somebody has read the first part that the database is asked for the second.
      if (partsOf(text).length > 0) open();
    }
    const name = 'Highway lidar 3D 01';
    expect(partsOf(text)).toEqual([
      // Only the first says what all of them cost.
      {
        data: { campaigns: { nodes: [{ name }] } },
        hasNext: true,
        extensions: { cost: { requested: 62, maximum: 1_000_000_000_000 } },
      },
      {
        incremental: [
          {
            data: { delivery: { all: { tasks: 100, instances: expect.any(String) as string } } },
            path: ['campaigns', 'nodes', 0],
            label: 'delivery',
          },
        ],
        hasNext: false,
      },
    ]);
  });

  it('comes to the answer that whoever takes no parts gets at once', async () => {
    const { parts, type } = await ask(EVERYWHERE, accept);
    const at = await ask(EVERYWHERE, 'application/json');
    expect(type).toBe(accept);
    expect(at.type).toBe('application/json');
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.map(({ hasNext }) => hasNext)).toEqual([...parts.slice(1).map(() => true), false]);
    expect(at.parts).toHaveLength(1);
    expect(wholeOf(parts)).toEqual(at.parts[0]);
    const plain = EVERYWHERE.replaceAll(/@(defer|stream)(\([^)]*\))?/g, '').replace(
      /\(\$.*?\)/,
      '',
    );
    expect((await ask(plain, 'application/json')).parts).toEqual(at.parts);
  });

  it('takes as many statements for many rows as for few', async () => {
    const count = async (rows: number) => {
      statements.length = 0;
      await ask(
        `{ tasks(first: ${rows}) { nodes @stream {
          taskId
          ... @defer { status pool { name delivery { all { tasks } } } }
          ... @defer { annotationHistory(first: 2) { nodes { recordId } totalCount } }
        } } }`,
        accept,
      );
      return statements.length;
    };
    expect(await count(50)).toBe(await count(3));
  });

  it.each([
    ['INTERNAL_SERVER_ERROR', new Error('relation "secret" does not exist'), 50],
    ['SERVICE_UNAVAILABLE', Object.assign(new Error('secret'), { code: 'ECONNREFUSED' }), 40],
  ])('hides why a late part failed, and logs it: %s', async (code, reason, level) => {
    gate = () => Promise.reject(reason);
    const { response, parts } = await ask(DELIVERY, accept);
    expect(parts[0]).not.toHaveProperty('errors');
    const path = ['campaigns', 'nodes', 0, 'delivery'];
    expect(parts[1]?.incremental).toEqual([
      {
        data: { delivery: null },
        path: path.slice(0, -1),
        label: 'delivery',
        errors: [
          {
            message: expect.not.stringContaining('secret') as string,
            path,
            locations: [{ line: 3, column: 35 }],
            extensions: { code },
          },
        ],
      },
    ]);
    const requestId = response.headers.get('x-request-id');
    const lines = () => gateway.logged.filter((line) => line.requestId === requestId);
    await eventually(() => expect(lines()).toHaveLength(2));
    expect(lines()).toEqual([
      expect.objectContaining({ level, path: path.join('.') }),
      expect.objectContaining({ operation: 'Late', errorCodes: [code], status: 200 }),
    ]);
    expect(JSON.stringify(lines()[0])).toContain('secret');
  });

  it('ends when the client hangs up', async () => {
    const open = holdBack();
    const client = new AbortController();
    const response = await send(DELIVERY, accept, client.signal);
    const reader = response.body!.getReader();
    await reader.read();
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout');
    const before = timers().length;
    client.abort();
    const requestId = response.headers.get('x-request-id');
    const lines = () => gateway.logged.filter((line) => line.requestId === requestId);
    await eventually(() => expect(lines()).toHaveLength(1));
    expect(lines()[0]).toMatchObject({ operation: 'Late', aborted: true });
    // Nothing beats on for a client that has gone, and what comes too late harms nobody.
    expect(timers().length).toBeLessThanOrEqual(before);
    open();
    expect((await ask(DELIVERY, accept)).parts).toHaveLength(2);
    expect(lines()).toHaveLength(1);
  });
});

describe('without parts', () => {
  const accept = 'multipart/mixed, application/json';

  it('an answer is JSON, whatever else is accepted', async () => {
    for (const query of ['{ __typename }', '{ __typename ... @defer(if: false) { __typename } }']) {
      const { type, parts } = await ask(query, accept);
      expect(type).toBe('application/json');
      expect(parts).toMatchObject([{ data: { __typename: 'Query' } }]);
    }
  });

  it.each(['application/json', 'application/graphql-response+json; charset=utf-8'])(
    'who accepts only %s gets one answer, with all errors',
    async (only) => {
      gate = () => Promise.reject(new Error('secret'));
      const { response, parts } = await ask(DELIVERY, only);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toContain(only.split(';')[0]);
      expect(parts).toHaveLength(1);
      expect(parts[0]?.errors?.map(({ extensions }) => extensions)).toEqual([
        { code: 'INTERNAL_SERVER_ERROR' },
      ]);
    },
  );

  it.each([
    ['{ tasks { nodes @stream(initialCount: -1) { taskId } } }', 'BAD_USER_INPUT'],
    ['{ tasks { totalCount @stream } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ tasks { nodes @defer { taskId } } }', 'GRAPHQL_VALIDATION_FAILED'],
    [
      '{ ...@defer(label: "a") { __typename } ...@defer(label: "a") { __typename } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
  ])("what is wrong is the caller's fault: %s", async (query, code) => {
    const { parts } = await ask(query, accept);
    expect(parts[0]?.errors?.map(({ extensions }) => extensions)).toEqual([{ code }]);
  });

  it('validation stays bounded', async () => {
    const query = `{ tasks { ${'nodes { taskId } '.repeat(2000)} } }`;
    expect(await cpuMs(() => ask(query, accept))).toBeLessThan(4000);
  });
});
