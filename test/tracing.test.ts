import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
// What the program has loaded where it serves.
import '../src/app/serve.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { EXAMPLE } from './support/import.ts';
import { eventually, freePort } from './support/process.ts';
import { subscribe } from './support/subscriptions.ts';
import { startCollector, type Collector, type SentSpan } from './support/traces.ts';

const SERVER = 2;
const CLIENT = 3;
const UNSET = { code: 0 };
const FAILED = { code: 2 };

/** The modules of OpenTelemetry that are loaded. prom-client loads the API, which does nothing by itself. */
function loadedModules(): string {
  const { cache } = createRequire(import.meta.url);
  return Object.keys(cache)
    .filter((path) => /@opentelemetry\/(?!api\/)/.test(path))
    .join('\n');
}

let collector: Collector;
let gateway: TestGateway;
beforeAll(async () => {
  expect(loadedModules()).toBe('');
  collector = await startCollector();
  gateway = await createTestGateway({
    environment: {
      GATEWAY_INGEST: 'on',
      ...endpoint(collector.url),
      OTEL_TRACES_SAMPLER: 'always_off',
    },
  });
  expect(loadedModules()).toContain('/sdk-trace/');
  const imported = await gateway.inject({
    method: 'POST',
    url: '/import',
    payload: Object.values(EXAMPLE).join('\n'),
    headers: { 'content-type': 'application/x-ndjson' },
  });
  expect(imported.statusCode).toBe(200);
});
afterAll(async () => {
  await gateway?.close();
  await collector?.close();
});

function endpoint(url: string): Record<string, string> {
  return { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };
}

/** Lets a gateway of its own do something, and gives what it has sent of it when it has stopped. */
async function traced(
  work: (gateway: TestGateway) => Promise<unknown>,
  environment: Record<string, string> = {},
): Promise<SentSpan[]> {
  const { spans } = collector;
  const before = spans.length;
  const { database } = gateway;
  const own = await createTestGateway({
    database,
    environment: { ...endpoint(collector.url), ...environment },
  });
  await work(own);
  await own.close();
  return spans.slice(before);
}

const ask = (
  to: TestGateway,
  query: string,
  headers: Record<string, string> = {},
  variables = {},
) =>
  to.inject({
    method: 'POST',
    url: '/graphql',
    headers: { 'content-type': 'application/json', ...headers },
    payload: JSON.stringify({ query, variables }),
  });

const PROGRESS = 'query Progress { campaigns { totalCount } }';

/** What stands in a trace, each span below the one that it is part of. */
function treeOf(spans: readonly SentSpan[], parent?: string, depth = 0): string[] {
  return spans
    .filter(({ parentSpanId }) => (parentSpanId || undefined) === parent)
    .flatMap((span) => [
      `${'  '.repeat(depth)}${span.name}`,
      ...treeOf(spans, span.spanId, depth + 1),
    ]);
}

describe('a trace', () => {
  it('has the request, its operation, and what that sent to the database', async () => {
    let requestId: unknown;
    const spans = await traced(async (to) => {
      const response = await ask(to, PROGRESS);
      requestId = response.headers['x-request-id'];
      expect(to.logged).toMatchObject([
        { msg: 'request', traceId: expect.stringMatching(/^[0-9a-f]{32}$/) as string },
      ]);
    });
    expect(treeOf(spans)).toEqual(['POST /graphql', '  query Progress', '    SELECT']);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    const [request, operation, statement] = ['POST /graphql', 'query Progress', 'SELECT'].map(
      (name) => spans.find((span) => span.name === name)!,
    );
    expect(request).toMatchObject({
      kind: SERVER,
      status: UNSET,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/graphql',
        'url.path': '/graphql',
        'url.scheme': 'http',
        'http.response.status_code': 200,
        'rosetta.request_id': requestId,
        'rosetta.outcome': 'success',
      },
      resource: { 'service.name': 'rosetta-gateway', 'service.version': '0.0.0' },
    });
    expect(operation!.attributes).toEqual({
      'graphql.operation.type': 'query',
      'graphql.operation.name': 'Progress',
    });
    expect(statement).toMatchObject({
      kind: CLIENT,
      attributes: {
        'db.system.name': 'postgresql',
        'db.operation.name': 'SELECT',
        'db.query.text': expect.stringMatching(/^SELECT concat\(/) as string,
      },
    });
  });

  it('has those of REST by the operations that answer them, and lines of the log by its id', async () => {
    let logged: unknown[] = [];
    const spans = await traced(async (to) => {
      await to.inject({ url: '/rosetta-open/statistics?annotationRequestId=ar-1' });
      await to.inject({ url: '/nowhere/at-all?x=1' });
      logged = to.logged.map(({ traceId }) => traceId);
    });
    const [first, second] = spans.filter(({ kind }) => kind === SERVER);
    expect(logged).toEqual([first!.traceId, second!.traceId]);
    expect(treeOf(spans.filter(({ traceId }) => traceId === first!.traceId)).slice(0, 3)).toEqual([
      'GET /statistics',
      '  query RestStatistics',
      '    SELECT',
    ]);
    expect(first!.attributes).toMatchObject({
      'url.path': '/rosetta-open/statistics',
      'rosetta.code': 2000,
    });
    expect(second).toMatchObject({
      name: 'GET',
      attributes: { 'url.path': '/nowhere/at-all', 'http.response.status_code': 404 },
    });
    expect(second!.attributes).not.toHaveProperty('http.route');
  });

  it('has an operation once, where its statement fails and resolvers answer it', async () => {
    const { database } = gateway;
    let texts = database.texts;
    const own = await createTestGateway({
      database: { ...database, texts: (statement) => texts(statement) },
      environment: endpoint(collector.url),
    });
    const before = collector.spans.length;
    await ask(own, PROGRESS);
    texts = () => Promise.reject(Object.assign(new Error('no'), { code: '42601' }));
    expect((await ask(own, PROGRESS)).statusCode).toBe(200);
    await own.inject({ url: '/statistics?annotationRequestId=ar-1' });
    await own.close();
    const spans = collector.spans.slice(before);
    const [direct, left, rest] = spans.filter(({ kind }) => kind === SERVER);
    const tree = ({ traceId } = direct!) => treeOf(spans.filter((one) => one.traceId === traceId));
    expect(tree(direct)).toEqual(['POST /graphql', '  query Progress', '    SELECT']);
    expect(tree(left)).toEqual(tree(direct));
    const [route, ...below] = tree(rest);
    expect(route).toBe('GET /statistics');
    expect(below.filter((line) => /^ {2}\S/.test(line))).toEqual(['  query RestStatistics']);
  });

  it('has nothing of the arguments of operations but sizes of pages', async () => {
    const query = `query Q($name: String!) {
      campaigns(filter: { name: { startsWith: $name }, campaignId: { in: ["kept back 1"] } }) {
        nodes { workload(filter: { createdTime: { gte: "2011-11-11T11:11:11Z" } }) { totalCount } }
      }
      tasks(filter: { sceneId: { contains: "kept back 2" } }, first: 37) { totalCount nodes { taskId } }
    }`;
    const spans = await traced(async (to) => {
      const { payload } = await ask(to, query, {}, { name: 'kept back 3' });
      expect(payload).not.toContain('errors');
      await to.inject({ url: '/export/tasks?filter={"sceneId":{"eq":"kept back 4"}}' });
    });
    const all = JSON.stringify(spans);
    expect(all).toContain('db.query.text');
    expect(all).not.toMatch(/kept back|2011-11/);
  });

  it('is not made of probes and metrics', async () => {
    const look = async (to: TestGateway) => {
      for (const url of ['/healthz', '/readyz', '/metrics']) await to.inject({ url });
    };
    expect(await traced(look)).toEqual([]);
  });

  it('tells only so many statements of a request', async () => {
    const [request, ...statements] = await traced(async ({ tracing }) => {
      const about = { route: '/export/tasks' };
      const req = { method: 'GET', headers: {} };
      const trace = tracing!.begin({ requestId: '0', about }, '/export/tasks', req);
      const ends = Array.from({ length: 205 }, () => trace.statementBegins('FETCH 1'));
      trace.end({ status: 200 });
      ends.forEach((end) => end?.());
      return Promise.resolve();
    });
    expect(request!.attributes).toMatchObject({ 'rosetta.statements_left_out': 5 });
    expect(statements).toHaveLength(200);
  });

  it.each(['sse', 'websocket'] as const)(
    'of a subscription ends when that has begun, over %s',
    async (transport) => {
      const own = await createTestGateway({
        database: gateway.database,
        environment: endpoint(collector.url),
      });
      const before = collector.spans.length;
      const { url } = await own.listen();
      const query = 'subscription Watch { taskChanged { watermark task { sceneId } } }';
      const subscription = subscribe(transport, url, '', {}, query);
      await eventually(() => expect(own.subscriptions()).toBe(1), { everyMs: 20 });
      await gateway.database.prisma.task.updateMany({ data: { frameNum: { increment: 1 } } });
      await subscription.receive(1);
      // Nothing of the event is told, though it is not over.
      await own.tracing!.stop();
      const spans = collector.spans.slice(before);
      expect(treeOf(spans).filter((name) => !/^ *(SELECT|WITH)/.test(name))).toEqual([
        transport === 'sse' ? 'POST /graphql' : 'websocket',
        '  subscription Watch',
      ]);
      await subscription.stop();
      await own.close();
    },
  );
});

describe('a caller’s trace', () => {
  const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
  const SPAN_ID = '00f067aa0ba902b7';
  const parent = (flags: string) => ({ traceparent: `00-${TRACE_ID}-${SPAN_ID}-${flags}` });
  const roots = (spans: SentSpan[]) => spans.filter(({ kind }) => kind === SERVER);

  it('is gone on with, where he records it', async () => {
    const headers = { ...parent('01'), tracestate: 'vendor=1' };
    const [root, ...others] = roots(await traced((to) => ask(to, PROGRESS, headers)));
    expect(root).toMatchObject({ traceId: TRACE_ID, parentSpanId: SPAN_ID });
    expect(others).toEqual([]);
  });

  it('is not recorded where he does not, and found in the log all the same', async () => {
    const spans = await traced(async (to) => {
      await ask(to, PROGRESS, parent('00'));
      expect(to.logged).toMatchObject([{ msg: 'request', traceId: TRACE_ID }]);
    });
    expect(spans).toEqual([]);
  });

  it.each([
    ['parentbased_traceidratio', '0', 1],
    ['parentbased_always_off', '1', 1],
    ['traceidratio', '0', 0],
    ['always_off', '1', 0],
    ['always_on', '0', 2],
    ['traceidratio', '1', 2],
  ])('counts or does not, with the sampler %s of %s', async (sampler, share, recorded) => {
    const both = async (to: TestGateway) => {
      await ask(to, PROGRESS, parent('01'));
      await ask(to, PROGRESS);
    };
    const environment = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: share };
    expect(roots(await traced(both, environment))).toHaveLength(recorded);
  });

  it('is not gone on with where it is none', async () => {
    const part = (length: number) =>
      fc.string({ unit: fc.constantFrom(...'0f9g-, '), maxLength: length });
    const nearly = fc.tuple(
      fc.constantFrom('00', 'ff', '0', ''),
      fc.constantFrom(TRACE_ID, '0'.repeat(32), TRACE_ID.toUpperCase(), TRACE_ID.slice(1)),
      fc.constantFrom('0'.repeat(16), SPAN_ID.slice(1), `${SPAN_ID}, ${SPAN_ID}`),
      part(4),
    );
    const hostile = fc.oneof(
      nearly.map((parts) => parts.join('-')),
      part(80),
      fc.constant(`${parent('01').traceparent}, ${parent('01').traceparent}`),
      fc.constant('x'.repeat(10_000)),
    );
    const spans = await traced((to) =>
      fc.assert(
        fc.asyncProperty(hostile, part(600), async (traceparent, tracestate) => {
          const { statusCode } = await to.inject({
            url: '/',
            headers: { traceparent, tracestate },
          });
          expect(statusCode).toBe(404);
        }),
        { numRuns: 100 },
      ),
    );
    expect(spans).toHaveLength(100);
    for (const { traceId, parentSpanId } of spans) {
      expect(parentSpanId || undefined).toBeUndefined();
      expect(traceId).not.toBe(TRACE_ID);
    }
  });
});

describe('what fails', () => {
  it('by the gateway’s fault is marked at each level, without what an error says', async () => {
    const { prisma } = gateway.database;
    const spans = await traced(async (to) => {
      await prisma.$executeRawUnsafe('ALTER TABLE pool RENAME TO gone');
      await ask(to, '{ pool(poolId: "3001") { name } }');
      await prisma.$executeRawUnsafe('ALTER TABLE gone RENAME TO pool');
    });
    const [operation] = spans.filter(({ name }) => name === 'query');
    expect(operation).toMatchObject({
      status: FAILED,
      attributes: {
        'rosetta.error_codes': ['INTERNAL_SERVER_ERROR'],
        'error.type': 'INTERNAL_SERVER_ERROR',
      },
    });
    const [statement] = spans.filter(({ kind }) => kind === CLIENT);
    expect(statement).toMatchObject({
      status: FAILED,
      attributes: { 'db.response.status_code': '42P01', 'error.type': '42P01' },
    });
    expect(JSON.stringify(spans)).not.toContain('does not exist');
    expect(spans.find(({ kind }) => kind === SERVER)).toMatchObject({
      status: UNSET,
      attributes: { 'rosetta.outcome': 'error' },
    });
  });

  it('by the caller’s is told, and no failure', async () => {
    const spans = await traced(async (to) => {
      await ask(to, 'query Wrong { tasks(first: 1000000) { totalCount } }');
      await ask(to, '{ nonsense }');
    });
    expect(
      spans.map(({ name, attributes, status }) => [
        name,
        attributes['rosetta.error_codes'],
        status,
      ]),
    ).toEqual([
      ['query Wrong', ['BAD_USER_INPUT'], UNSET],
      ['POST /graphql', ['BAD_USER_INPUT'], UNSET],
      ['POST /graphql', ['GRAPHQL_VALIDATION_FAILED'], UNSET],
    ]);
  });
});

describe('traces are sent', () => {
  it('with the headers and the name that are configured', async () => {
    const spans = await traced((to) => ask(to, PROGRESS), {
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a%20b,authorization=Bearer%20t',
      OTEL_SERVICE_NAME: 'gateway-1',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.name=other',
    });
    expect(collector.requests.at(-1)).toMatchObject({
      path: '/v1/traces',
      headers: { 'x-tenant': 'a b', authorization: 'Bearer t', 'content-type': 'application/json' },
    });
    expect(spans[0]!.resource).toMatchObject({
      'service.name': 'gateway-1',
      'deployment.environment.name': 'test',
    });
  });

  it('as protocol buffers unless told', async () => {
    const before = collector.requests.length;
    const own = await createTestGateway({
      database: gateway.database,
      environment: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/elsewhere` },
    });
    await ask(own, PROGRESS);
    await own.close();
    expect(collector.requests.slice(before)).toMatchObject([
      { path: '/elsewhere', headers: { 'content-type': 'application/x-protobuf' } },
    ]);
  });

  it.each(['refuses', 'says nothing'])(
    'to a collector that %s without harm: requests are answered, and the stop has an end',
    async (what) => {
      const deaf = createServer().listen(0, '127.0.0.1');
      await once(deaf, 'listening');
      const port = what === 'refuses' ? await freePort() : (deaf.address() as AddressInfo).port;
      const own = await createTestGateway({
        database: gateway.database,
        environment: endpoint(`http://127.0.0.1:${port}`),
      });
      for (let n = 0; n < 30; n++) {
        expect(JSON.parse((await ask(own, PROGRESS)).payload)).not.toHaveProperty('errors');
      }
      const started = performance.now();
      await own.close();
      expect(performance.now() - started).toBeLessThan(8000);
      const lines = own.logged.filter(({ msg }) => msg !== 'request');
      expect(lines).toMatchObject([{ level: 40, msg: 'traces are lost', times: 1 }]);
      // It is no request's, though one was the last to say something.
      expect(lines[0]).not.toHaveProperty('traceId');
      deaf.close();
    },
  );
});
