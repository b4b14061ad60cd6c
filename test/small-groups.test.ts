import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnnotationHistoryEntity, Entity } from '../src/domain/entities.ts';
import { ANYBODY, type Viewer } from '../src/domain/viewer.ts';
import { clientFor } from '../src/database/scoped.ts';
import { schema } from '../src/schema/index.ts';
import { simulate } from '../src/simulator/simulate.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { createTestGateway, VAST_LIMITS, type TestGateway } from './support/gateway.ts';
import { OperationWriter } from './support/operations.ts';
import { importEntities, recordWith, taskWith } from './support/rows.ts';

/**
 * A viewer from whom people are hidden is told of no number that is the work of too few of them, however he asks; what tells
 * of tasks, and the records themselves, he may have.
 */

const READER: Viewer = { ...ANYBODY, role: 'reader', people: 'hidden' };
const MIN_GROUP = 5;
/** Crews of one person, of one too few, and of as many as it takes. */
const CREWS = [1, MIN_GROUP - 1, MIN_GROUP];

/** A task's way, sent back by both checks: the action, and the pool and status after it. */
const WAY = [
  [13, 1, 3],
  [7, 1, 4],
  [17, 1, 2],
  [7, 1, 4],
  [8, 2, 6],
  [10, 1, 2],
  [13, 1, 3],
  [7, 1, 4],
  [8, 2, 6],
  [13, 3, 9],
  [9, 3, 10],
  [6, 5, 11],
] as const;

/** A campaign of its own for a crew, each of whom has done everything; and one whose crew has a single annotator. */
function* campaignOf(crew: number, number: number, annotators = crew): Generator<Entity> {
  const name = annotators === crew ? String(crew) : 'one annotator';
  const first = BigInt(number) * 1_000_000n;
  yield {
    type: 'campaign',
    id: name,
    projectId: first,
    name,
    campaignType: 'POC',
  };
  yield { type: 'annotationRequest', id: name, name, campaignId: name };
  for (const poolType of [1, 2, 3, 5]) {
    const id = first + BigInt(poolType);
    yield { type: 'pool', id, name: `${poolType}`, poolType, campaignId: name };
  }
  for (let t = 0; t < 2 * crew; t++) {
    const taskId = first + BigInt(1000 * (t + 1));
    const poolId = first + 5n;
    yield taskWith({ id: taskId, annotationRequestId: name, poolId, sceneId: `${t}`, status: 11 });
    for (const [step, [actionType, pool, status]] of WAY.entries()) {
      const isAnnotation = actionType === 7;
      const operator = isAnnotation ? t % annotators : (t + step) % crew;
      yield recordWith({
        id: taskId + BigInt(step),
        taskId,
        poolId: first + BigInt(pool),
        status,
        actionType,
        createdTime: new Date(Date.UTC(2025, 3, 1, step, t)),
        poolAssigneeId: first + BigInt(operator),
        creatorId: 1n,
        ...(isAnnotation && { instanceInfo: { key: 3 }, instanceNum: 3, attributesNum: 1 }),
      });
    }
  }
}

let database: TestDatabase;
let hidden: TestGateway;
let shown: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  for (const [number, crew] of CREWS.entries()) {
    await importEntities(database, campaignOf(crew, number + 1));
  }
  await importEntities(database, campaignOf(MIN_GROUP, 9, 1));
  hidden = await createTestGateway({ database, anybody: READER });
  shown = await createTestGateway({ database });
});
afterAll(async () => {
  await hidden.close();
  await shown.close();
  await database.close();
});

const FORBIDDEN = {
  message: expect.stringContaining(`the work of fewer than ${MIN_GROUP} operators`) as string,
  extensions: { code: 'FORBIDDEN' },
};

const OF = (name: string) => `{ task: { campaign: { campaignId: { eq: "${name}" } } } }`;
const campaign = (name: string, fields: string) => `campaign(campaignId: "${name}") { ${fields} }`;
const request = (name: string, fields: string) =>
  `annotationRequest(annotationRequestId: "${name}") { ${fields} }`;
const EVERYTHING =
  'recordCount taskCount instances attributes frames submissions checks samplings rejectionsGiven returnsGiven rejectionsReceived returnsReceived workingDays firstRecordAt lastRecordAt';

/** What adds up records, asked of the campaign of a crew. */
const SUMS: Record<string, (name: string) => string> = {
  'the workload': (name) => campaign(name, `workload { nodes { ${EVERYTHING} } }`),
  'its groups': (name) =>
    campaign(name, 'workload(groupBy: [POOL, ACTION]) { nodes { recordCount } }'),
  'its groups without a measure': (name) =>
    campaign(name, 'workload(groupBy: [POOL]) { nodes { pool { poolId } } }'),
  'its groups by operation key': (name) =>
    campaign(name, 'workload(groupBy: [OPERATION_KEY]) { nodes { instances } }'),
  'the number of its groups': (name) => campaign(name, 'workload(groupBy: [MONTH]) { totalCount }'),
  'its groups that fulfil a condition': (name) =>
    campaign(name, 'workload(having: { instances: { gt: "1000000" } }) { nodes { recordCount } }'),
  'the number of those': (name) =>
    campaign(name, 'workload(having: { instances: { gt: "1000000" } }) { totalCount }'),
  'groups in an order': (name) =>
    campaign(
      name,
      'workload(groupBy: [POOL], orderBy: [{ field: INSTANCES }], first: 1) { nodes { pool { poolId } } }',
    ),
  'the last of them': (name) =>
    campaign(name, 'workload(groupBy: [POOL], last: 1) { nodes { pool { poolId } } }'),
  'the workload of a request': (name) => request(name, 'workload { nodes { submissions } }'),
  'the workload of pools': (name) =>
    campaign(name, 'pools(first: 1) { nodes { workload { nodes { recordCount } } } }'),
  'the workload of all, filtered': (name) =>
    `workload(filter: ${OF(name)}) { nodes { recordCount } }`,
  'the sums of a list': (name) =>
    `annotationHistory(filter: ${OF(name)}) { aggregate { count sum { instanceNum } max { createdTime } } }`,
  'its list in groups': (name) =>
    `annotationHistory(filter: ${OF(name)}) { groupBy(keys: [STATUS]) { statusCode aggregate { count } } }`,
  'the sums of a nested list': (name) =>
    request(name, 'annotationHistory { aggregate { average { instanceNum } } }'),
  'the nested list in groups': (name) =>
    request(name, 'annotationHistory { groupBy(keys: [POOL]) { aggregate { count } } }'),
  'the sums of the records behind a number': (name) =>
    campaign(name, 'flow { throughput { completions { aggregate { count } } } }'),
  'those in groups': (name) =>
    campaign(name, 'flow { moves { records { groupBy(keys: [ACTION]) { actionCode } } } }'),
  'the first pass yield': (name) =>
    campaign(name, 'quality { firstPassYield { completed firstPass ratio } }'),
  'the reviews': (name) => campaign(name, 'quality { review { passed rejected } }'),
  'the quality control': (name) => campaign(name, 'quality { qc { passed rejected } }'),
  'the rework': (name) => campaign(name, 'quality { rework { submissions instances } }'),
  'the working time in pools': (name) =>
    campaign(name, 'flow { timeInPool { poolTypeCode visits working { p50 } } }'),
};

/** The values that are there beside nulls, lists of nulls and empty objects. */
function values(data: unknown): unknown[] {
  if (data === null || data === undefined) return [];
  if (typeof data !== 'object') return [data];
  return Object.entries(data).flatMap(([name, value]) =>
    name === '__typename' ? [] : values(value),
  );
}

describe.each(Object.entries(SUMS))('%s', (_what, field) => {
  it.each(CREWS)('by a crew of %i', async (crew) => {
    const query = `{ asked: ${field(String(crew))} other: campaigns { totalCount } }`;
    const answer = await hidden.gqlAnswer<{ asked: unknown; other: unknown }>(query);
    if (crew < MIN_GROUP) {
      expect(answer.errors![0]).toMatchObject(FORBIDDEN);
      expect(values(answer.data!.asked)).toEqual([]);
      expect(answer.data!.other).toEqual({ totalCount: CREWS.length + 1 });
    } else {
      expect(answer).toEqual(await shown.gqlAnswer(query));
      expect(answer.errors).toBeUndefined();
    }
  });
});

it('a number is judged by those who have made it, not by all who were about', async () => {
  const ask = (fields: string) => `{ ${campaign('one annotator', fields)} }`;
  const told = ask('workload { nodes { recordCount taskCount checks } }');
  expect(await hidden.gqlAnswer(told)).toEqual(await shown.gqlAnswer(told));
  for (const fields of [
    'workload { nodes { submissions } }',
    'workload { nodes { instances } }',
    'workload(having: { submissions: { gt: 1 } }) { nodes { recordCount } }',
    'workload(groupBy: [MONTH], orderBy: [{ field: ATTRIBUTES }]) { nodes { recordCount } }',
    'workload { nodes { returnsReceived } }',
    'quality { review { rejected } }',
    'quality { firstPassYield { ratio } }',
    'annotationRequests { nodes { annotationHistory { aggregate { sum { instanceNum } } } } }',
  ]) {
    expect((await hidden.gqlErrors(ask(fields)))[0]).toMatchObject(FORBIDDEN);
  }
});

it('one scope that is refused leaves the others', async () => {
  const query = '{ campaigns { nodes { campaignId workload { nodes { recordCount } } } } }';
  const { data, errors } = await hidden.gqlAnswer<{
    campaigns: { nodes: { campaignId: string; workload: object | null }[] };
  }>(query);
  expect(data!.campaigns.nodes.map(({ campaignId, workload }) => [campaignId, !!workload])).toEqual(
    [
      ['1', false],
      ['4', false],
      ['5', true],
      ['one annotator', true],
    ],
  );
  expect(errors).toMatchObject([FORBIDDEN, FORBIDDEN]);
});

describe.each(['ndjson', 'csv'])('the export of the workload as %s', (format) => {
  it.each(CREWS)('by a crew of %i', async (crew) => {
    const filter = encodeURIComponent(
      JSON.stringify({ task: { campaign: { campaignId: { eq: String(crew) } } } }),
    );
    for (const more of ['', '&having={"instances":{"gt":"1000000"}}', '&groupBy=POOL']) {
      const url = `/export/workload?format=${format}&filter=${filter}${more}`;
      const { statusCode, headers, payload } = await hidden.inject({ url });
      if (crew < MIN_GROUP) {
        expect(statusCode).toBe(403);
        expect(headers['x-export-error']).toContain('the work of fewer than 5 operators');
      } else {
        // Whatever is written elsewhere on the server meanwhile moves the watermark on.
        const rows = (text: string) =>
          text
            .split('\n')
            .filter((line) => /workload/.test(line) && !/exportStart|exportEnd/.test(line));
        expect(rows(payload)).toEqual(rows((await shown.inject({ url })).payload));
      }
    }
  });
});

it('the switch turns it off, and people stay hidden', async () => {
  const gateway = await createTestGateway({
    database,
    anybody: READER,
    environment: { GATEWAY_MIN_GROUP: '1' },
  });
  for (const field of Object.values(SUMS)) {
    expect((await gateway.gqlAnswer(`{ ${field('1')} }`)).errors).toBeUndefined();
  }
  const errors = await gateway.gqlErrors('{ workload(groupBy: [TEAM_ID]) { totalCount } }');
  expect(errors[0]!.message).toContain('Who did what is hidden');
  await gateway.close();
});

it('what counts no operators gets no further than the client', async () => {
  const prisma = clientFor(database.prisma, { ...READER, minGroup: MIN_GROUP });
  await expect(prisma.$queryRaw`SELECT count(*) FROM annotation_history`).rejects.toThrow(
    'neither counts the operators',
  );
  await expect(
    prisma.$queryRaw`SELECT hidden_operator, 9 AS operators FROM annotation_history`,
  ).rejects.toThrow('who the operator of a record is');
  await expect(prisma.annotationHistory.aggregate({ _sum: { instanceNum: true } })).rejects.toThrow(
    'no way to aggregate',
  );
});

/** What may tell of one person's records: they themselves, and what became of tasks. README says why. */
const TOLD = [
  'AnnotationHistoryConnection_edges',
  'AnnotationHistoryConnection_nodes',
  'AnnotationHistoryPage_nodes',
  'AnnotationRequest_reconciliation',
  'Campaign_reconciliation',
  'EstimatedCompletion_asOf',
  'Flow_cycleTime',
  'Flow_moves',
  'Flow_throughput',
  'Flow_workInProgress',
  // Of pools that nobody works in.
  'PoolTypeTime_total',
  'PoolTypeTime_waiting',
];

describe('the work of one person', () => {
  let alike: TestGateway[];
  let databases: TestDatabase[];
  const left = new Set(['watermark', 'operatorRanking', 'workingTime', 'rejections', 'changes']);

  const own = [...simulate({ tasks: 12 })];
  const ofOne = (entity: Entity): Entity =>
    entity.type === 'annotationHistory' ? { ...entity, poolAssigneeId: 7n } : entity;
  /** The same records, each with more in it, and done at other times. */
  const otherwise = (record: AnnotationHistoryEntity): AnnotationHistoryEntity => ({
    ...record,
    createdTime: new Date(new Date(record.createdTime).getTime() * 2 - Date.UTC(2025, 0, 1)),
    instanceInfo: { other: record.instanceNum + 1 },
    instanceNum: record.instanceNum + 1,
    instanceSum: record.instanceSum + 1,
    attributesNum: record.attributesNum + 1,
    attributesSum: record.attributesSum + 1,
    frameCount: record.frameCount + 1,
  });

  beforeAll(async () => {
    databases = await Promise.all([createTestDatabase(), createTestDatabase()]);
    await importEntities(databases[0]!, own.map(ofOne));
    await importEntities(
      databases[1]!,
      own
        .map(ofOne)
        .map((entity) => (entity.type === 'annotationHistory' ? otherwise(entity) : entity)),
    );
    alike = await Promise.all(
      databases.map((one) =>
        createTestGateway({
          database: one,
          anybody: READER,
          environment: { ...VAST_LIMITS, GATEWAY_MIN_GROUP: '2' },
        }),
      ),
    );
  });
  afterAll(async () => {
    await Promise.all(alike.map((gateway) => gateway.close()));
    await Promise.all(databases.map((one) => one.close()));
  });

  /** Nobody's work may be told, and what is refused tells nothing. */
  const isNothing = (value: unknown) =>
    value === null || value === undefined || value === 0 || value === '0';

  /** What is compared as a whole: pages of records, the checks of them, and how tasks went their way. */
  const WHOLE =
    /^AnnotationHistory(Connection|Page)_(nodes|edges|pageInfo)$|_reconciliation$|^Flow_(?!timeInPool)|^PoolTypeTime_(total|waiting)$/;

  /** The places of an answer where it differs from another, by the names of types and fields. */
  function differences(a: unknown, b: unknown, place = ''): string[] {
    const parts = (value: unknown): Record<string, unknown> =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
    const names = [...new Set([...Object.keys(parts(a)), ...Object.keys(parts(b))])];
    if (WHOLE.test(place)) return JSON.stringify(a) === JSON.stringify(b) ? [] : [place];
    if (isNothing(a) || isNothing(b)) {
      const told = values(isNothing(a) ? b : a).filter((value) => !isNothing(value));
      return told.length > 0 ? [place] : [];
    }
    if (names.length === 0) return JSON.stringify(a) === JSON.stringify(b) ? [] : [place];
    return names.flatMap((name) =>
      differences(parts(a)[name], parts(b)[name], /^\d+$/.test(name) ? place : name),
    );
  }

  it('shows nowhere but in what tells of tasks, and in its records', async () => {
    const first = <T extends Entity['type']>(type: T) =>
      own.find((entity) => entity.type === type) as Extract<Entity, { type: T }>;
    const task = own.findLast((entity) => entity.type === 'task')!;
    const ids = {
      campaignId: JSON.stringify(first('campaign').id),
      annotationRequestId: JSON.stringify(task.annotationRequestId),
      annotationRequestIds: JSON.stringify([task.annotationRequestId]),
      sceneId: JSON.stringify(task.sceneId),
      taskId: `"${task.id}"`,
      poolId: `"${task.poolId}"`,
      id: JSON.stringify(Buffer.from(`Task:${task.id}`).toString('base64url')),
      ids: JSON.stringify([Buffer.from(`Task:${task.id}`).toString('base64url')]),
      page: '1',
      pageSize: '20',
      first: '3',
      day: '"2025-02-05"',
    };
    const different = new Set<string>();
    const writer = new OperationWriter(schema, left);
    for (const field of Object.values(schema.getQueryType()!.getFields())) {
      if (left.has(field.name)) continue;
      const query = `{ ${writer.field('Query', field, ids)} }`;
      const [a, b] = await Promise.all(
        alike.map((gateway) => gateway.gqlAnswer<Record<string, unknown>>(query)),
      );
      for (const { extensions } of [...(a!.errors ?? []), ...(b!.errors ?? [])]) {
        expect(extensions!.code).toBe('FORBIDDEN');
      }
      for (const place of differences(a!.data, b!.data, field.name)) different.add(place);
    }
    expect([...different].sort()).toEqual(TOLD);
  });
});
