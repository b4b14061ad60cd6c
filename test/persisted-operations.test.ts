import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from 'graphql-sse';
import { createClient as createWebSocketClient } from 'graphql-ws';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { removeDirectories, temporaryDirectory } from './support/directory.ts';
import { createTestGateway, type GraphQLAnswer, type TestGateway } from './support/gateway.ts';
import { EXAMPLE, importText } from './support/import.ts';

const QUERY = 'query Name($id: String!) { campaign(campaignId: $id) { name } }';
const EVENTS = 'subscription Progress { progressChanged(annotationRequestId: "ar-1") { total } }';
const MUTATION = 'mutation Nothing { ingest(entities: []) { created } }';
const OTHER = '{ campaigns { totalCount } }';
const TEXTS = [QUERY, EVENTS, MUTATION];

const hash = (text: string) => createHash('sha256').update(text).digest('hex');

const APOLLO = {
  format: 'apollo-persisted-query-manifest',
  version: 1,
  operations: TEXTS.map((body) => ({ id: hash(body), body, name: 'x', type: 'query' })),
};
const RELAY = Object.fromEntries(TEXTS.map((text) => [hash(text), text]));

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await importText(database, Object.values(EXAMPLE));
});
afterAll(async () => {
  await database.close();
  await removeDirectories();
});

async function createPersisted(manifest: unknown, environment: Record<string, string> = {}) {
  const path = join(await temporaryDirectory(), 'manifest.json');
  await writeFile(path, typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
  return createTestGateway({
    database,
    environment: { GATEWAY_INGEST: 'on', GATEWAY_OPERATIONS_MANIFEST: path, ...environment },
  });
}

const variables = { id: 'c-1' };
const NAMED = { data: { campaign: { name: 'Helix 3D' } } };

async function post(gateway: TestGateway, body: object) {
  const { statusCode, payload } = await gateway.inject({
    method: 'POST',
    url: '/graphql',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
    },
    payload: JSON.stringify(body),
  });
  return { statusCode, answer: answerOf(payload) };
}

/** An answer without what it says of itself. */
function answerOf(payload: string): GraphQLAnswer<unknown> {
  const { data, errors } = JSON.parse(payload) as GraphQLAnswer<unknown>;
  return { data, errors };
}

async function get(gateway: TestGateway, parameters: Record<string, string | undefined>) {
  const { statusCode, payload } = await gateway.inject({
    url: `/graphql?${new URLSearchParams(parameters as Record<string, string>).toString()}`,
  });
  return { statusCode, answer: answerOf(payload) };
}

const persistedQuery = (text: string) => ({
  persistedQuery: { version: 1, sha256Hash: hash(text) },
});

/** What a subscription ends with after its first event. */
async function firstOf(events: AsyncIterable<unknown>): Promise<unknown> {
  for await (const event of events) return event;
  return undefined;
}

describe.each(['any', 'persisted'])('with GATEWAY_OPERATIONS=%s', (mode) => {
  const gateways: TestGateway[] = [];
  let apollo: TestGateway;
  beforeAll(async () => {
    for (const manifest of [APOLLO, RELAY]) {
      gateways.push(await createPersisted(manifest, { GATEWAY_OPERATIONS: mode }));
    }
    apollo = gateways[0]!;
  });
  afterAll(() => Promise.all(gateways.map((gateway) => gateway.close())));

  it.each([
    ['id', { id: hash(QUERY) }],
    ['documentId', { documentId: hash(QUERY) }],
    ['doc_id', { doc_id: hash(QUERY), query: null }],
    ['an empty text', { query: '', id: hash(QUERY) }],
    ["Apollo's extension", { extensions: persistedQuery(QUERY) }],
    ['its own text', { query: QUERY }],
  ])('an operation is executed by %s, of either manifest', async (_name, given) => {
    for (const gateway of gateways) {
      expect((await post(gateway, { ...given, variables })).answer).toEqual(NAMED);
    }
  });

  it('and by GET, where no mutation is', async () => {
    const text = JSON.stringify(variables);
    for (const given of [
      { id: hash(QUERY) },
      { documentId: hash(QUERY) },
      { extensions: JSON.stringify(persistedQuery(QUERY)) },
    ]) {
      expect((await get(apollo, { ...given, variables: text })).answer).toEqual(NAMED);
    }
    expect((await get(apollo, { id: hash(MUTATION) })).statusCode).toBe(405);
    expect((await post(apollo, { id: hash(MUTATION) })).answer).toEqual({
      data: { ingest: { created: 0 } },
    });
  });

  it('and so is a subscription, over both transports', async () => {
    const { url } = await apollo.listen();
    const event = { data: { progressChanged: { total: 1 } } };
    const sse = createClient({ url: `${url}/graphql`, retryAttempts: 0 });
    const byId = { query: '', extensions: persistedQuery(EVENTS) };
    expect(await firstOf(sse.iterate(byId))).toEqual(event);
    sse.dispose();
    const socket = createWebSocketClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    });
    for (const given of [
      byId,
      { query: '', extensions: { persistedQuery: hash(EVENTS) } },
      { query: '', id: hash(EVENTS) },
      { query: EVENTS },
    ]) {
      expect(await firstOf(socket.iterate(given))).toEqual(event);
    }
    await socket.dispose();
  });

  it('an id that is none is refused, in the words that clients know', async () => {
    for (const [given, message] of [
      [{ id: hash(OTHER) }, 'There is no operation of that id here.'],
      [{ documentId: '__proto__' }, 'There is no operation of that id here.'],
      [{ extensions: persistedQuery(OTHER) }, 'PersistedQueryNotFound'],
    ] as const) {
      const { statusCode, answer } = await post(apollo, given);
      expect(statusCode).toBe(400);
      expect(answer).toEqual({ errors: [{ message, extensions: { code: 'BAD_USER_INPUT' } }] });
    }
    for (const given of [{}, { id: 1 }, { extensions: { persistedQuery: null } }]) {
      expect((await post(apollo, given)).statusCode).toBe(400);
    }
  });

  it('REST has operations of its own', async () => {
    const { envelope } = await apollo.rest({ url: '/statistics?annotationRequestId=ar-1' });
    expect(envelope).toMatchObject({ code: 2000, data: { count: 1 } });
  });
});

describe('with GATEWAY_OPERATIONS=any', () => {
  it('other operations are executed too, also where a client has said their hash before', async () => {
    const gateway = await createPersisted(RELAY);
    for (const given of [{ query: OTHER }, { query: OTHER, extensions: persistedQuery(OTHER) }]) {
      expect((await post(gateway, given)).answer).toEqual({
        data: { campaigns: { totalCount: 1 } },
      });
    }
    await gateway.close();
  });

  it('clients are told where there is no manifest', async () => {
    const gateway = await createTestGateway({ database });
    const { answer } = await post(gateway, { extensions: persistedQuery(OTHER) });
    expect(answer.errors![0]!.message).toBe('PersistedQueryNotSupported');
    await gateway.close();
  });
});

describe('with GATEWAY_OPERATIONS=persisted', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await createPersisted(RELAY, { GATEWAY_OPERATIONS: 'persisted' });
  });
  afterAll(() => gateway.close());

  const REFUSAL = {
    message: 'Only operations that the gateway knows are executed here: send the id of one.',
    extensions: { code: 'FORBIDDEN' },
  };

  it('no others are executed, questions about the schema among them', async () => {
    for (const given of [
      { query: OTHER },
      { query: OTHER, id: hash(QUERY) },
      { query: OTHER, extensions: persistedQuery(QUERY) },
      { query: `${QUERY} ` },
      { query: getIntrospectionQuery() },
      { query: '{' },
    ]) {
      const { statusCode, answer } = await post(gateway, given);
      expect([statusCode, answer]).toEqual([403, { errors: [REFUSAL] }]);
    }
    expect(await get(gateway, { query: OTHER })).toEqual({
      statusCode: 403,
      answer: { errors: [REFUSAL] },
    });
    const { answer } = await post(gateway, {});
    expect(answer.errors![0]!.message).toBe('Send the id of an operation, as "id".');
  });

  it('nor over WebSocket', async () => {
    const { url } = await gateway.listen();
    const socket = createWebSocketClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    });
    const query = 'subscription { taskChanged { taskId } }';
    await expect(firstOf(socket.iterate({ query }))).rejects.toEqual([REFUSAL]);
    await socket.dispose();
  });

  it('there is no GraphiQL', async () => {
    const { headers } = await gateway.inject({ url: '/graphql', headers: { accept: 'text/html' } });
    expect(String(headers['content-type'])).not.toContain('html');
  });
});

describe('a manifest that cannot be used ends the start', () => {
  it.each([
    ['{', 'is not JSON: '],
    ['[]', 'is no manifest of operations; allowed are Apollo'],
    [{ format: 'apollo-persisted-query-manifest', version: 2, operations: [] }, 'is no manifest'],
    [{ a: 1 }, 'is no manifest'],
    [{ a: '{' }, 'has the operation of the id "a": Syntax Error: Expected Name, found <EOF>.'],
    [
      { a: QUERY, b: 'query Wrong { campaing { name } }', c: '{ campaign { nam } }' },
      'has the operation Wrong of the id "b": Cannot query field "campaing" on type "Query". Did you mean "campaign" or "campaigns"?\n  and has the operation of the id "c": ',
    ],
    [
      {
        a: `query Deep { ${'campaigns { nodes { tasks { nodes { campaign { '.repeat(1)}${'tasks { nodes { campaign { '.repeat(6)}name ${'} } } '.repeat(6)}} } } } } }`,
      },
      'has the operation Deep of the id "a": The operation has more than 20 fields inside one another',
    ],
    [
      {
        ...APOLLO,
        operations: [
          { id: 'a', body: QUERY },
          { id: 'a', body: OTHER },
        ],
      },
      'has two operations of the id "a"',
    ],
  ])('%j', async (manifest, problem) => {
    const started = createPersisted(manifest);
    await expect(started).rejects.toThrow(/^GATEWAY_OPERATIONS_MANIFEST ".*manifest\.json" /);
    await expect(started).rejects.toThrow(problem);
  });

  it('one that is not there', async () => {
    const environment = { GATEWAY_OPERATIONS_MANIFEST: '/nowhere/manifest.json' };
    await expect(createTestGateway({ database, environment })).rejects.toThrow(
      'GATEWAY_OPERATIONS_MANIFEST "/nowhere/manifest.json" cannot be read: ENOENT',
    );
  });

  it('one with questions about a schema that is kept back', async () => {
    const manifest = { schema: getIntrospectionQuery() };
    await expect(createPersisted(manifest, { GATEWAY_INTROSPECTION: 'off' })).rejects.toThrow(
      'has the operation IntrospectionQuery of the id "schema": ',
    );
    const gateway = await createPersisted(manifest, { GATEWAY_OPERATIONS: 'persisted' });
    expect((await post(gateway, { id: 'schema' })).answer.errors).toBeUndefined();
    await gateway.close();
  });
});
