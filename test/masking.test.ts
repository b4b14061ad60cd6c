import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestGateway, type TestGateway } from './support/gateway.ts';

// A table that is gone is a fault nobody foresaw: the database's answer names it, and no caller may read that.
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
  await gateway.database.prisma.$executeRawUnsafe('ALTER TABLE campaign RENAME TO secret_campaign');
});
afterAll(() => gateway.close());
afterEach(() => vi.unstubAllEnvs());

const SECRETS = /relation|does not exist|42P01|secret|prisma|select|stack|\.ts|node_modules/i;

describe.each(['production', 'development', undefined])('NODE_ENV=%s', (environment) => {
  it('hides an unforeseen error of GraphQL and logs its reason under the request id', async () => {
    vi.stubEnv('NODE_ENV', environment);
    const response = await gateway.inject({
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify({ query: 'query Secret { campaigns { nodes { name } } }' }),
    });
    expect(JSON.parse(response.payload)).toEqual({
      data: null,
      errors: [
        {
          message: 'The gateway failed; its log has the reason under the request id.',
          path: ['campaigns'],
          locations: [{ line: 1, column: 16 }],
          extensions: { code: 'INTERNAL_SERVER_ERROR' },
        },
      ],
      extensions: { cost: { requested: 31, maximum: 1_000_000_000_000 } },
    });
    const requestId = response.headers['x-request-id'];
    const lines = gateway.logged.filter((line) => line.requestId === requestId);
    expect(lines).toHaveLength(2);
    const [fault, access] = lines;
    expect(fault).toMatchObject({ level: 50, path: 'campaigns' });
    expect(JSON.stringify(fault)).toMatch(/campaign.* does not exist/);
    expect(access).toMatchObject({
      operation: 'Secret',
      errorCodes: ['INTERNAL_SERVER_ERROR'],
      status: 200,
    });
  });

  it('hides an unforeseen error of REST and logs its reason under the request id', async () => {
    vi.stubEnv('NODE_ENV', environment);
    const { envelope, statusCode, payload, headers } = await gateway.rest({
      method: 'POST',
      url: '/task/get',
      payload: '{"campaignId":"c","annotationRequestId":"a","sceneId":"s"}',
    });
    expect(statusCode).toBe(500);
    expect(envelope).toMatchObject({
      code: 5000,
      message: 'Service hiccuped, please try again later.',
      data: null,
      success: false,
    });
    expect(payload).not.toMatch(SECRETS);
    const lines = gateway.logged.filter((line) => line.requestId === headers['x-request-id']);
    expect(lines.map(({ level }) => level)).toEqual([50, 30]);
    expect(JSON.stringify(lines[0])).toMatch(/campaign.* does not exist/);
    expect(envelope.requestId).toBe(headers['x-request-id']);
  });
});

it('keeps the rest of an answer', async () => {
  const response = await gateway.inject({
    method: 'POST',
    url: '/graphql',
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify({
      query: '{ campaign(campaignId: "c") { name } tasks { totalCount } __typename }',
    }),
  });
  const answer = JSON.parse(response.payload) as { data: object; errors: unknown[] };
  expect(answer.data).toEqual({ campaign: null, tasks: { totalCount: 0 }, __typename: 'Query' });
  expect(answer.errors).toHaveLength(1);
  expect(response.payload).not.toMatch(SECRETS);
});
