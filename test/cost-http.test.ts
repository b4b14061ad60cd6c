import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { costOf } from '../src/cost/cost.ts';
import { REST_DOCUMENTS } from '../src/rest/rest.ts';
import { schema } from '../src/schema/index.ts';
import { createTestGateway, type GraphQLAnswer, type TestGateway } from './support/gateway.ts';
import { EXAMPLE } from './support/import.ts';
import { INGEST, toEntity } from './support/ingest.ts';
import { readSeries } from './support/metrics.ts';
import { partsOf } from './support/parts.ts';
import { importText } from './support/rows.ts';
import { subscribe } from './support/subscriptions.ts';

/** The least that can be configured. */
const MAXIMUM = 10_000;

const LINES = Object.values(EXAMPLE);

interface Answer extends GraphQLAnswer<Record<string, unknown>> {
  extensions?: { cost?: { requested: number; maximum: number } };
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway({
    environment: { GATEWAY_INGEST: 'on', GATEWAY_MAX_COST: `${MAXIMUM}` },
  });
  await importText(gateway.database, LINES.join('\n'));
});
afterAll(() => gateway.close());
beforeEach(() => {
  gateway.logged.length = 0;
  gateway.statements.length = 0;
});

async function post(query: string, variables = {}, headers: Record<string, string> = {}) {
  const response = await gateway.inject({
    method: 'POST',
    url: '/graphql',
    headers: { 'content-type': 'application/json', ...headers },
    payload: JSON.stringify({ query, variables }),
  });
  return { ...response, response, text: response.payload };
}
const answerOf = ({ text }: { text: string }) => JSON.parse(text) as Answer;
const lines = () => gateway.logged.filter(({ msg }) => msg === 'request');

const NESTED = `query Nested($first: Int) {
  campaigns(first: $first) { nodes { many: tasks(first: 100) { nodes { taskId } } } }
}`;

describe('an operation', () => {
  it('tells what it costs', async () => {
    const answer = answerOf(await post(NESTED, { first: 90 }));
    const cost = 11 + 90 * (1 + 1 + 100);
    expect(answer.errors).toBeUndefined();
    expect(answer.extensions).toEqual({ cost: { requested: cost, maximum: MAXIMUM } });
    expect(lines()).toMatchObject([{ operation: 'Nested', cost, status: 200 }]);
  });

  it.each(['application/json', 'application/graphql-response+json'])(
    'that costs too much is refused before anything of it is executed (%s)',
    async (accept) => {
      const refused = await post(NESTED, { first: 100 }, { accept });
      const cost = 11 + 100 * (1 + 1 + 100);
      expect(refused.statusCode).toBe(400);
      expect(answerOf(refused)).toEqual({
        errors: [
          {
            message: `The operation costs ${cost} points, 10000 of them for "campaigns.nodes.many.nodes"; the maximum here is ${MAXIMUM} (GATEWAY_MAX_COST). Ask for smaller pages, or for less of each row.`,
            extensions: { code: 'COST_EXCEEDED' },
          },
        ],
        extensions: { cost: { requested: cost, maximum: MAXIMUM } },
      });
      expect(gateway.statements).toEqual([]);
      expect(lines()).toMatchObject([
        { operation: 'Nested', cost, status: 400, errorCodes: ['COST_EXCEEDED'] },
      ]);
    },
  );

  it('that is sent by GET is no other', async () => {
    const { payload, statusCode } = await gateway.inject({
      url: `/graphql?query=${encodeURIComponent(NESTED)}&variables=${encodeURIComponent('{"first":100}')}`,
    });
    expect(statusCode).toBe(400);
    expect(payload).toContain('COST_EXCEEDED');
  });

  it('that comes in parts tells it in the first', async () => {
    const query = '{ tasks { nodes { taskId ... @defer { pool { name } } } } }';
    const parts = partsOf((await post(query, {}, { accept: 'multipart/mixed' })).text);
    expect(parts.length).toBeGreaterThan(1);
    const told = parts.map((part) => (part as Answer).extensions);
    expect(told).toEqual([
      { cost: { requested: 11 + 20 * 2, maximum: MAXIMUM } },
      ...parts.slice(1).map(() => undefined),
    ]);
  });

  it('that changes something costs what it is given, also when it is repeated', async () => {
    const entities = LINES.map(toEntity);
    for (const replayed of [undefined, 'true']) {
      const answer = await post(INGEST, { entities }, { 'idempotency-key': 'k' });
      expect(answer.response.headers['idempotent-replayed']).toBe(replayed);
      expect(answerOf(answer).extensions!.cost!.requested).toBe(10 + 10 * entities.length);
    }
    const tooMany = Array.from({ length: 1000 }, () => entities[0]);
    expect(answerOf(await post(INGEST, { entities: tooMany })).errors).toMatchObject([
      { extensions: { code: 'COST_EXCEEDED' } },
    ]);
  });

  it('that cannot be executed tells no cost', async () => {
    for (const query of ['{', '{ nothing }']) {
      expect(answerOf(await post(query)).extensions).toBeUndefined();
    }
  });
});

describe.each(['sse', 'websocket'] as const)('a subscription over %s', (transport) => {
  const one = 'progressChanged(annotationRequestId: "ar-1") { total }';

  it('is logged with what it costs', async () => {
    const { url } = await gateway.listen();
    const subscription = subscribe(transport, url, `Told { ${one} }`);
    await subscription.receive(1);
    await subscription.stop();
    await expect.poll(lines).toMatchObject([{ operation: 'Told', cost: 10 + 5 }]);
  });

  it('is refused where an event of it costs too much', async () => {
    const { url } = await gateway.listen();
    const much = `Much { taskChanged { task { campaign { annotationRequests(first: 100) { nodes { tasks(first: 100) { nodes { taskId } } } } } } } }`;
    const subscription = subscribe(transport, url, much);
    const end = await subscription.ended;
    const told = JSON.stringify([end instanceof Error ? end.message : end, subscription.errors]);
    expect(told).toContain('task.campaign.annotationRequests.nodes.tasks.nodes');
    await expect.poll(lines).toMatchObject([{ errorCodes: ['COST_EXCEEDED'] }]);
  });
});

describe('a REST route', () => {
  it('never costs as much as the least that may be configured', () => {
    const annotationRequestIds = Array.from({ length: 1000 }, (_, n) => `ar-${n}`);
    const variableValues = { annotationRequestIds, page: 1000, pageSize: 1000 };
    for (const document of REST_DOCUMENTS) {
      const { points } = costOf({ schema, document, variableValues })!;
      expect(points).toBeGreaterThan(0);
      expect(points).toBeLessThan(MAXIMUM);
    }
  });

  it.each([
    ['/statistics?annotationRequestId=ar-1&limit=7', 10 + 7 * 3 + 5 + 5 + 10],
    ['/statistics/record?annotationRequestId=ar-1&pageSize=7', 10 + 7 * 5 + 10],
    ['/changes?limit=7', 10 + 7 * (1 + 1 + 2)],
  ])('is logged and counted with what it costs: %s', async (url, cost) => {
    const route = url.split('?')[0]!;
    const sum = `rosetta_gateway_operation_cost_points_sum{route="${route}",operation=""}`;
    const before = (await readSeries(gateway.metrics)).get(sum) ?? 0;
    expect((await gateway.rest({ url })).envelope.code).toBe(2000);
    expect(lines()).toMatchObject([{ route, code: 2000, cost }]);
    expect((await readSeries(gateway.metrics)).get(sum)).toBe(before + cost);
  });
});
