import fc from 'fast-check';
import { validate } from 'graphql';
import { Agent, get as httpGet } from 'node:http';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGateway } from '../src/app/gateway.ts';
import { createHttpServer } from '../src/app/server.ts';
import { isTextId } from '../src/domain/ids.ts';
import { REST_DOCUMENTS } from '../src/rest/rest.ts';
import { schema } from '../src/schema/index.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { envelopeIn, send, sendBytes, type RestRequest } from './support/rest-client.ts';

let gateway: TestGateway;
let port: number;

beforeAll(async () => {
  gateway = await createTestGateway({
    environment: { GATEWAY_TIME_ZONE: 'Asia/Shanghai', ROSETTA_DOMAIN: 'rosetta.test:8443' },
  });
  ({ port } = await gateway.listen());
  await insertRows();
});
afterAll(() => gateway.close());

const MAX_ID = 2n ** 63n - 1n;

/** Two campaigns; one request of each has tasks, and the first campaign has an empty request too. */
async function insertRows(): Promise<void> {
  const { prisma } = gateway.database;
  await prisma.campaign.createMany({
    data: [
      { id: 'c-1', projectId: 1234n, name: 'Helix 3D', campaignType: 'POC' },
      { id: 'c-2', projectId: MAX_ID, name: 'Helix 4D', campaignType: 'FORMAL' },
    ],
  });
  await prisma.annotationRequest.createMany({
    data: [
      { id: 'ar-1', campaignId: 'c-1', name: 'AR 1' },
      { id: 'ar-2', campaignId: 'c-2', name: 'AR 2' },
      { id: 'ar-empty', campaignId: 'c-1', name: 'AR empty' },
      { id: 'a,b', campaignId: 'c-1', name: 'AR comma' },
    ],
  });
  await prisma.pool.createMany({
    data: [
      { id: 3001n, campaignId: 'c-1', name: 'ar annotation pool name', poolType: 1 },
      { id: MAX_ID, campaignId: 'c-2', name: 'pool "of"\n€😀', poolType: 9 },
    ],
  });
  const task = { campaignId: 'c-1', poolId: 3001n, instanceNum: 55, attributeNum: 5, frameNum: 1 };
  const instanceInfo = { 'select-[e000f]': 44 };
  await prisma.task.createMany({
    data: [
      ...[466_917_967_054_114_816n, 466_917_967_054_114_817n, 9n, 10n].map((id) => ({
        ...task,
        id,
        annotationRequestId: 'ar-1',
        sceneId: `scene-${id}`,
        status: 2,
        instanceInfo,
      })),
      {
        ...task,
        id: MAX_ID,
        annotationRequestId: 'ar-2',
        campaignId: 'c-2',
        poolId: MAX_ID,
        sceneId: 'scene-10',
        status: 99,
        instanceInfo: {},
        instanceNum: 2 ** 31 - 1,
      },
      {
        ...task,
        id: 11n,
        annotationRequestId: 'ar-2',
        campaignId: 'c-2',
        poolId: MAX_ID,
        sceneId: 'scène-😀',
        status: 7,
        instanceInfo: {},
      },
    ],
  });
  const record = {
    campaignId: 'c-1',
    annotationRequestId: 'ar-1',
    taskId: 466_917_967_054_114_816n,
    poolId: 3001n,
    status: 3,
    actionType: 13,
    teamId: 9_007_199_254_740_993n,
    poolAssigneeId: 5001n,
    creatorId: 6001n,
    createdTime: new Date('2025-04-01T16:00:00.999Z'),
    instanceInfo,
    instanceNum: 10,
    instanceSum: 20,
    attributesNum: 5,
    attributesSum: 10,
    frameCount: 1,
  };
  await prisma.annotationHistory.createMany({
    data: [
      { ...record, id: 9_007_199_254_740_993n },
      {
        ...record,
        id: 1n,
        status: 1,
        actionType: 0,
        teamId: null,
        poolAssigneeId: null,
        creatorId: null,
      },
      {
        ...record,
        id: MAX_ID,
        campaignId: 'c-2',
        annotationRequestId: 'ar-2',
        taskId: MAX_ID,
        poolId: MAX_ID,
        status: 99,
        actionType: 42,
        teamId: MAX_ID,
      },
    ],
  });
}

const ask = (request: RestRequest) => send({ port }, request);
const get = (path: string, body?: unknown) => ask({ path, body });
const post = (body: unknown) => ask({ method: 'POST', path: '/task/get', body });

interface Row {
  id: number;
}

async function statistics(query: string) {
  const { status, envelope } = await get(`/statistics?${query}`);
  expect(status).toBe(200);
  const data = envelope.data as { count: number; data: Row[] } | null;
  return data ? { count: data.count, ids: data.data.map((row) => row.id) } : envelope.code;
}

async function records(query: string) {
  const { status, envelope } = await get(`/statistics/record?${query}`);
  expect(status).toBe(200);
  return (envelope.data as Row[] | null)?.map((row) => row.id) ?? envelope.code;
}

it('the documents are valid against the schema', () => {
  expect(REST_DOCUMENTS).toHaveLength(4);
  for (const document of REST_DOCUMENTS) expect(validate(schema, document)).toEqual([]);
});

describe('POST /task/get', () => {
  const ids = {
    campaignId: 'c-1',
    annotationRequestId: 'ar-1',
    sceneId: 'scene-466917967054114816',
  };

  it('tells where to look at a task and where it stands', async () => {
    const { status, text } = await post(ids);
    expect(status).toBe(200);
    expect(text).toContain(
      '{"code":2000,"message":"Success","data":{"viewUrl":"https://rosetta.test:8443/rosetta-open/task/1234/466917967054114816/viewOnly","status":2},"date":"',
    );
    const other = await post({
      campaignId: 'c-2',
      annotationRequestId: 'ar-2',
      sceneId: 'scene-10',
    });
    expect(other.text).toContain(
      `"data":{"viewUrl":"https://rosetta.test:8443/rosetta-open/task/${MAX_ID}/${MAX_ID}/viewOnly","status":99}`,
    );
  });

  it('has a default domain', async () => {
    const other = await createTestGateway({ database: gateway.database });
    const { envelope } = await other.rest({ method: 'POST', url: '/task/get', payload: ids });
    expect(envelope.data).toEqual({
      viewUrl: 'https://rosetta.example.com/rosetta-open/task/1234/466917967054114816/viewOnly',
      status: 2,
    });
    await other.close();
  });

  it.each([
    [
      'an unknown campaign before all',
      { campaignId: 'x', annotationRequestId: 'x', sceneId: 'x' },
      51008,
    ],
    ['an unknown campaign, its request known', { ...ids, campaignId: 'x' }, 51008],
    ['an unknown request', { ...ids, annotationRequestId: 'x', sceneId: 'x' }, 53003],
    ['a request of another campaign', { ...ids, annotationRequestId: 'ar-2' }, 53003],
    ['another campaign', { ...ids, campaignId: 'c-2' }, 53003],
    ['an unknown scene', { ...ids, sceneId: 'x' }, 56001],
    ['a scene of another request', { ...ids, sceneId: 'scène-😀' }, 56001],
    ['a scene in another case', { ...ids, sceneId: ids.sceneId.toUpperCase() }, 56001],
    ['a bad argument before all', { campaignId: 'x', annotationRequestId: 'x', sceneId: '' }, 4005],
  ])('reports %s', async (_, body, code) => {
    const { status, envelope } = await post(body);
    expect(status).toBe(200);
    expect(envelope).toMatchObject({ code, data: null, success: false });
  });
});

describe('GET /statistics', () => {
  it('has a row for each task with all fields, in their order', async () => {
    const { text } = await get('/statistics?annotationRequestId=ar-2');
    expect(text).toContain(
      '{"code":2000,"message":"Success","data":{"count":2,"data":[' +
        '{"id":11,"status":7,"campaignId":"c-2","poolName":"pool \\"of\\"\\n€😀","poolType":9,"instanceInfo":{},"instanceNum":55,"attributeNum":5,"frameNum":1},' +
        `{"id":${MAX_ID},"status":99,"campaignId":"c-2","poolName":"pool \\"of\\"\\n€😀","poolType":9,"instanceInfo":{},"instanceNum":2147483647,"attributeNum":5,"frameNum":1}` +
        ']},"date":"',
    );
    const first = await get('/statistics?annotationRequestId=ar-1&limit=1&offset=3');
    expect(first.text).toContain(
      '"data":{"count":4,"data":[{"id":466917967054114816,"status":2,"campaignId":"c-1","poolName":"ar annotation pool name","poolType":1,"instanceInfo":{"select-[e000f]": 44},"instanceNum":55,',
    );
  });

  it('orders by id over all requests and counts them all, each once', async () => {
    const query = 'annotationRequestId=ar-2&annotationRequestId[]=ar-1&annotationRequestId[0]=ar-2';
    const { text } = await get(`/statistics?${query}`);
    expect(text.match(/"id":(\d+)/g)).toEqual(
      [9n, 10n, 11n, 466_917_967_054_114_816n, 466_917_967_054_114_817n, MAX_ID].map(
        (id) => `"id":${id}`,
      ),
    );
    expect(await statistics(`${query}&limit=2`)).toEqual({ count: 6, ids: [9, 10] });
    expect(await statistics(`${query}&limit=2&offset=2`)).toMatchObject({
      count: 6,
      ids: [11, expect.any(Number)],
    });
    expect(await statistics('annotationRequestId=ar-1,ar-2&limit=1')).toEqual({
      count: 6,
      ids: [9],
    });
  });

  it('has an empty page past the end, with the true count', async () => {
    for (const offset of [2, 2_147_483_647]) {
      for (const ids of ['annotationRequestId=ar-1', 'annotationRequestId=ar-1,ar-empty']) {
        expect(await statistics(`${ids}&offset=${offset}&limit=100`)).toEqual({
          count: 4,
          ids: [],
        });
      }
    }
    expect(await statistics('annotationRequestId=ar-empty')).toEqual({ count: 0, ids: [] });
  });

  it('reports an unknown request even beside known ones', async () => {
    expect(await statistics('annotationRequestId=x')).toBe(53003);
    expect(await statistics('annotationRequestId=ar-1,x')).toBe(53003);
    expect(await statistics('annotationRequestId=AR-1')).toBe(53003);
    expect(await statistics('annotationRequestId=ar-1%20')).toBe(53003);
    expect(await statistics('annotationRequestId=a%2Cb&annotationRequestId=ar-1')).toMatchObject({
      count: 4,
    });
    expect(await statistics('annotationRequestId[]=a,b')).toEqual({ count: 0, ids: [] });
    expect(await statistics('annotationRequestId=a,b')).toBe(53003);
  });

  it('serves at most 100 rows, says so and logs it', async () => {
    const { headers, envelope } = await get('/statistics?annotationRequestId=ar-1&limit=101');
    expect(headers['x-page-size']).toBe('100');
    expect(gateway.logged).toContainEqual(
      expect.objectContaining({
        level: pino.levels.values.warn,
        requestId: envelope.requestId,
        asked: 101,
        served: 100,
      }),
    );
  });

  it('takes its arguments from a body too, announced or chunked', async () => {
    for (const chunked of [false, true]) {
      const body = { annotationRequestId: ['ar-1'], offset: '2', limit: 3 };
      const { envelope } = await ask({ path: '/rosetta-open/statistics', body, chunked });
      expect(envelope).toMatchObject({ code: 2000, data: { count: 4, data: { length: 1 } } });
    }
  });
});

describe('GET /statistics/record', () => {
  it('has a row for each record with all fields, in their order, in the zone of the gateway', async () => {
    const { text } = await get('/statistics/record', { annotationRequestId: ['ar-1', 'ar-2'] });
    const rest =
      '"instance_info":{"select-[e000f]": 44},"instance_num":10,"attributes_num":5,"instance_sum":20,"attributes_sum":10,"frame_count":1}';
    const time = '"created_time":"2025-04-02 00:00:00"';
    expect(text).toContain(
      '"data":[' +
        [
          `{"id":1,"status":1,"project_id":1234,"task_id":466917967054114816,"pool_id":3001,"pool_type":1,"team_id":null,"pool_assignee_id":null,"creator_id":null,${time},"action_type":0,${rest}`,
          `{"id":9007199254740993,"status":3,"project_id":1234,"task_id":466917967054114816,"pool_id":3001,"pool_type":1,"team_id":9007199254740993,"pool_assignee_id":5001,"creator_id":6001,${time},"action_type":13,${rest}`,
          `{"id":${MAX_ID},"status":99,"project_id":${MAX_ID},"task_id":${MAX_ID},"pool_id":${MAX_ID},"pool_type":9,"team_id":${MAX_ID},"pool_assignee_id":5001,"creator_id":6001,${time},"action_type":42,${rest}`,
        ].join(',') +
        '],"date":"',
    );
  });

  it('counts pages from 1, and has an empty one past the end', async () => {
    const ids = 'annotationRequestId=ar-1&annotationRequestId=ar-2';
    expect(await records(`${ids}&pageSize=1`)).toEqual([1]);
    expect(await records(`${ids}&pageSize=1&pageNumber=4`)).toEqual([]);
    expect(await records(`${ids}&pageSize=1000&pageNumber=2147483647`)).toEqual([]);
    expect(await records('annotationRequestId=ar-1&pageNumber=2147483647')).toEqual([]);
  });

  it('gives an unknown request no rows', async () => {
    expect(await records('annotationRequestId=x')).toEqual([]);
    expect(await records('annotationRequestId=ar-1,x&pageSize=1')).toEqual([1]);
  });
});

describe('every answer', () => {
  it('has an id of its own, in the header and in the log line too', async () => {
    for (const path of ['/statistics?annotationRequestId=ar-1', '/statistics', '/x']) {
      const { headers, envelope } = await get(path);
      expect(envelope.requestId).toMatch(/^[0-9a-f]{32}$/);
      expect(headers['x-request-id']).toBe(envelope.requestId);
      await expect
        .poll(() => gateway.logged.filter((line) => line.requestId === envelope.requestId))
        .toEqual([expect.objectContaining({ msg: 'request', code: envelope.code })]);
    }
  });

  it('has the time of the gateway’s zone', async () => {
    const { envelope } = await get('/statistics');
    const date = Date.parse(`${envelope.date.replace(' ', 'T')}+08:00`);
    expect(Math.abs(Date.now() - date)).toBeLessThan(5000);
  });

  it('keeps what went wrong to the log', async () => {
    const { prisma } = gateway.database;
    await prisma.$executeRawUnsafe('ALTER TABLE task RENAME TO lost');
    try {
      const { status, headers, envelope } = await get(
        '/statistics?annotationRequestId=ar-1&limit=7',
      );
      expect(status).toBe(500);
      expect(headers['retry-after']).toBeUndefined();
      expect(headers['x-page-size']).toBe('7');
      expect(envelope).toMatchObject({
        code: 5000,
        message: 'Service hiccuped, please try again later.',
        data: null,
        success: false,
      });
      const lines = gateway.logged.filter((line) => line.requestId === envelope.requestId);
      expect(JSON.stringify(lines)).toContain('task');
      expect(lines).toContainEqual(expect.objectContaining({ level: pino.levels.values.error }));
    } finally {
      await prisma.$executeRawUnsafe('ALTER TABLE lost RENAME TO task');
    }
  });

  it('asks to try again while there is no database', async () => {
    const log = pino({ level: 'silent' });
    const { config, metrics } = gateway;
    const own = createGateway({ config, log, metrics, database: () => undefined });
    const server = createHttpServer(config, own, log, metrics);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const answer = await send({ port }, { path: '/statistics?annotationRequestId=ar-1' });
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.envelope).toMatchObject({
      code: 5000,
      message: 'Service hiccuped, please try again later.',
      data: null,
    });
    server.close();
  });
});

describe('the limits of the gateway', () => {
  it('let 1,000 UUIDs through in a query string', async () => {
    const ids = Array.from(
      { length: 1000 },
      (_, index) => `7d44b43b-3bbd-4f53-9f95-${String(index).padStart(12, '0')}`,
    );
    const list = ids.map((id) => `annotationRequestId%5B%5D=${id}`).join('&');
    expect(await records(list)).toEqual([]);
    expect(await records(`${list}&annotationRequestId=one-more`)).toBe(4005);
    expect(await statistics(list)).toBe(53003);
  });

  it('refuse more than 128 KiB of headers with 431', async () => {
    const answer = await sendBytes(
      { port },
      `GET /statistics?annotationRequestId=${'x'.repeat(131_072)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
    const envelope = envelopeIn(answer);
    expect(envelope).toMatchObject({
      code: 431,
      message: 'Request Header Fields Too Large',
      data: null,
      success: false,
    });
    expect(gateway.logged).toContainEqual(
      expect.objectContaining({ requestId: envelope.requestId, status: 431 }),
    );
  });

  it('refuse a body over 1 MiB with 413, a GET’s too', async () => {
    const body = (bytes: number) => `{"annotationRequestId":"ar-1"${' '.repeat(bytes - 30)}}`;
    for (const chunked of [false, true]) {
      const most = await ask({ path: '/statistics', body: body(1_048_576), chunked });
      expect(most.envelope.code).toBe(2000);
      const more = await ask({ path: '/statistics', body: body(1_048_577), chunked });
      expect(more.status).toBe(413);
      expect(more.envelope).toMatchObject({ code: 413, message: 'Payload Too Large', data: null });
    }
  });

  it('can be set', async () => {
    const small = await createTestGateway({
      database: gateway.database,
      environment: { GATEWAY_MAX_BODY_BYTES: '30' },
    });
    const { port } = await small.listen();
    const body = '{"annotationRequestId":"ar-1"}';
    expect((await send({ port }, { path: '/statistics', body })).status).toBe(200);
    expect((await send({ port }, { path: '/statistics', body: `${body} ` })).status).toBe(413);
    await small.close();
  });
});

it('connections are kept for the next request', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set<number | undefined>();
  for (const path of ['/statistics?annotationRequestId=ar-1', '/statistics', '/x', '/statistics']) {
    await new Promise<void>((resolve, reject) => {
      httpGet({ port, path, agent }, (res) => {
        ports.add(res.socket.localPort);
        res.resume().on('end', resolve);
      }).on('error', reject);
    });
  }
  expect(ports.size).toBe(1);
  agent.destroy();
});

describe('REST and GraphQL say the same', () => {
  const count = fc.oneof(
    fc.constantFrom(0, 2_147_483_647),
    fc.integer({ min: 0, max: 2_147_483_647 }),
  );
  const text = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 60 })
    .filter((value) => isTextId(value));
  const instanceInfo = fc.dictionary(
    fc
      .string({ unit: 'binary', maxLength: 20 })
      .filter((key) => key.isWellFormed() && !key.includes('\0')),
    count,
  );
  const nullableId = fc.option(fc.bigInt({ min: 0n, max: MAX_ID }));
  // Each run has a range of ids to itself, so that what earlier runs stored is not in its way.
  const localId = fc.bigInt({ min: 0n, max: 2n ** 57n - 1n });
  const uniqueBy = <T, K>(row: fc.Arbitrary<T>, key: (value: T) => K, max: number) =>
    fc.uniqueArray(row, { selector: key, minLength: 1, maxLength: max });

  const model = fc.record({
    campaigns: uniqueBy(fc.record({ id: text, projectId: localId }), (row) => row.id, 3).filter(
      (rows) => new Set(rows.map((row) => row.projectId)).size === rows.length,
    ),
    requests: uniqueBy(fc.record({ id: text, campaign: fc.nat() }), (row) => row.id, 4),
    pools: fc.array(fc.record({ name: text, poolType: count }), { minLength: 3, maxLength: 3 }),
    tasks: uniqueBy(
      fc.record({
        id: localId,
        request: fc.nat(),
        status: fc.oneof(fc.integer({ min: 0, max: 11 }), count),
        instanceInfo,
        instanceNum: count,
        attributeNum: count,
        frameNum: count,
      }),
      (row) => row.id,
      12,
    ),
    records: uniqueBy(
      fc.record({
        id: localId,
        task: fc.nat(),
        status: count,
        actionType: fc.oneof(fc.integer({ min: 0, max: 17 }), count),
        teamId: nullableId,
        poolAssigneeId: nullableId,
        creatorId: nullableId,
        createdTime: fc.date({
          min: new Date('1900-01-01'),
          max: new Date('2199-12-31'),
          noInvalidDate: true,
        }),
        instanceInfo,
        instanceNum: count,
        instanceSum: count,
        attributesNum: count,
        attributesSum: count,
        frameCount: count,
      }),
      (row) => row.id,
      20,
    ),
  });

  const QUERY = /* GraphQL */ `
    query Same($ids: [String!]!) {
      tasks(annotationRequestIds: $ids, first: 100) {
        totalCount
        edges {
          node {
            taskId
            statusCode
            sceneId
            viewUrl
            annotationRequest {
              annotationRequestId
              campaign {
                campaignId
              }
            }
            pool {
              name
              typeCode
            }
            instanceInfo
            instanceNum
            attributeNum
            frameNum
          }
        }
      }
      annotationHistory(annotationRequestIds: $ids, first: 1000) {
        edges {
          node {
            recordId
            statusCode
            task {
              taskId
              campaign {
                projectId
              }
            }
            pool {
              poolId
              typeCode
            }
            teamId
            poolAssigneeId
            creatorId
            createdTime
            actionCode
            instanceInfo
            instanceNum
            attributesNum
            instanceSum
            attributesSum
            frameCount
          }
        }
      }
    }
  `;

  interface Connection<Node> {
    totalCount: number;
    edges: { node: Node }[];
  }

  interface TaskNode {
    taskId: string;
    statusCode: number;
    sceneId: string;
    viewUrl: string;
    annotationRequest: { annotationRequestId: string; campaign: { campaignId: string } };
    pool: { name: string; typeCode: number };
    instanceInfo: object;
    instanceNum: number;
    attributeNum: number;
    frameNum: number;
  }

  interface RecordNode {
    recordId: string;
    statusCode: number;
    task: { taskId: string; campaign: { projectId: string } };
    pool: { poolId: string; typeCode: number };
    teamId: string | null;
    poolAssigneeId: string | null;
    creatorId: string | null;
    createdTime: string;
    actionCode: number;
    instanceInfo: object;
    instanceNum: number;
    attributesNum: number;
    instanceSum: number;
    attributesSum: number;
    frameCount: number;
  }

  interface Same {
    tasks: Connection<TaskNode>;
    annotationHistory: Connection<RecordNode>;
  }

  /** JSON.parse rounds ids; their digits are kept as text instead, as GraphQL has them. */
  function dataOf<Data>(json: string): Data {
    const { data } = JSON.parse(
      json.replace(
        /"((?:project_|task_|pool_|team_|pool_assignee_|creator_)?id)":(\d+)/g,
        '"$1":"$2"',
      ),
    ) as { data: Data };
    return data;
  }

  it('about random rows', async () => {
    let run = 0n;
    await fc.assert(
      fc.asyncProperty(model, async (rows) => {
        const base = ++run << 57n;
        const { requestIds } = await store(rows, base, `${run}:`);
        const path = (route: string, size: string) =>
          `${route}?${requestIds.map((id) => `annotationRequestId[]=${encodeURIComponent(id)}`).join('&')}&${size}`;
        const data = await gateway.gql<Same>(QUERY, { ids: requestIds });
        const nodes = <Node>({ edges }: Connection<Node>) => edges.map((edge) => edge.node);

        const tasks = dataOf<{ count: number }>((await get(path('/statistics', 'limit=100'))).text);
        expect(tasks).toEqual({
          count: data.tasks.totalCount,
          data: nodes(data.tasks).map((node) => ({
            id: node.taskId,
            status: node.statusCode,
            campaignId: node.annotationRequest.campaign.campaignId,
            poolName: node.pool.name,
            poolType: node.pool.typeCode,
            instanceInfo: node.instanceInfo,
            instanceNum: node.instanceNum,
            attributeNum: node.attributeNum,
            frameNum: node.frameNum,
          })),
        });
        expect(tasks.count).toBe(rows.tasks.length);

        const history = dataOf<unknown[]>(
          (await get(path('/statistics/record', 'pageSize=1000'))).text,
        );
        expect(history).toEqual(
          nodes(data.annotationHistory).map((node) => ({
            id: node.recordId,
            status: node.statusCode,
            project_id: node.task.campaign.projectId,
            task_id: node.task.taskId,
            pool_id: node.pool.poolId,
            pool_type: node.pool.typeCode,
            team_id: node.teamId,
            pool_assignee_id: node.poolAssigneeId,
            creator_id: node.creatorId,
            created_time: inShanghai(node.createdTime),
            action_type: node.actionCode,
            instance_info: node.instanceInfo,
            instance_num: node.instanceNum,
            attributes_num: node.attributesNum,
            instance_sum: node.instanceSum,
            attributes_sum: node.attributesSum,
            frame_count: node.frameCount,
          })),
        );
        expect(history).toHaveLength(rows.records.length);

        for (const node of nodes(data.tasks)) {
          const { envelope } = await post({
            campaignId: node.annotationRequest.campaign.campaignId,
            annotationRequestId: node.annotationRequest.annotationRequestId,
            sceneId: node.sceneId,
          });
          expect(envelope.data).toEqual({ viewUrl: node.viewUrl, status: node.statusCode });
        }
      }),
      { numRuns: 20 },
    );
  });

  /** By another way than the gateway's own: the parts of the instant on the clocks of Shanghai. */
  function inShanghai(iso: string): string {
    const parts = new Intl.DateTimeFormat('en-GB', {
      timeZone: 'Asia/Shanghai',
      dateStyle: 'short',
      timeStyle: 'medium',
    }).formatToParts(new Date(iso));
    const part = (type: string) => parts.find((candidate) => candidate.type === type)?.value;
    return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}:${part('second')}`;
  }

  type Model = typeof model extends fc.Arbitrary<infer T> ? T : never;

  /** Stores the rows, whose references to each other are any number: the position in the other list, modulo its length. */
  async function store(
    rows: Model,
    base: bigint,
    prefix: string,
  ): Promise<{ requestIds: string[] }> {
    const { prisma } = gateway.database;
    const at = <T>(list: readonly T[], index: number) => list[index % list.length] as T;
    const campaigns = rows.campaigns.map((row, index) => ({
      id: prefix + row.id,
      projectId: base + row.projectId,
      name: `${prefix}${index}`,
      campaignType: 'POC' as const,
    }));
    const requests = rows.requests.map((row, index) => ({
      id: prefix + row.id,
      campaignId: at(campaigns, row.campaign).id,
      name: `${prefix}${index}`,
    }));
    const pools = campaigns.flatMap((campaign, c) =>
      rows.pools.map((pool, p) => ({
        ...pool,
        id: base + BigInt(3 * c + p),
        campaignId: campaign.id,
      })),
    );
    const poolOf = (campaignId: string, index: number) =>
      at(
        pools.filter((pool) => pool.campaignId === campaignId),
        index,
      ).id;
    const tasks = rows.tasks.map(({ request, ...row }, index) => {
      const { id: annotationRequestId, campaignId } = at(requests, request);
      return {
        ...row,
        id: base + row.id,
        annotationRequestId,
        campaignId,
        sceneId: `scene ${index}`,
        poolId: poolOf(campaignId, request),
      };
    });
    const records = rows.records.map(({ task: index, ...row }) => {
      const { id: taskId, annotationRequestId, campaignId } = at(tasks, index);
      const poolId = poolOf(campaignId, index);
      return { ...row, id: base + row.id, taskId, annotationRequestId, campaignId, poolId };
    });
    await prisma.campaign.createMany({ data: campaigns });
    await prisma.annotationRequest.createMany({ data: requests });
    await prisma.pool.createMany({ data: pools });
    await prisma.task.createMany({ data: tasks });
    await prisma.annotationHistory.createMany({ data: records });
    return { requestIds: requests.map((request) => request.id) };
  }
});
