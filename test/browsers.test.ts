import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { apiKey, createGuardedGateway, makeKey } from './support/callers.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';

const APP = 'https://app.example.com';
const LOCAL_APP = 'http://localhost:3000';
const OTHER = 'https://evil.example.com';

let gateway: TestGateway;
let closed: TestGateway;
beforeAll(async () => {
  gateway = await createGuardedGateway({
    environment: { GATEWAY_CORS_ORIGINS: `${APP}, ${LOCAL_APP}` },
  });
  closed = await createTestGateway({
    database: gateway.database,
    environment: { GATEWAY_INGEST: 'on' },
  });
});
afterAll(async () => {
  await closed.close();
  await gateway.close();
});

const QUERY = JSON.stringify({ query: '{ __typename }' });

const preflight = (asked: TestGateway, url: string, origin: string) =>
  asked.inject({
    method: 'OPTIONS',
    url,
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,x-api-key',
    },
  });

/** What CORS says in an answer. */
const corsOf = (headers: Record<string, unknown>) =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'));

describe('a page of a listed origin', () => {
  it.each(['/graphql', '/statistics', '/rosetta-open/task/get', '/export', '/import'])(
    'may ask before it sends something to %s, without saying who it is',
    async (url) => {
      for (const origin of [APP, LOCAL_APP]) {
        const { statusCode, headers, payload } = await preflight(gateway, url, origin);
        expect([statusCode, payload]).toEqual([204, '']);
        expect(headers).toMatchObject({
          'access-control-allow-origin': origin,
          'access-control-allow-methods': 'GET,POST',
          'access-control-max-age': '7200',
        });
        expect(headers.vary).toMatch(/\bOrigin\b/);
        expect(headers).not.toHaveProperty('access-control-allow-credentials');
        const allowed = String(headers['access-control-allow-headers']).toLowerCase().split(',');
        for (const name of [
          ...['authorization', 'x-api-key', 'x-stardust-key', 'x-ts', 'x-nonce', 'x-sign'],
          ...['x-sign-256', 'content-type', 'idempotency-key'],
        ]) {
          expect(allowed).toContain(name);
        }
      }
    },
  );

  it.each(['/graphql?query={__typename}', '/statistics', '/export?of=task', '/nowhere'])(
    'may read the answer of %s, whatever it is',
    async (url) => {
      const key = apiKey(await makeKey(gateway));
      for (const headers of [key, {}]) {
        const answer = await gateway.inject({ url, headers: { ...headers, origin: APP } });
        expect(answer.headers['access-control-allow-origin']).toBe(APP);
        expect(answer.headers['access-control-expose-headers']).toMatch(/X-Request-Id,Retry-After/);
        expect([answer.headers.vary].flat().join()).toContain('Origin');
      }
    },
  );

  it('may open a WebSocket', async () => {
    const { url } = await gateway.listen();
    const open = async (origin: string) => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
        origin,
      });
      const event = await new Promise<string>((resolve) => {
        socket.on('open', () => resolve('open'));
        socket.on('error', () => resolve('refused'));
      });
      socket.terminate();
      return event;
    };
    expect(await open(APP)).toBe('open');
    expect(await open(url)).toBe('open');
    for (const origin of [OTHER, `${APP}.evil.example`, 'null', 'https://APP.example.com']) {
      expect(await open(origin)).toBe('refused');
    }
  });
});

describe('a page of any other origin', () => {
  it.each([OTHER, 'null', `${APP}.evil.example`, `${APP}:8443`, 'http://app.example.com'])(
    'is told nothing: %s',
    async (origin) => {
      const asked = await preflight(gateway, '/graphql', origin);
      expect([asked.statusCode, asked.headers['access-control-allow-origin']]).toEqual([
        401,
        undefined,
      ]);
      const { headers } = await gateway.inject({
        url: '/graphql?query={__typename}',
        headers: { origin },
      });
      expect(headers).not.toHaveProperty('access-control-allow-origin');
      // A cache must not give it what was answered to another.
      expect(headers.vary).toMatch(/\bOrigin\b/);
    },
  );

  it('finds OPTIONS a wrong method where no origin is listed', async () => {
    for (const url of ['/statistics', '/task/get']) {
      const { statusCode, headers } = await preflight(closed, url, APP);
      expect(statusCode).toBe(405);
      expect(corsOf(headers)).toEqual([]);
    }
    const { headers } = await closed.inject({ url: '/statistics', headers: { origin: APP } });
    expect(corsOf(headers)).toEqual([]);
    expect(headers).not.toHaveProperty('vary');
  });

  it('cannot have an operation executed by what a form can send', async () => {
    for (const type of [
      'text/plain',
      'text/plain;charset=UTF-8',
      'text/plain; application/json',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/graphql',
      'application/jsonp',
      'application/json, text/plain',
      undefined,
    ]) {
      const { statusCode, payload } = await closed.inject({
        method: 'POST',
        url: '/graphql',
        headers: type === undefined ? {} : { 'content-type': type },
        payload: Buffer.from(QUERY),
      });
      expect(statusCode, type).toBe(415);
      expect(JSON.parse(payload)).toEqual({
        errors: [
          {
            message: 'An operation is sent as JSON: with Content-Type: application/json.',
            extensions: { code: 'BAD_USER_INPUT' },
          },
        ],
      });
    }
    for (const type of [
      'application/json',
      'application/json; charset=utf-8',
      'Application/JSON ;x=y',
      'application/graphql+json',
    ]) {
      const { payload } = await closed.inject({
        method: 'POST',
        url: '/graphql',
        headers: { 'content-type': type },
        payload: QUERY,
      });
      expect(JSON.parse(payload), type).toMatchObject({ data: { __typename: 'Query' } });
    }
  });

  it('cannot have data put in, on a machine where nobody is asked who he is', async () => {
    const send = (headers: Record<string, string>) =>
      closed.rest({
        method: 'POST',
        url: '/import',
        headers: { ...headers, 'content-type': 'text/plain', host: 'localhost:4000' },
        payload: '',
      });
    expect((await send({ origin: OTHER })).envelope).toMatchObject({ code: 403, success: false });
    expect((await send({ origin: 'null' })).statusCode).toBe(403);
    expect((await send({ origin: 'http://localhost:4000' })).statusCode).toBe(200);
    expect((await send({})).statusCode).toBe(200);
  });

  it('cannot change anything by GET', async () => {
    const query = 'mutation { ingest(entities: []) { created } }';
    const { statusCode } = await closed.inject({
      url: `/graphql?query=${encodeURIComponent(query)}`,
    });
    expect(statusCode).toBe(405);
  });
});

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
};

describe('every answer', () => {
  it.each([
    '/graphql?query={__typename}',
    '/graphql?query={',
    '/graphql',
    '/statistics?annotationRequestId=a',
    '/statistics',
    '/export?of=task',
    '/changes',
    '/healthz',
    '/readyz',
    '/nowhere',
  ])('tells browsers how to treat it: %s', async (url) => {
    for (const asked of [gateway, closed]) {
      const { headers } = await asked.inject({ url });
      expect(headers).toMatchObject({
        ...HEADERS,
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      });
    }
  });

  it('does so where what was sent is no HTTP', async () => {
    const { port } = await closed.listen();
    const socket = connect(port, '127.0.0.1', () => socket.write('nonsense\r\n\r\n'));
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    await once(socket, 'close');
    for (const [name, value] of Object.entries(HEADERS)) {
      expect(text.toLowerCase()).toContain(`${name}: ${value.toLowerCase()}\r\n`);
    }
  });
});

describe('GraphiQL', () => {
  const page = (asked: TestGateway, headers = {}) =>
    asked.inject({ url: '/graphql', headers: { accept: 'text/html', ...headers } });

  it('runs no script but its own, and asks nobody but the gateway', async () => {
    const { headers } = await page(gateway);
    const policy = new Map(
      String(headers['content-security-policy'])
        .split('; ')
        .map((rule) => [rule.split(' ', 1)[0]!, rule.split(' ').slice(1)]),
    );
    expect(policy.get('default-src')).toEqual(["'none'"]);
    expect(policy.get('connect-src')).toEqual(["'self'"]);
    expect(policy.get('frame-ancestors')).toEqual(["'none'"]);
    expect(policy.get('script-src')).toHaveLength(1);
    expect(policy.get('script-src')![0]).toMatch(/^'sha256-[\w+/]{43}='$/);
    expect(headers).toMatchObject(HEADERS);
  });

  it('is sent once to a browser that keeps it', async () => {
    const { headers } = await page(gateway);
    const again = await page(gateway, { 'if-none-match': headers.etag });
    expect([again.statusCode, again.payload]).toEqual([304, '']);
  });

  it('can be off: then its address is one where operations are sent', async () => {
    const { database } = gateway;
    for (const variable of ['GATEWAY_GRAPHIQL', 'GATEWAY_INTROSPECTION']) {
      const environment = { [variable]: 'off' };
      const guarded = await createGuardedGateway({ database, environment });
      expect((await page(guarded)).statusCode).toBe(401);
      await guarded.close();
      const open = await createTestGateway({ database, environment });
      const { statusCode, headers } = await page(open);
      expect(statusCode).toBeGreaterThanOrEqual(400);
      expect(String(headers['content-type'])).not.toContain('html');
      await open.close();
    }
  });
});

describe('with the schema kept back', () => {
  let reticent: TestGateway;
  beforeAll(async () => {
    const { database } = gateway;
    reticent = await createTestGateway({
      database,
      environment: { GATEWAY_INTROSPECTION: 'off' },
    });
  });
  afterAll(() => reticent.close());

  it('nobody is told of it', async () => {
    for (const query of ['{ __schema { types { name } } }', '{ __type(name: "Task") { name } }']) {
      const [error] = await reticent.gqlErrors(query);
      expect(error).toMatchObject({ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } });
    }
    expect(await reticent.gql('{ __typename }')).toEqual({ __typename: 'Query' });
  });

  it.each([
    ['{ campaing { name } }', {}, 'The field "campaing" is not valid here.'],
    ['{ campaign(campaignI: "x") { name } }', {}, 'The argument "campaignI" is not valid here.'],
    ['{ campaign { name } }', {}, 'The field "campaign" is not valid here.'],
    ['{ campaigns }', {}, 'The field "campaigns" is not valid here.'],
    ['{ campaigns { nodes { ... on Campain { name } } } }', {}, 'The named type "Campain" is not'],
    ['{ campaigns { nodes { ... on Task { taskId } } } }', {}, 'The inline fragment is not valid'],
    ['{ campaigns @inclde(if: true) { totalCount } }', {}, 'The directive "inclde" is not valid'],
    ['{ campaigns(orderBy: [{ field: NAM }]) { totalCount } }', {}, 'The enum value is not valid'],
    ['{ campaigns(filter: { nam: {} }) { totalCount } }', {}, 'The object field "nam" is not'],
    ['{ campaigns(orderBy: [{}]) { totalCount } }', {}, 'The object value is not valid here.'],
    ['query ($a: Strin) { campaign(campaignId: $a) { name } }', {}, 'The named type "Strin" is'],
    ['query ($a: Int) { campaign(campaignId: $a) { name } }', {}, 'The variable "a" is not valid'],
    [
      'query ($f: TaskFilter) { tasks(filter: $f) { totalCount } }',
      { f: { scene: 1 } },
      'The variable "f" is not valid here.',
    ],
    [
      'query ($o: [TaskOrder!]) { tasks(orderBy: $o) { totalCount } }',
      { o: [{ field: 'TASK_I' }] },
      'The variable "o" is not valid here.',
    ],
  ])('errors name what the caller has named: %s %j', async (query, variables, message) => {
    for (const { message: told } of await reticent.gqlErrors(query, variables)) {
      expect(told).not.toMatch(
        /Did you mean|of type|by type|expected|required|String|Filter|Order/,
      );
    }
    const [error] = await reticent.gqlErrors(query, variables);
    expect(error!.message).toContain(message);
    // Where the schema is shown, they say more.
    const [open] = await closed.gqlErrors(query, variables);
    expect(open!.message).not.toBe(error!.message);
  });

  it('errors that tell nothing of it stay', async () => {
    for (const query of ['{', '{ tasks(first: 101) { totalCount } }', '{ node(id: "x") { id } }']) {
      expect(await reticent.gqlErrors(query)).toEqual(await closed.gqlErrors(query));
    }
  });
});
