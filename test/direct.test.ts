import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { inject } from 'light-my-request';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createGraphQL } from '../src/app/graphql.ts';
import { prepareGraphQLRequest } from '../src/app/graphql-request.ts';
import { readConfig } from '../src/config/config.ts';
import { RateLimitedError, type Account } from '../src/domain/budget/account.ts';
import { endlessSession } from '../src/domain/session.ts';
import { ANYBODY, type Viewer } from '../src/domain/viewer.ts';
import { createFeed } from '../src/feed/feed.ts';
import type { OperationRecord } from '../src/plugins/operation-record.ts';
import { schema } from '../src/schema/index.ts';
import { VIEWERS } from './support/both-ways.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { buildRows } from './support/list-rows.ts';
import { randomOperation } from './support/random-operations.ts';
import { importText } from './support/rows.ts';

const log = pino({ level: 'silent' });

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await importText(database, buildRows());
});
afterAll(() => database?.close());

interface Request {
  readonly body: unknown;
  readonly accept?: string;
  readonly viewer?: Viewer;
  readonly account?: Account;
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
  readonly access: OperationRecord;
  readonly isDirect: boolean;
}

/** Asks as the gateway does once it knows who asks. @param learns whether what was answered before is remembered. */
function asking(learns: boolean, environment: Record<string, string> = {}, open = () => database) {
  const queryAnswered = vi.fn();
  const { yoga, direct } = createGraphQL({
    config: readConfig({ GATEWAY_MAX_COST: '100000', ...environment }),
    log,
    metrics: { rowsImported: () => {}, queryAnswered },
    database: open,
    keys: () => undefined,
    feed: (database) => createFeed(database, log),
  });
  const ask = async ({ body, accept, viewer = ANYBODY, account }: Request): Promise<Answer> => {
    const access: OperationRecord = {};
    let isDirect = false;
    const response = await inject(
      (req, res) => {
        const answer = async () => {
          const request = req as IncomingMessage & { body?: string };
          // What is injected comes without the header that tells of an answer in any type.
          if (accept === undefined) delete request.headers.accept;
          expect(await prepareGraphQLRequest(request, 1_000_000)).toBeUndefined();
          const session = endlessSession(viewer);
          const hangUp = () => res.destroy();
          const scope = { requestId: 'r', session, account, access, body: request.body, hangUp };
          const left = learns ? await direct.answer(req, res, scope) : scope;
          isDirect = !left;
          if (!left) return;
          await yoga(req, res, left);
          direct.learn(req, res);
        };
        answer().catch((error: unknown) => res.destroy(error as Error));
      },
      {
        method: 'POST',
        url: '/graphql',
        headers: { 'content-type': 'application/json', ...(accept !== undefined && { accept }) },
        payload: typeof body === 'string' ? body : JSON.stringify(body),
      },
    );
    const { date, connection, ...headers } = response.headers;
    expect([date, connection]).toHaveLength(2);
    const status = response.statusCode;
    return { status, headers, body: response.payload, access, isDirect };
  };
  return { ask, queryAnswered };
}

/** What there is to compare of an answer: where resolvers have made it, its fields come in the order in which they were done. */
function comparable({ isDirect, body, headers, ...rest }: Answer): object {
  const isJson = /^application\/[^;]*json/.test(String(headers['content-type']));
  return isDirect || !isJson
    ? { ...rest, headers, body: isDirect ? body : undefined }
    : { ...rest, headers, body: JSON.parse(body) as unknown };
}

/** Expects the answer that Yoga gives who has answered nothing before. @returns whether it was given directly. */
async function expectSame(
  warm: ReturnType<typeof asking>,
  cold: ReturnType<typeof asking>,
  request: Request,
): Promise<boolean> {
  const answer = await warm.ask(request);
  const { isDirect } = answer;
  const expected = { ...(await cold.ask(request)), isDirect };
  expect(comparable(answer), JSON.stringify(request)).toEqual(comparable(expected));
  return isDirect;
}

const TASKS = `query Some($request: String!, $first: Int, $isNamed: Boolean = true) {
  tasks(annotationRequestIds: [$request], first: $first) { totalCount nodes { taskId pool { name @include(if: $isNamed) } } }
}
query Other { campaigns { nodes { name } } }
mutation Write { ingest(entities: []) { __typename } }`;
const variables = { request: 'a', first: 3 };
const SOME = { query: TASKS, operationName: 'Some', variables };

/** Fields whose operations are never answered directly, and take long; few of the others are to have them. */
const NEVER_DIRECT: ReadonlySet<string> = new Set([
  ...['changes', 'watermark', 'node', 'nodes', 'workload', 'workingTime', 'operatorRanking'],
  ...['quality', 'flow', 'estimatedCompletion', 'reconciliation', 'records', 'receivedRecords'],
]);

describe('a query like one that was answered', () => {
  it('is answered directly, from the second time on', async () => {
    const { ask, queryAnswered } = asking(true);
    const first = await ask({ body: SOME });
    expect(first.isDirect).toBe(false);
    const second = await ask({ body: { ...SOME, variables: { request: 'b', first: 1 } } });
    expect(second.isDirect).toBe(true);
    expect(second.access).toMatchObject({ operation: 'Some', operationType: 'query' });
    expect(queryAnswered.mock.calls).toEqual([['compiled'], ['compiled']]);
  });

  it.each([
    undefined,
    '*/*',
    'application/json',
    'application/graphql-response+json',
    'application/graphql-response+json, application/json;q=0.9',
    'application/json, application/graphql-response+json',
    'text/html, */*;q=0.1',
    'multipart/mixed; deferSpec=20220824, application/json',
    'text/event-stream, application/json',
  ])('has the media type that Yoga gives who accepts %j', async (accept) => {
    const [warm, cold] = [asking(true), asking(false)];
    const body = { query: '{ campaigns { nodes { name } } }' };
    const request = { body, ...(accept !== undefined && { accept }) };
    expect(await expectSame(warm, cold, request)).toBe(false);
    expect(await expectSame(warm, cold, request)).toBe(true);
  });

  it('is refused as by Yoga where nothing comes in a type that is accepted', async () => {
    const [warm, cold] = [asking(true), asking(false)];
    await warm.ask({ body: SOME });
    for (const accept of ['image/png', 'text/event-stream']) {
      for (let n = 0; n < 2; n++) {
        expect(await expectSame(warm, cold, { body: SOME, accept })).toBe(false);
      }
    }
  });

  it.each<[string, unknown]>([
    ['a variable of the wrong type', { ...SOME, variables: { request: 5 } }],
    ['a variable that is missing', { ...SOME, variables: {} }],
    ['a page that is too large', { ...SOME, variables: { request: 'a', first: 100_000 } }],
    ['a negative page', { ...SOME, variables: { request: 'a', first: -1 } }],
    ['variables that are a list', { ...SOME, variables: [1] }],
    ['another parameter', { ...SOME, other: 1 }],
    ['extensions that are a text', { ...SOME, extensions: 'x' }],
    ['an operation that is not there', { ...SOME, operationName: 'Nothing' }],
    ['no name where there are several', { query: TASKS, variables }],
    ['a mutation', { ...SOME, operationName: 'Write' }],
    ['a name that is a number', { ...SOME, operationName: 7 }],
    ['an id that nobody knows', { id: 'x' }],
    ['a hash that nobody knows', { extensions: { persistedQuery: { sha256Hash: 'x' } } }],
    ['no query', {}],
    ['a query that is none', { ...SOME, query: `${TASKS} }` }],
    ['a list', [SOME, SOME]],
    ['null', null],
    ['no JSON', '{'],
    ['a name twice', `{"query":"{ nothing }",${JSON.stringify(SOME).slice(1)}`],
    ['nulls', { ...SOME, extensions: null, variables: { ...variables, isNamed: null } }],
  ])('with %s gets what it gets from Yoga', async (_what, body) => {
    const [warm, cold] = [asking(true), asking(false)];
    await warm.ask({ body: SOME });
    await warm.ask({ body: { ...SOME, operationName: 'Other', variables: {} } });
    await expectSame(warm, cold, { body });
  });

  it('costs what it costs, and is refused where that is too much', async () => {
    const environment = { GATEWAY_MAX_COST: '10000' };
    const [warm, cold] = [asking(true, environment), asking(false, environment)];
    const query =
      'query ($first: Int) { tasks(first: $first) { nodes { annotationHistory(first: 100) { nodes { recordId } } } } }';
    for (const first of [1, 1, 50, 100, 1]) {
      const request = { body: { query, variables: { first } } };
      await expectSame(warm, cold, request);
    }
    const { status, isDirect } = await warm.ask({ body: { query, variables: { first: 100 } } });
    expect([status, isDirect]).toEqual([400, false]);
  });

  it('is for a viewer what it is for him, whoever asked before', async () => {
    const [warm, cold] = [asking(true), asking(false)];
    const viewers = [...VIEWERS, { ...ANYBODY, role: 'ingest' as const }];
    const bodies = [
      { query: '{ tasks { totalCount nodes { taskId campaign { name } } } }' },
      { query: '{ annotationHistory(first: 2) { nodes { recordId poolAssigneeId } } }' },
    ];
    for (const body of bodies) {
      const direct: boolean[] = [];
      for (const viewer of [ANYBODY, ...viewers]) {
        direct.push(await expectSame(warm, cold, { body, viewer }));
      }
      expect(direct).toEqual([false, true, false, true, false, false]);
    }
  });

  it('is the same of any operation', { timeout: 240_000 }, async () => {
    const [warm, cold] = [asking(true), asking(false)];
    const vocabulary = {
      texts: ['a', 'b', 'c-a'],
      bigints: ['1', '2'],
      globalIds: ['VGFzazox'],
      cursors: ['x'],
    };
    const mayAsk = (_type: unknown, { name }: { name: string }) => !NEVER_DIRECT.has(name);
    let direct = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.gen(),
        fc.constantFrom('*/*', 'application/json', 'multipart/mixed, application/json'),
        fc.constantFrom(...VIEWERS),
        async (gen, accept, viewer) => {
          const operation = randomOperation(schema, gen, vocabulary, { mayAsk, inParts: true });
          for (let n = 0; n < 3; n++) {
            if (await expectSame(warm, cold, { body: operation, accept, viewer })) direct++;
          }
        },
      ),
      { numRuns: 30 },
    );
    expect(direct).toBeGreaterThan(0);
  });
});

describe('what goes wrong on the way', () => {
  /** The database, until its texts are read otherwise. */
  const breaking = () => {
    let texts = database.texts;
    const asked = vi.fn();
    const open = (): TestDatabase => ({
      ...database,
      texts: (statement) => {
        asked();
        return texts(statement);
      },
    });
    const failWith = (error: Error) => {
      texts = () => Promise.reject(error);
      asked.mockClear();
    };
    return { open, asked, failWith };
  };

  it('is said by Yoga, and a database that is away is asked once', async () => {
    const { open, asked, failWith } = breaking();
    const { ask } = asking(true, {}, open);
    await ask({ body: SOME });
    expect(asked).toHaveBeenCalledTimes(1);
    failWith(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' }));
    const { status, body, access } = await ask({ body: SOME });
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({
      errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    });
    expect(access.errorCodes).toEqual(['SERVICE_UNAVAILABLE']);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('is left to the resolvers where a statement fails, and counted once', async () => {
    const { open, asked, failWith } = breaking();
    const { ask, queryAnswered } = asking(true, {}, open);
    const { body } = await ask({ body: SOME });
    queryAnswered.mockClear();
    failWith(Object.assign(new Error('no'), { code: '42601' }));
    const again = await ask({ body: SOME });
    expect(again.status).toBe(200);
    expect(JSON.parse(again.body)).toEqual(JSON.parse(body));
    expect(asked).toHaveBeenCalledTimes(1);
    expect(queryAnswered.mock.calls).toEqual([['statement']]);
  });

  it('costs nothing twice', async () => {
    const { open, failWith } = breaking();
    const { ask } = asking(true, {}, open);
    const standing = { limit: 60, remaining: 3, resetSeconds: 2 };
    const spend = vi.fn<Account['spend']>(() => standing);
    const account = { spend, charge: () => {} };
    const first = await ask({ body: SOME, account });
    const second = await ask({ body: SOME, account });
    expect([first.isDirect, second.isDirect]).toEqual([false, true]);
    expect(second.body).toBe(first.body);
    expect(JSON.parse(second.body)).toMatchObject({ extensions: { rateLimit: standing } });
    failWith(new Error('no'));
    const third = await ask({ body: SOME, account });
    expect(JSON.parse(third.body)).toEqual(JSON.parse(first.body));
    expect(spend).toHaveBeenCalledTimes(3);
  });

  it('is charged to nobody where it costs nothing', async () => {
    const [warm, cold] = [asking(true), asking(false)];
    const spend = vi.fn<Account['spend']>(() => ({ limit: 60, remaining: 3, resetSeconds: 2 }));
    const request = { body: { query: '{ __typename }' }, account: { spend, charge: () => {} } };
    expect(await expectSame(warm, cold, request)).toBe(false);
    expect(await expectSame(warm, cold, request)).toBe(true);
    expect(spend).not.toHaveBeenCalled();
  });

  it.each<[string, (error: Error) => never | Promise<never>]>([
    [
      'at once',
      (error) => {
        throw error;
      },
    ],
    ['later', (error) => Promise.reject(error)],
  ])('is a budget that is used up, as is found %s', async (_when, refuse) => {
    const { ask } = asking(true);
    await ask({ body: SOME });
    const standing = { limit: 60, remaining: 0, resetSeconds: 60 };
    const spend = vi.fn(() => refuse(new RateLimitedError(5, standing, 7)));
    const { status, body, isDirect } = await ask({
      body: SOME,
      account: { spend, charge: () => {} },
    });
    expect([status, isDirect]).toEqual([429, false]);
    expect(JSON.parse(body)).toMatchObject({
      errors: [{ extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 7 } }],
      extensions: { rateLimit: standing },
    });
    expect(spend).toHaveBeenCalledTimes(1);
  });
});
