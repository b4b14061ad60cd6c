import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreatedKey } from '../src/auth/keys.ts';
import type { Role } from '../src/domain/viewer.ts';
import {
  apiKey,
  ask,
  createGuardedGateway,
  get,
  lastLine,
  makeKey,
  signed256,
} from './support/callers.ts';
import type { GraphQLAnswer, TestGateway } from './support/gateway.ts';
import { EXAMPLE, importText } from './support/import.ts';

let gateway: TestGateway;
const keys = {} as Record<Role, CreatedKey>;

beforeAll(async () => {
  gateway = await createGuardedGateway();
  await importText(gateway.database, Object.values(EXAMPLE));
  for (const role of ['admin', 'reader', 'ingest'] as const) {
    keys[role] = await makeKey(gateway, { role });
  }
});
afterAll(() => gateway.close());

/** The HTTP status of an operation, and the codes of its errors. */
async function outcome(role: Role, query: string): Promise<[number, ...(string | undefined)[]]> {
  const { statusCode, payload } = await ask(gateway, apiKey(keys[role]), query);
  const { errors = [] } = JSON.parse(payload) as GraphQLAnswer<unknown>;
  return [statusCode, ...errors.map(({ extensions }) => extensions?.code)];
}

const INGEST =
  'mutation { ingest(entities: [{ pool: { id: 3009, name: "p", poolType: 2, campaignId: "c-1" } }]) { rejected } }';
const READS = [
  '{ tasks { totalCount } }',
  '{ __typename task(taskId: 1) { sceneId } }',
  '{ ... on Query { tasks { totalCount } } }',
  'query A { ...B } fragment B on Query { ...C } fragment C on Query { campaigns { totalCount } }',
  '{ campaigns @skip(if: true) { totalCount } }',
];
const QUESTIONS = [
  '{ __typename }',
  '{ __schema { queryType { name } } __type(name: "Task") { name } }',
  'query { ...A } fragment A on Query { ... { __typename } ...B } fragment B on Query { __typename }',
  'mutation { __typename }',
];

describe('in GraphQL', () => {
  it.each(READS)('an admin and a reader may ask %s; who puts data in may not', async (query) => {
    expect(await outcome('admin', query)).toEqual([200]);
    expect(await outcome('reader', query)).toEqual([200]);
    expect(await outcome('ingest', query)).toEqual([403, 'FORBIDDEN']);
    expect(lastLine(gateway)).toMatchObject({
      viewer: `key ${keys.ingest.id}`,
      status: 403,
      errorCodes: ['FORBIDDEN'],
    });
  });

  it.each(QUESTIONS)('all may ask %s', async (query) => {
    for (const role of ['admin', 'reader', 'ingest'] as const) {
      expect(await outcome(role, query)).toEqual([200]);
    }
  });

  it('an admin and who puts data in may; a reader may not', async () => {
    expect(await outcome('admin', INGEST)).toEqual([200]);
    expect(await outcome('ingest', INGEST)).toEqual([200]);
    const before = await gateway.database.prisma.idempotencyKey.count();
    const { statusCode, payload } = await ask(
      gateway,
      { ...apiKey(keys.reader), 'idempotency-key': 'k' },
      INGEST,
    );
    expect(statusCode).toBe(403);
    expect(JSON.parse(payload)).toEqual({
      errors: [{ message: 'A reader may not put data in.', extensions: { code: 'FORBIDDEN' } }],
    });
    expect(await gateway.database.prisma.idempotencyKey.count()).toBe(before);
  });

  it('what is wrong with an operation is told to all', async () => {
    for (const role of ['reader', 'ingest'] as const) {
      expect(await outcome(role, '{')).toContain('GRAPHQL_PARSE_FAILED');
      expect(await outcome(role, '{ none }')).toContain('GRAPHQL_VALIDATION_FAILED');
    }
  });

  it('a circle of fragments is refused as such', async () => {
    const circle = '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }';
    expect(await outcome('ingest', circle)).toContain('GRAPHQL_VALIDATION_FAILED');
  });

  it('nobody subscribes who may not read', async () => {
    const { statusCode, payload } = await gateway.inject({
      method: 'POST',
      url: '/graphql',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        ...apiKey(keys.ingest),
      },
      payload: JSON.stringify({ query: 'subscription { taskChanged { taskId } }' }),
    });
    expect([statusCode, payload.includes('FORBIDDEN')]).toEqual([403, true]);
    expect(gateway.subscriptions()).toBe(0);
  });
});

describe('over REST', () => {
  const statusOf = async (role: Role, url: string, payload?: string) => {
    const answer = await gateway.rest({
      method: payload === undefined ? 'GET' : 'POST',
      url,
      headers: apiKey(keys[role]),
      ...(payload !== undefined && { payload }),
    });
    expect(answer.envelope.success).toBe(answer.statusCode === 200);
    return answer.statusCode;
  };

  it('an admin may do everything, a reader read, and who puts data in only that', async () => {
    const paths = ['/statistics?annotationRequestId=ar-1', '/rosetta-open/changes?types=task'];
    for (const path of paths) {
      expect(await statusOf('admin', path)).toBe(200);
      expect(await statusOf('reader', path)).toBe(200);
      expect(await statusOf('ingest', path)).toBe(403);
    }
    const { envelope } = await get(gateway, apiKey(keys.ingest));
    expect(envelope).toMatchObject({ code: 403, message: 'Forbidden', data: null });
    expect(lastLine(gateway)).toMatchObject({ refusal: 'role ingest', code: 403 });
    expect(await statusOf('ingest', '/nowhere')).toBe(403);
    expect(await statusOf('reader', '/nowhere')).toBe(404);
    for (const path of ['/import', '/rosetta-open/import?atomic=true']) {
      expect(await statusOf('admin', path, EXAMPLE.campaign)).toBe(200);
      expect(await statusOf('ingest', path, EXAMPLE.campaign)).toBe(200);
      expect(await statusOf('reader', path, EXAMPLE.campaign)).toBe(403);
    }
  });

  it('a reader who signs an import is refused too, whatever it says', async () => {
    const key = await makeKey(gateway, { kind: 'signed' });
    const request = { method: 'POST', url: '/import', payload: EXAMPLE.campaign } as const;
    const answer = await gateway.rest({ ...request, headers: signed256(key, request) });
    expect(answer.statusCode).toBe(403);
  });
});

describe('a key', () => {
  const TASKS = '{ tasks { totalCount } }';
  const RECORDS = '{ annotationHistory(first: 1) { nodes { poolAssigneeId } } }';
  const dataOf = async (key: CreatedKey, query: string) =>
    (JSON.parse((await ask(gateway, apiKey(key), query)).payload) as GraphQLAnswer<object>).data;

  it('has the campaigns that it was made for, whatever its caller asks', async () => {
    const own = await makeKey(gateway, { campaigns: ['c-0', 'c-1'] });
    const other = await makeKey(gateway, { campaigns: ['c-0'] });
    const none = await makeKey(gateway, { campaigns: [] });
    expect(await dataOf(own, TASKS)).toEqual({ tasks: { totalCount: 1 } });
    for (const key of [other, none]) {
      expect(await dataOf(key, TASKS)).toEqual({ tasks: { totalCount: 0 } });
      expect((await get(gateway, apiKey(key))).envelope.code).toBe(53003);
      const exported = await gateway.inject({ url: '/export/tasks', headers: apiKey(key) });
      expect(exported.payload).not.toContain('"type":"task"');
    }
    const exported = await gateway.inject({ url: '/export/tasks', headers: apiKey(own) });
    expect(exported.payload).toContain('"type":"task"');
    const writer = await makeKey(gateway, { role: 'ingest', campaigns: ['c-0'] });
    const { envelope } = await gateway.rest({
      method: 'POST',
      url: '/import',
      headers: apiKey(writer),
      payload: EXAMPLE.pool,
    });
    expect(envelope).toMatchObject({ code: 2000, data: { lines: 1, rejected: 1 } });
  });

  it('that hides people does', async () => {
    const blind = await makeKey(gateway, { people: 'hidden' });
    const seeing = await makeKey(gateway);
    const answer = (poolAssigneeId: string | null) => ({
      annotationHistory: { nodes: [{ poolAssigneeId }] },
    });
    expect(await dataOf(seeing, RECORDS)).toEqual(answer('5001'));
    expect(await dataOf(blind, RECORDS)).toEqual(answer(null));
  });
});

describe('a key that makes requests repeatable', () => {
  it('is its sender’s own', async () => {
    const other = await makeKey(gateway, { role: 'ingest' });
    const post = (key: CreatedKey, payload: string) =>
      gateway.rest({
        method: 'POST',
        url: '/import',
        headers: { ...apiKey(key), 'idempotency-key': 'same' },
        payload,
      });
    expect(
      (await post(keys.ingest, EXAMPLE.campaign)).headers['idempotent-replayed'],
    ).toBeUndefined();
    expect((await post(keys.ingest, EXAMPLE.campaign)).headers['idempotent-replayed']).toBe('true');
    expect((await post(keys.ingest, 'x')).statusCode).toBe(422);
    const others = await post(other, 'x');
    expect([others.statusCode, others.headers['idempotent-replayed']]).toEqual([200, undefined]);
    const rows = await gateway.database.prisma.idempotencyKey.findMany({ where: { key: 'same' } });
    expect(rows.map(({ viewer }) => viewer).sort()).toEqual(
      [keys.ingest.id, other.id].map((id) => `key ${id}`).sort(),
    );
  });
});
