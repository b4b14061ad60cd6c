import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Entity } from '../src/domain/entities.ts';
import { ANYBODY, type Viewer } from '../src/domain/viewer.ts';
import { EXPORTS_BY_PATH } from '../src/rest/export.ts';
import { ROUTES } from '../src/rest/routes.ts';
import { schema } from '../src/schema/index.ts';
import { simulate } from '../src/simulator/simulate.ts';
import { apiKey, createGuardedGateway, makeKey } from './support/callers.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { createTestGateway, VAST_LIMITS, type TestGateway } from './support/gateway.ts';
import { OperationWriter, type ArgumentValues } from './support/operations.ts';
import { dumpTables, importText, line, PARENTS } from './support/import.ts';
import { eventually } from './support/process.ts';
import { importEntities } from './support/rows.ts';
import { subscribe } from './support/subscriptions.ts';

/**
 * What lies outside a viewer's campaigns does not exist for him: whatever he asks, he is answered as if he asked about a
 * database that has nothing else. One database has two worlds, the other one of them.
 */

/** Numbers of the other world, and the marks of its texts. */
const SHIFT = 1_000_000_000_000_000_000n;
const CANARY = 'CANARY-';

/** An entity as it would be in the other world. */
function elsewhere(entity: Entity): Entity {
  const shift = (name: string, value: unknown): unknown => {
    if (name === 'type' || name === 'campaignType') return value;
    if (typeof value === 'bigint') return value + SHIFT;
    if (name === 'instanceInfo') {
      const entries = Object.entries(value as object).map(([key, n]) => [
        CANARY + key,
        n as number,
      ]);
      return Object.fromEntries(entries);
    }
    return typeof value === 'string' ? CANARY + value : value;
  };
  return Object.fromEntries(
    Object.entries(entity).map(([name, value]) => [name, shift(name, value)]),
  ) as unknown as Entity;
}

let own: Entity[];
let both: TestDatabase;
let alone: TestDatabase;
let scoped: TestGateway;
let reference: TestGateway;
let hidden: TestGateway;
let people: string[];

const viewer = (campaigns: string[]): Viewer => ({
  name: 'test',
  role: 'admin',
  campaigns,
  people: 'shown',
});

beforeAll(async () => {
  own = [...simulate({ tasks: 12 })];
  [both, alone] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  await importEntities(alone, own);
  await importEntities(both, own);
  await importEntities(both, own.map(elsewhere));
  const campaigns = own.flatMap((entity) => (entity.type === 'campaign' ? [entity.id] : []));
  reference = await createTestGateway({ database: alone, environment: VAST_LIMITS });
  scoped = await createTestGateway({
    database: both,
    environment: VAST_LIMITS,
    anybody: viewer(campaigns),
  });
  // How few people a number may be of is for test/small-groups.test.ts.
  hidden = await createTestGateway({
    database: alone,
    environment: { ...VAST_LIMITS, GATEWAY_MIN_GROUP: '1' },
    anybody: { ...ANYBODY, role: 'reader', people: 'hidden' },
  });
  people = own.flatMap((entity) =>
    entity.type === 'annotationHistory'
      ? [entity.poolAssigneeId, entity.creatorId, entity.teamId].flatMap((id) =>
          id ? [String(id)] : [],
        )
      : [],
  );
});
afterAll(async () => {
  await Promise.all([scoped, reference, hidden].map((gateway) => gateway.close()));
  await both.close();
  await alone.close();
});

/** The values of arguments in one of the worlds. */
function valuesOf(world: (entity: Entity) => Entity): ArgumentValues {
  const all = own.map(world);
  const first = <T extends Entity['type']>(type: T) =>
    all.find((entity) => entity.type === type) as Extract<Entity, { type: T }>;
  const task = all.findLast((entity) => entity.type === 'task')!;
  const campaign = first('campaign');
  const globalIds = [
    `Campaign:${campaign.id}`,
    `AnnotationRequest:${task.annotationRequestId}`,
    `Pool:${task.poolId}`,
    `Task:${task.id}`,
    `AnnotationHistory:${first('annotationHistory').id}`,
  ].map((text) => JSON.stringify(Buffer.from(text).toString('base64url')));
  return {
    campaignId: JSON.stringify(campaign.id),
    annotationRequestId: JSON.stringify(task.annotationRequestId),
    annotationRequestIds: JSON.stringify([task.annotationRequestId, 'none']),
    sceneId: JSON.stringify(task.sceneId),
    taskId: `"${task.id}"`,
    poolId: `"${task.poolId}"`,
    id: globalIds[3]!,
    ids: `[${globalIds.join(', ')}]`,
    page: '1',
    pageSize: '20',
    first: '3',
    day: '"2025-02-05"',
  };
}

/** What says where something stands, and nothing of it. */
const LEFT = new Set(['watermark']);

const QUERY_FIELDS = Object.values(schema.getQueryType()!.getFields()).filter(
  ({ name }) => !LEFT.has(name),
);

describe.each([
  ['his own', (entity: Entity) => entity],
  ['the other', elsewhere],
] as const)('a viewer who asks about %s campaigns', (_name, world) => {
  const writer = new OperationWriter(schema, LEFT);

  it.each(QUERY_FIELDS.map((field) => [field.name, field] as const))(
    'by the query %s is answered as if they were all there is',
    async (_field, field) => {
      const query = `{ ${writer.field('Query', field, valuesOf(world))} }`;
      const [answer, expected] = await Promise.all([
        scoped.gqlAnswer(query),
        reference.gqlAnswer(query),
      ]);
      expect(answer).toEqual(expected);
    },
  );

  it('asks for everything there is', () => {
    expect(writer.uncovered()).toEqual([]);
  });

  it.each([...ROUTES.keys()])('by the route %s is answered so', async (path) => {
    const values = valuesOf(world);
    const text = (name: string) => JSON.parse(values[name]!) as string;
    const requests: Record<string, object> = {
      '/task/get': {
        method: 'POST',
        payload: JSON.stringify({
          campaignId: text('campaignId'),
          annotationRequestId: text('annotationRequestId'),
          sceneId: text('sceneId'),
        }),
      },
      '/statistics': { query: { annotationRequestId: text('annotationRequestId'), limit: '100' } },
      '/statistics/record': {
        query: { annotationRequestId: text('annotationRequestId'), pageSize: '1000' },
      },
      '/changes': { query: { limit: '1000' } },
    };
    const request = requests[path.replace('/rosetta-open', '')];
    expect(request, `Say here how ${path} is asked.`).toBeDefined();
    const ask = async (gateway: TestGateway) => {
      const { payload } = await gateway.rest({ url: path, ...request });
      return payload.replace(/"(date|requestId|watermark)":"[^"]*"/g, '');
    };
    const answer = await ask(scoped);
    expect(answer).toBe(await ask(reference));
    expect(answer).not.toContain(CANARY);
  });

  it.each([...EXPORTS_BY_PATH.keys()].filter((path) => !path.includes('rosetta-open')))(
    'by the export %s is answered so',
    async (path) => {
      const { campaignId } = valuesOf(world);
      const id = JSON.parse(campaignId!) as string;
      const of: Record<string, object> = {
        '/export/all': { campaignId: { eq: id } },
        '/export/tasks': { campaign: { campaignId: { eq: id } } },
        '/export/annotation-history': { task: { campaign: { campaignId: { eq: id } } } },
        '/export/workload': { task: { campaign: { campaignId: { eq: id } } } },
      };
      expect(of[path], `Say here how ${path} is asked.`).toBeDefined();
      for (const filter of ['', `&filter=${encodeURIComponent(JSON.stringify(of[path]))}`]) {
        for (const format of ['ndjson', 'csv']) {
          const ask = async (gateway: TestGateway) => {
            const { statusCode, payload } = await gateway.inject({
              url: `${path}?format=${format}${filter}`,
            });
            expect(statusCode).toBe(200);
            return payload
              .split('\n')
              .filter((text) => text && !/exportStart|exportEnd/.test(text));
          };
          const rows = await ask(scoped);
          expect(rows).toEqual(await ask(reference));
          expect(rows.join()).not.toContain(CANARY);
        }
      }
    },
  );
});

it('all of them differ for who sees everything: the comparisons above can fail', async () => {
  const everything = await createTestGateway({ database: both, environment: VAST_LIMITS });
  const writer = new OperationWriter(schema, LEFT);
  const different = [];
  for (const field of QUERY_FIELDS) {
    // All changes: those of the other world come last.
    const values = { ...valuesOf(elsewhere), ...(field.name === 'changes' && { first: '1000' }) };
    const query = `{ ${writer.field('Query', field, values)} }`;
    const answers = await Promise.all([everything.gqlAnswer(query), scoped.gqlAnswer(query)]);
    if (JSON.stringify(answers[0]) !== JSON.stringify(answers[1])) different.push(field.name);
  }
  expect(different).toEqual(QUERY_FIELDS.map(({ name }) => name));
  await everything.close();
});

const SUBSCRIPTIONS: Record<string, string> = {
  taskChanged: '{ taskChanged { taskId task { sceneId } } }',
  historyAppended: '{ historyAppended { recordId record { poolAssigneeId instanceInfo } } }',
  progressChanged: '{ progressChanged(annotationRequestId: "REQUEST") { total } }',
};

it.each(Object.keys(schema.getSubscriptionType()!.getFields()))(
  'the subscription %s tells of his campaigns only',
  async (name) => {
    const subscription = SUBSCRIPTIONS[name];
    expect(subscription, `Say here how ${name} is asked for.`).toBeDefined();
    const { url } = await scoped.listen();
    const text = (world: (entity: Entity) => Entity) =>
      subscription!.replace('"REQUEST"', valuesOf(world).annotationRequestId!);
    const seen = subscribe<object>(
      'sse',
      url,
      text((entity) => entity),
    );
    const unseen = subscribe<object>('sse', url, text(elsewhere));
    await eventually(() => expect(scoped.subscriptions()).toBe(name === 'progressChanged' ? 1 : 2));
    await both.prisma.$executeRaw`UPDATE task SET frame_num = frame_num + 1`;
    await both.prisma.$executeRaw`
      INSERT INTO annotation_history (id, task_id, annotation_request_id, campaign_id, pool_id, status, action_type,
        created_time, instance_info, instance_num, instance_sum, attributes_num, attributes_sum, frame_count)
      SELECT DISTINCT ON (campaign_id) id + 7, task_id, annotation_request_id, campaign_id, pool_id, 2, 5,
        created_time, instance_info, instance_num, instance_sum, 0, 0, 1
      FROM annotation_history ORDER BY campaign_id, id DESC`;
    await seen.receive(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(JSON.stringify([seen.events, unseen.events])).not.toContain(CANARY);
    expect(JSON.stringify([seen.events, unseen.events])).not.toMatch(/"1[0-9]{18}"/);
    if (name === 'progressChanged') {
      expect(unseen.errors[0]!.message).toContain('There is no annotation request');
    }
    await seen.stop();
    await unseen.stop();
    await eventually(() => expect(scoped.subscriptions()).toBe(0));
    // As it was.
    await both.prisma.$executeRaw`UPDATE task SET frame_num = frame_num - 1`;
    await both.prisma
      .$executeRaw`DELETE FROM annotation_history WHERE status = 2 AND action_type = 5 AND attributes_sum = 0 AND instance_num > 0 AND frame_count = 1`;
  },
);

describe('a viewer from whom people are hidden', () => {
  const anybody = () => new RegExp(`"(${[...new Set(people)].join('|')})"`);

  it.each(QUERY_FIELDS.map((field) => [field.name, field] as const))(
    'is told of nobody by the query %s',
    async (_name, field) => {
      // Everything but what lists people, which is refused.
      const left = new Set([...LEFT, 'operatorRanking', 'workingTime', 'rejections']);
      if (left.has(field.name)) return;
      const writer = new OperationWriter(schema, left);
      const query = `{ ${writer.field(
        'Query',
        field,
        valuesOf((entity) => entity),
      )} }`;
      const answer = JSON.stringify(await hidden.gqlAnswer(query));
      expect(answer).not.toMatch(anybody());
      expect(answer).not.toContain('"errors"');
    },
  );

  it.each([
    'campaigns { nodes { operatorRanking(by: INSTANCES) { totalCount } } }',
    'workingTime { totalCount }',
    'campaigns { nodes { quality { rejections { returns } } } }',
    'workload(groupBy: [POOL_ASSIGNEE_ID]) { totalCount }',
    'workload(groupBy: [DAY], filter: { or: [{ teamId: { gt: 1 } }] }) { totalCount }',
    'workload(orderBy: [{ field: TEAM_ID }], groupBy: [TEAM_ID]) { totalCount }',
    'annotationHistory(filter: { poolAssigneeId: { gt: 1 } }) { aggregate { count } }',
    'annotationHistory(orderBy: [{ field: CREATOR_ID }]) { totalCount }',
    'annotationHistory { groupBy(keys: [TEAM_ID]) { teamId } }',
    'tasks(filter: { annotationHistory: { creatorId: { isNull: true } } }) { totalCount }',
    'campaigns { nodes { annotationRequests { nodes { annotationHistory(filter: { not: { creatorId: { eq: 1 } } }) { totalCount } } } } }',
  ])('may not ask for %s', async (field) => {
    const errors = await hidden.gqlErrors(`{ ${field} }`);
    expect(errors[0]).toMatchObject({ extensions: { code: 'FORBIDDEN' } });
    // Others may.
    const answer = await reference.gqlAnswer(`{ ${field} }`);
    expect(answer.errors ?? []).toEqual([]);
  });

  it('may not ask by variables either', async () => {
    const query = `query ($filter: AnnotationHistoryFilter, $keys: [WorkloadKey!]!, $first: Int) {
      annotationHistory(filter: $filter, first: $first) { totalCount } workload(groupBy: $keys) { totalCount } }`;
    await hidden.gql(query, { filter: { recordId: { gt: '0' } }, keys: ['DAY'], first: 1 });
    for (const variables of [
      { filter: { and: [{ teamId: { eq: '1' } }] }, keys: ['DAY'] },
      { filter: null, keys: ['DAY', 'CREATOR_ID'] },
    ]) {
      const errors = await hidden.gqlErrors(query, variables);
      expect(errors[0]).toMatchObject({ extensions: { code: 'FORBIDDEN' } });
    }
  });

  it.each([
    '($keys: [WorkloadKey!]! = [TEAM_ID]) { workload(groupBy: $keys) { totalCount } }',
    '($filter: AnnotationHistoryFilter = { teamId: { gt: 1 } }) { annotationHistory(filter: $filter) { aggregate { count } } }',
    '($filter: TaskFilter = { annotationHistory: { teamId: { gt: 1 } } }) { tasks(filter: $filter) { aggregate { count } } }',
  ])('may not ask by the default of a variable either: %s', async (operation) => {
    const errors = await hidden.gqlErrors(`query ${operation}`);
    expect(errors[0]).toMatchObject({ extensions: { code: 'FORBIDDEN' } });
    await reference.gql(`query ${operation}`);
  });

  it.each(['sse', 'websocket'] as const)('may not follow what somebody did, by %s', async (way) => {
    const { url } = await hidden.listen();
    for (const query of [
      'subscription { historyAppended(filter: { poolAssigneeId: { gt: 1 } }) { recordId } }',
      'subscription ($filter: AnnotationHistoryFilter = { poolAssigneeId: { gt: 1 } }) { historyAppended(filter: $filter) { recordId } }',
      'subscription ($filter: TaskFilter = { annotationHistory: { teamId: { gt: 1 } } }) { taskChanged(filter: $filter) { taskId } }',
    ]) {
      const subscription = subscribe(way, url, '', {}, query);
      await subscription.ended;
      expect(subscription.events).toEqual([]);
      expect(subscription.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
      await subscription.stop();
    }
  });

  it('is told of nobody by exports, and may not ask for anybody there', async () => {
    for (const path of ['all', 'annotation-history', 'workload']) {
      const { payload } = await hidden.inject({ url: `/export/${path}` });
      expect(payload).toContain('exportEnd');
      expect(payload).not.toMatch(/"(teamId|poolAssigneeId|creatorId)":\d/);
    }
    for (const query of [
      'workload?groupBy=TEAM_ID',
      `workload?filter=${encodeURIComponent('{"poolAssigneeId":{"gt":"1"}}')}`,
      `annotation-history?filter=${encodeURIComponent('{"not":{"creatorId":{"gt":"1"}}}')}`,
    ]) {
      const { headers, envelope } = await hidden.rest({ url: `/export/${query}` });
      expect(envelope.code).toBe(403);
      expect(headers['x-export-error']).toContain('Who did what is hidden');
    }
  });

  it('is told of nobody over REST', async () => {
    const request = JSON.parse(valuesOf((entity) => entity).annotationRequestId!) as string;
    const { payload } = await hidden.rest({
      url: `/statistics/record?annotationRequestId=${request}&pageSize=1000`,
    });
    expect(payload).toContain('"pool_assignee_id":null');
    expect(payload).not.toMatch(/"(team_id|pool_assignee_id|creator_id)":\d/);
    const changes = await hidden.rest({ url: '/changes?limit=1000' });
    expect(changes.payload).toContain('"creatorId":null');
    expect(changes.payload).not.toMatch(/"(teamId|poolAssigneeId|creatorId)":\d/);
  });
});

describe('a viewer of some campaigns who puts data in', () => {
  let writer: TestGateway;
  let writable: TestDatabase;
  beforeAll(async () => {
    writable = await createTestDatabase();
    await importText(writable, [
      ...PARENTS,
      line('campaign', { id: '"c-2"', projectId: '2', name: '"CANARY"' }),
      line('annotationRequest', { id: '"ar-2"', name: '"CANARY 2"', campaignId: '"c-2"' }),
      line('pool', { id: '2', campaignId: '"c-2"' }),
      line('task', { id: '2', annotationRequestId: '"ar-2"', poolId: '2' }),
      line('annotationHistory', { id: '2', taskId: '2', poolId: '2' }),
    ]);
    writer = await createTestGateway({
      database: writable,
      environment: { GATEWAY_INGEST: 'on' },
      anybody: viewer(['c-1', 'c-3']),
    });
  });
  afterAll(async () => {
    await writer.close();
    await writable.close();
  });

  const COUNTS =
    'instanceInfo: {}, instanceNum: 0, instanceSum: 0, attributesNum: 0, attributesSum: 0, frameCount: 1';
  const RECORD = `status: 2, actionType: 5, createdTime: "2025-01-01T00:00:00Z", ${COUNTS}`;
  const TASK =
    'sceneId: "s", status: 2, instanceInfo: {}, instanceNum: 0, attributeNum: 0, frameNum: 1';

  it.each([
    ['campaign: { id: "c-3", projectId: 3, name: "mine", campaignType: POC }', null],
    ['pool: { id: 3, name: "p", poolType: 1, campaignId: "c-1" }', null],
    [
      'campaign: { id: "c-2", projectId: 2, name: "stolen", campaignType: POC }',
      'The id "c-2" cannot be used.',
    ],
    [
      'campaign: { id: "c-4", projectId: 4, name: "new", campaignType: POC }',
      'The id "c-4" cannot be used.',
    ],
    [
      'campaign: { id: "c-1", projectId: 1234, name: "CANARY", campaignType: POC }',
      'The name "CANARY" cannot be used.',
    ],
    [
      'campaign: { id: "c-1", projectId: 2, name: "n", campaignType: POC }',
      'The projectId "2" cannot be used.',
    ],
    [
      'annotationRequest: { id: "ar-2", name: "x", campaignId: "c-1" }',
      'The id "ar-2" cannot be used.',
    ],
    [
      'annotationRequest: { id: "ar-3", name: "x", campaignId: "c-2" }',
      'There is no campaign "c-2" (campaignId).',
    ],
    [
      'annotationRequest: { id: "ar-3", name: "CANARY 2", campaignId: "c-1" }',
      'The name "CANARY 2" cannot be used.',
    ],
    ['pool: { id: 2, name: "p", poolType: 1, campaignId: "c-1" }', 'The id "2" cannot be used.'],
    [
      `task: { id: 3, annotationRequestId: "ar-2", poolId: 3001, ${TASK} }`,
      'There is no annotationRequest "ar-2" (annotationRequestId).',
    ],
    [
      `task: { id: 3, annotationRequestId: "ar-1", poolId: 2, ${TASK} }`,
      'There is no pool "2" (poolId).',
    ],
    [
      `task: { id: 2, annotationRequestId: "ar-1", poolId: 3001, ${TASK} }`,
      'The id "2" cannot be used.',
    ],
    [
      `annotationHistory: { id: 3, taskId: 2, poolId: 3001, ${RECORD} }`,
      'There is no task "2" (taskId).',
    ],
    [`annotationHistory: { id: 2, taskId: 2, poolId: 2, ${RECORD} }`, 'The id "2" cannot be used.'],
  ])('may send %s', async (entity, problem) => {
    const before = await dumpTables(writable);
    const { ingest } = await writer.gql<{
      ingest: { results: { error: { message: string } | null }[] };
    }>(`mutation { ingest(entities: [{ ${entity} }]) { results { error { message } } } }`);
    expect(ingest.results[0]!.error?.message ?? null).toBe(problem);
    if (problem !== null) expect(await dumpTables(writable)).toEqual(before);
  });
});

it('a request that is made anew elsewhere is gone for who follows it, whoever else does', async () => {
  const guarded = await createGuardedGateway();
  const { database } = guarded;
  const elsewhere = line('campaign', { id: '"c-2"', projectId: '2', name: '"c-2"' });
  const task = (id: number, poolId: string) => line('task', { id: `${id}`, poolId });
  await importText(database, [...PARENTS, task(1, '3001'), elsewhere]);
  await importText(database, [line('pool', { id: '2', campaignId: '"c-2"' })]);
  const { url } = await guarded.listen();
  const follow = async (campaigns: string[] | undefined) => {
    const headers = apiKey(await makeKey(guarded, { campaigns }));
    const text = '{ progressChanged(annotationRequestId: "ar-1") { total } }';
    const followed = subscribe<object>('sse', url, text, {}, undefined, headers);
    await followed.receive(1);
    return followed;
  };
  // The one who sees more comes first, and finds out first.
  const all = await follow(undefined);
  const some = await follow(['c-1']);
  await database.prisma.$executeRaw`DELETE FROM task`;
  await database.prisma.$executeRaw`DELETE FROM annotation_request`;
  const request = line('annotationRequest', { id: '"ar-1"', campaignId: '"c-2"' });
  await importText(database, [
    request,
    task(11, '2'),
    line('task', { id: '12', poolId: '2', sceneId: '"s-2"' }),
  ]);
  await eventually(() => {
    expect(all.events.at(-1)).toEqual({ progressChanged: { total: 2 } });
    expect(some.events.at(-1)).toEqual({ progressChanged: { total: 0 } });
  });
  expect(JSON.stringify(some.events)).not.toContain('"total":2');
  await Promise.all([all.stop(), some.stop()]);
  await guarded.close();
});
