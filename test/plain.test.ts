import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPlainForm, createPlainWriter } from '../src/compiled/plain.ts';
import { ANYBODY, type Viewer } from '../src/domain/viewer.ts';
import { STATISTICS_DOCUMENT, STATISTICS_RECORD_DOCUMENT } from '../src/rest/documents.ts';
import { schema } from '../src/schema/index.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';

const MAX_ID = 2n ** 63n - 1n;
const MAX_COUNT = 2 ** 31 - 1;

describe('what resolvers gave, written plainly', () => {
  it('has the keys of the document in their order, ids with all digits', () => {
    const write = createPlainWriter(schema, STATISTICS_DOCUMENT, createPlainForm('UTC'));
    const task = {
      id: '9223372036854775807',
      status: 99,
      campaign: { campaignId: 'c"\\\n€😀' },
      pool: { poolName: 'pool', poolType: 7 },
      instanceInfo: { b: MAX_COUNT, a: 0, '10': 1, toJSON: 1, é: 2, __proto__x: 3 },
      instanceNum: MAX_COUNT,
      attributeNum: 0,
      frameNum: 1,
    };
    const proto = JSON.parse('{"__proto__":5}') as object;
    const data = [task, { ...task, id: '0', instanceInfo: proto }];
    expect(
      write({ taskPage: { unknownAnnotationRequestIds: ['"'], count: 1930, data } }),
    ).toStrictEqual({
      unknownAnnotationRequestIds: '["\\""]',
      count: '1930',
      data:
        '[{"id":9223372036854775807,"status":99,"campaignId":"c\\"\\\\\\n€😀","poolName":"pool","poolType":7,' +
        '"instanceInfo":{"a": 0, "b": 2147483647, "10": 1, "é": 2, "toJSON": 1, "__proto__x": 3},' +
        '"instanceNum":2147483647,"attributeNum":0,"frameNum":1},' +
        '{"id":0,"status":99,"campaignId":"c\\"\\\\\\n€😀","poolName":"pool","poolType":7,"instanceInfo":{"__proto__": 5},' +
        '"instanceNum":2147483647,"attributeNum":0,"frameNum":1}]',
    });
  });

  it('has instants by the clocks of the zone, and null where there is nothing', () => {
    const form = createPlainForm('Asia/Shanghai');
    const write = createPlainWriter(schema, STATISTICS_RECORD_DOCUMENT, form);
    const record = {
      id: '9007199254740993',
      status: 1,
      annotationRequest: { campaign: { project_id: '9007199254740995' } },
      task: { task_id: '466917967054114816' },
      pool: { pool_id: '9223372036854775807', pool_type: 1 },
      team_id: '9007199254740997',
      pool_assignee_id: null,
      creator_id: '6001',
      created_time: '2025-04-01T02:00:00.999Z',
      action_type: 0,
      instance_info: {},
      instance_num: 10,
      attributes_num: 5,
      instance_sum: 20,
      attributes_sum: 10,
      frame_count: 1,
    };
    expect(write({ annotationHistoryPage: { data: [record] } })).toStrictEqual({
      data:
        '[{"id":9007199254740993,"status":1,"project_id":9007199254740995,"task_id":466917967054114816,' +
        '"pool_id":9223372036854775807,"pool_type":1,"team_id":9007199254740997,"pool_assignee_id":null,' +
        '"creator_id":6001,"created_time":"2025-04-01 10:00:00","action_type":0,"instance_info":{},' +
        '"instance_num":10,"attributes_num":5,"instance_sum":20,"attributes_sum":10,"frame_count":1}]',
    });
  });
});

/** Zones with odd offsets, with daylight saving, and with days that were skipped. */
const ZONES = [
  'UTC',
  'Asia/Shanghai',
  'Asia/Kathmandu',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Europe/Berlin',
  // PostgreSQL takes it for an offset without daylight saving.
  'CET',
];

const VIEWERS: readonly Viewer[] = [
  ANYBODY,
  { ...ANYBODY, people: 'hidden' },
  { ...ANYBODY, campaigns: ['c-0', 'nope'] },
  { ...ANYBODY, campaigns: ['c-1'], people: 'hidden' },
];

/** Two gateways on the same rows: of one, statements answer what they can, of the other, resolvers answer all. */
interface Pair {
  readonly compiled: TestGateway;
  readonly resolving: TestGateway;
}

const text = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
  fc.string({ unit: fc.constantFrom(...'"\\/{}[]:,\' \n\t\u0001\u007f\u2028é😀a1'), minLength: 1 }),
);
/** No row can have NUL in it. */
const storedText = text.map((value) => value.replaceAll('\0', '0'));
const id = fc.oneof(fc.bigInt(0n, MAX_ID), fc.bigInt(MAX_ID - 1000n, MAX_ID), fc.bigInt(0n, 100n));
const count = fc.oneof(fc.nat(20), fc.nat(MAX_COUNT));
const instanceInfo = fc
  .array(fc.tuple(fc.oneof(storedText, fc.constantFrom('', '__proto__', '1', '10')), count), {
    maxLength: 6,
  })
  // As JSON has it: a key named twice has one value, and __proto__ is a key like others.
  .map(
    (members) =>
      JSON.parse(
        `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`,
      ) as object,
  );
const instant = fc.oneof(
  fc.date({
    min: new Date('1972-01-01T00:00:00Z'),
    max: new Date('2037-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  }),
  fc
    .constantFrom(
      '0001-01-01T00:00:00.000Z',
      '0001-01-02T00:00:00.000Z',
      '0999-06-01T12:00:00.001Z',
      '9999-12-31T23:59:59.999Z',
      '2011-12-30T09:59:59.999Z',
      '2011-12-30T10:00:00.000Z',
      '2025-03-30T00:59:59.999Z',
      '2025-03-30T01:00:00.000Z',
      '2025-10-26T00:30:00.000Z',
      '2025-10-26T01:30:00.000Z',
    )
    .map((iso) => new Date(iso)),
);

const REQUESTS = ['a', 'b', 'c,d', 'é"\\😀'];
const POOLS = 4;

/** What is asked, over all that there is and some that there is not. */
const requestIds = fc.subarray([...REQUESTS, 'nope'], { minLength: 1 });
const pageOf = (page: string, size: string) =>
  fc.record({
    [page]: fc.constantFrom('1', '1', '2', '3', '2147483647'),
    [size]: fc.constantFrom('1', '2', '3', '10', '50', '2000'),
  });
const listUrl = (path: string, page: string, size: string) =>
  fc.tuple(requestIds, pageOf(page, size)).map(([ids, paging]) => {
    const parameters = ids.map((one) => ['annotationRequestId[]', one]);
    const query = new URLSearchParams([...parameters, ...Object.entries(paging)]);
    return { method: 'GET' as const, url: `${path}?${query.toString()}` };
  });
const taskRequest = fc
  .record({
    campaignId: fc.constantFrom('c-0', 'c-1', 'nope'),
    annotationRequestId: fc.constantFrom(...REQUESTS, 'nope'),
    sceneId: fc.constantFrom('s-0', 's-1', 's-2', 'nope'),
  })
  .map((payload) => ({ method: 'POST' as const, url: '/task/get', payload }));
const request = fc.oneof(
  listUrl('/statistics', 'offset', 'limit'),
  listUrl('/statistics/record', 'pageNumber', 'pageSize'),
  taskRequest,
);

const task = fc.record({
  status: fc.nat(20),
  instanceInfo,
  instanceNum: count,
  attributeNum: count,
  frameNum: count,
});
const record = fc.record({
  status: count,
  actionType: count,
  teamId: fc.option(id),
  poolAssigneeId: fc.option(id),
  creatorId: fc.option(id),
  createdTime: instant,
  instanceInfo,
  instanceNum: count,
  instanceSum: count,
  attributesNum: count,
  attributesSum: count,
  frameCount: count,
});

describe('the REST routes by statements and by resolvers', () => {
  const first = {} as { gateway: TestGateway };
  const pairs: Pair[] = [];
  beforeAll(async () => {
    first.gateway = await createTestGateway();
    const { database } = first.gateway;
    for (const [n, zone] of ZONES.entries()) {
      const both = (compiled: string) =>
        createTestGateway({
          database,
          anybody: VIEWERS[n % VIEWERS.length]!,
          environment: { GATEWAY_TIME_ZONE: zone, GATEWAY_COMPILED: compiled },
        });
      pairs.push({ compiled: await both('on'), resolving: await both('off') });
    }
    await insertRows();
  });
  afterAll(async () => {
    for (const { compiled, resolving } of pairs) {
      await compiled.close();
      await resolving.close();
    }
    await first.gateway.close();
  });

  async function insertRows(): Promise<void> {
    const { prisma } = first.gateway.database;
    const random = { seed: 7 };
    const [numbers, names, tasks, records, ids] = [
      fc.sample(fc.uniqueArray(id, { minLength: 2 }), { ...random, numRuns: 1 })[0]!,
      fc.sample(storedText, { ...random, numRuns: POOLS }),
      fc.sample(task, { ...random, numRuns: 60 }),
      fc.sample(record, { ...random, numRuns: 300 }),
      fc.sample(fc.uniqueArray(id, { minLength: 300, maxLength: 300 }), {
        ...random,
        numRuns: 1,
      })[0]!,
    ];
    // Each second request and pool is of the other campaign.
    await prisma.campaign.createMany({
      data: [0, 1].map((n) => ({
        id: `c-${n}`,
        projectId: numbers[n]!,
        name: `${n}`,
        campaignType: 'POC' as const,
      })),
    });
    await prisma.annotationRequest.createMany({
      data: REQUESTS.map((one, n) => ({ id: one, campaignId: `c-${n % 2}`, name: one })),
    });
    await prisma.pool.createMany({
      data: names.map((name, n) => ({
        id: MAX_ID - BigInt(n),
        campaignId: `c-${n % 2}`,
        name: name.slice(0, 60),
        poolType: n * 3,
      })),
    });
    const tied = (n: number) => ({
      annotationRequestId: REQUESTS[n % REQUESTS.length]!,
      campaignId: `c-${n % 2}`,
      poolId: MAX_ID - BigInt(n % POOLS),
    });
    await prisma.task.createMany({
      data: tasks.map((one, n) => ({
        ...one,
        ...tied(n),
        id: ids[n]!,
        sceneId: `s-${Math.floor(n / REQUESTS.length)}`,
      })),
    });
    await prisma.annotationHistory.createMany({
      data: records.map((one, n) => ({
        ...one,
        ...tied(n),
        id: ids[n]!,
        taskId: ids[n % 60]!,
      })),
    });
  }

  it('give the same bytes', async () => {
    await fc.assert(
      fc.asyncProperty(request, fc.constantFrom(...ZONES.keys()), async (asked, zone) => {
        const pair = pairs[zone]!;
        const [compiled, resolving] = await Promise.all(
          [pair.compiled, pair.resolving].map(async (gateway) => {
            const { statusCode, headers, payload } = await gateway.rest(asked);
            const [, kept] = /^([^]*),"date":"[^"]*","requestId":"\w{32}",/.exec(payload)!;
            return { statusCode, size: headers['x-page-size'], kept };
          }),
        );
        expect(compiled).toEqual(resolving);
        expect(resolving!.statusCode).toBe(200);
      }),
      { numRuns: 300 },
    );
    // What is not there is for the resolvers to say, and nothing else.
    for (const { compiled } of pairs) {
      const answers = compiled.logged.filter(({ code }) => code === 2000);
      expect(answers.length).toBeGreaterThan(0);
      expect(answers.filter(({ resolved }) => resolved !== undefined)).toEqual([]);
    }
  });
});
