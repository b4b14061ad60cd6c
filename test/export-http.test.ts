import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_PAGE_SIZE } from '../src/domain/paging.ts';
import { restChanges } from './support/changes.ts';
import { getExport, getLines, getRecords, parseExact, readLines } from './support/export.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { filterArbitrary } from './support/list-arbitraries.ts';
import { buildRows, FIELDS } from './support/list-rows.ts';
import { importSimulation, importText } from './support/rows.ts';
import { MEASURES, UNITS } from './support/workload.ts';

let gateway: TestGateway;
let all: string[];
beforeAll(async () => {
  gateway = await createTestGateway();
  await importSimulation(gateway.database, 120);
  all = (await getLines(gateway, 'all')).rows;
});
afterAll(() => gateway.close());

const keyOf = (line: string) => {
  const { type, id } = parseExact(line);
  return `${String(type)}:${String(id)}`;
};
const ofType = (type: string) => all.filter((line) => line.startsWith(`{"type":"${type}"`));

describe('a route', () => {
  it.each([
    ['tasks', 'task'],
    ['annotation-history', 'annotationHistory'],
  ])('has the rows of %s only', async (path, type) => {
    const { rows, end } = await getLines(gateway, path);
    expect(rows).toEqual(ofType(type));
    expect(end.types).toEqual({ [type]: rows.length });
    const { payload } = await gateway.inject({ url: `/rosetta-open/export/${path}` });
    expect(readLines(payload).rows).toEqual(rows);
    expect(await getRecords(gateway, path)).toHaveLength(rows.length);
  });

  it('is read with GET only, and known by its whole path', async () => {
    for (const method of ['HEAD', 'POST', 'OPTIONS', 'DELETE'] as const) {
      const { statusCode, headers } = await gateway.inject({ method, url: '/export/all' });
      expect([statusCode, headers.allow]).toEqual([405, 'GET']);
    }
    for (const url of ['/export', '/export/', '/export/all/', '/export/pools']) {
      expect((await gateway.rest({ url })).envelope.code).toBe(404);
    }
  });

  it('says what it is, and what to ask `changes` for', async () => {
    const { headers } = await getExport(gateway, 'tasks');
    expect(headers).toMatchObject({
      'content-type': 'application/x-ndjson; charset=utf-8',
      'content-disposition': 'attachment; filename="rosetta-tasks.ndjson"',
      'cache-control': 'no-store',
      vary: 'Accept, Accept-Encoding',
    });
    expect(headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
    const csv = await getExport(gateway, 'all', { format: 'csv' });
    expect(csv.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="rosetta-all.csv"',
    });
    expect(csv.payload.split('\r\n').length).toBe(all.length + 4);
  });

  it.each([
    [{ accept: 'text/csv' }, 'text/csv'],
    [{ accept: 'text/csv;q=0.5, application/x-ndjson' }, 'application/x-ndjson'],
    [{ accept: '*/*' }, 'application/x-ndjson'],
    [{ accept: 'image/png' }, 'application/x-ndjson'],
  ])('takes its format from %j', async (headers, type) => {
    const answer = await gateway.inject({ url: '/export/tasks', headers });
    expect(answer.headers['content-type']).toBe(`${type}; charset=utf-8`);
    const asked = await gateway.inject({ url: '/export/tasks?format=ndjson', headers });
    expect(asked.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
  });

  it.each([
    ['gzip', gunzipSync],
    ['br', brotliDecompressSync],
  ])('is packed with %s where that is accepted', async (encoding, unpack) => {
    for (const format of ['ndjson', 'csv']) {
      const url = `/export/annotation-history?format=${format}`;
      const plain = await gateway.inject({ url });
      const packed = await gateway.inject({
        url,
        headers: { 'accept-encoding': `x, ${encoding}` },
      });
      expect(packed.headers['content-encoding']).toBe(encoding);
      expect(packed.rawPayload.length).toBeLessThan(plain.rawPayload.length / 4);
      // Others may have written meanwhile, elsewhere on the server: that is another watermark.
      const rowsOf = (text: string, { headers }: typeof plain) =>
        text.replaceAll(String(headers['x-export-watermark']), 'WATERMARK');
      const text = unpack(packed.rawPayload).toString();
      expect(rowsOf(text, packed)).toBe(rowsOf(plain.payload, plain));
    }
    for (const accepted of ['identity', 'zstd', `${encoding};q=0`]) {
      const headers = { 'accept-encoding': accepted };
      const answer = await gateway.inject({ url: '/export/tasks', headers });
      expect(answer.headers['content-encoding']).toBeUndefined();
    }
  });

  it('is logged with its rows and bytes', async () => {
    const { payload, headers } = await getExport(gateway, 'all');
    const line = gateway.logged.find(
      ({ msg, requestId }) => msg === 'request' && requestId === headers['x-request-id'],
    );
    expect(line).toMatchObject({ route: '/export/all', rows: all.length, status: 200 });
    expect(line!.bytes).toBe(Buffer.byteLength(payload));
  });
});

/** What an export says is wrong with a request. */
async function problemOf(path: string, options: object = {}): Promise<string> {
  const { statusCode, envelope, headers } = await gateway.rest({ url: path, ...options });
  expect([statusCode, envelope.code, envelope.message]).toEqual([200, 4005, 'Invalid parameter']);
  expect(headers['content-encoding']).toBeUndefined();
  return headers['x-export-error'] as string;
}

describe('an argument', () => {
  const json = (value: unknown) => encodeURIComponent(JSON.stringify(value));

  it.each([
    ['all?format=xml', 'The argument "format" is "xml"; it may be ndjson or csv.'],
    ['all?format=csv&format=csv', 'The argument "format" is given twice.'],
    ['all?filter=%7B', /^The argument "filter" is not JSON: /],
    ['all?filter=%ff', 'The query string is no UTF-8.'],
    [
      'tasks?filter=[]',
      /^The argument "filter" is wrong: Expected type "TaskFilter" to be an object/,
    ],
    [
      `tasks?filter=${json({ colour: 1 })}`,
      /"filter" is wrong: Field "colour" is not defined by type "TaskFilter"/,
    ],
    [
      `tasks?filter=${json({ status: { eq: 'DONE' } })}`,
      'The argument "filter" is wrong at "status.eq": Value "DONE" does not exist in "TaskStatus" enum.',
    ],
    [
      'tasks?filter={"taskId":{"eq":466917967054114817}}',
      /^The argument "filter" is wrong at "taskId.eq": .* has been rounded\. Send it as a string/,
    ],
    [
      `all?filter=${json({ name: { eq: 'é\0' } })}`,
      'The filter "name.eq" holds a NUL character or half of a surrogate pair.',
    ],
    [
      'all?after=é:1',
      'The argument "after" is "\\u00e9:1"; it may be the last row received, as TYPE:ID, where all has rows of the types campaign, annotationRequest, pool, task, annotationHistory.',
    ],
    ['tasks?after=pool:1', /^The argument "after" is "pool:1";/],
    ['tasks?after=task:01', /^The argument "after" is "task:01";/],
    ['tasks?after=task:-1', /^The argument "after" is/],
    ['tasks?after=task', /^The argument "after" is/],
    ['tasks?groupBy=DAY', 'The export of tasks has no argument "groupBy".'],
    ['workload?after=task:1', /^The workload cannot be continued with "after"/],
    ['workload?groupBy=DAY,MONTH', /^The argument "groupBy" has several of/],
    [
      'workload?groupBy=TASK',
      /"groupBy" is wrong at "0": Value "TASK" does not exist in "WorkloadKey" enum/,
    ],
    ['workload?timeZone=Mars/Phobos', /^The argument "timeZone" is "Mars\/Phobos"/],
    [
      'workload?measures=instances,hours',
      /^The argument "measures" names "hours"; the measures are recordCount, /,
    ],
    [
      'workload?orderBy=[{"field":"DAY"}]',
      /Value "DAY" does not exist in "WorkloadOrderField" enum/,
    ],
    ['workload?orderBy=[{"field":"TEAM_ID"}]', /"orderBy" has "teamId", which is not among/],
  ])('is refused as %s', async (path, problem) => {
    const told = await problemOf(`/export/${path.replace('é', '%C3%A9')}`);
    if (typeof problem === 'string') expect(told).toBe(problem);
    else expect(told).toMatch(problem);
  });

  it('may stand in a body, and the query string goes before it', async () => {
    const ask = (payload: unknown, query = '') =>
      gateway.inject({ url: `/export/tasks?${query}`, payload: JSON.stringify(payload) });
    const one = keyOf(ofType('task')[3]!).split(':')[1]!;
    const filter = { taskId: { eq: one } };
    expect(readLines((await ask({ filter })).payload).rows).toEqual([ofType('task')[3]]);
    const none = await ask({ filter, format: 'csv' }, 'format=ndjson&filter={"taskId":{"in":[]}}');
    expect(readLines(none.payload).rows).toEqual([]);
    expect(readLines((await ask({ filter: null, colour: 1 })).payload).rows).toHaveLength(120);
    const post = (payload: string) => ({ method: 'GET', payload });
    expect(await problemOf('/export/tasks', post('[]'))).toBe('The body is no JSON object.');
    expect(await problemOf('/export/tasks', post('{"after":1}'))).toBe(
      'The argument "after" must be text.',
    );
    expect(await problemOf('/export/tasks', post('{"format":"csv","format":"csv"}'))).toBe(
      'The argument "format" is given twice.',
    );
    const tooLong = await gateway.rest({ url: '/export/tasks', payload: 'x'.repeat(1_048_577) });
    expect(tooLong.statusCode).toBe(413);
  });
});

describe('a filter', () => {
  let lists: TestGateway;
  beforeAll(async () => {
    lists = await createTestGateway();
    await importText(lists.database, buildRows());
  });
  afterAll(() => lists.close());

  /** The ids that the list of GraphQL has. */
  async function idsOf(noun: keyof typeof FIELDS, filter: object): Promise<string[]> {
    const { list: name, key } = FIELDS[noun];
    const query = `query ($filter: ${noun}Filter) { list: ${name}(first: ${MAX_PAGE_SIZE[noun]}, filter: $filter) { totalCount nodes { ${key} } } }`;
    const { list } = await lists.gql<{
      list: { totalCount: number; nodes: Record<string, string>[] };
    }>(query, { filter });
    expect(list.nodes).toHaveLength(list.totalCount);
    return list.nodes.map((node) => node[key]!);
  }

  it.each([
    ['Task', 'tasks'],
    ['AnnotationHistory', 'annotation-history'],
  ] as const)('of %s says the same as that of the list', async (noun, path) => {
    await fc.assert(
      fc.asyncProperty(filterArbitrary(noun, 2), async (filter) => {
        const { rows, start } = await getLines(lists, path, { filter: JSON.stringify(filter) });
        expect(start.filter).toEqual(filter);
        expect(rows.map((row) => String(parseExact(row).id))).toEqual(await idsOf(noun, filter));
      }),
      { numRuns: 30 },
    );
  });

  it('of campaigns has those of the list, with all that is in them', async () => {
    const whole = (await getLines(lists, 'all')).rows;
    const campaigns = new Map<string, string>();
    for (const line of whole) {
      const row = parseExact(line) as Record<string, string>;
      const above =
        row.type === 'campaign'
          ? row.id
          : (row.campaignId ??
            campaigns.get(`annotationRequest:${row.annotationRequestId}`) ??
            campaigns.get(`task:${row.taskId}`));
      campaigns.set(keyOf(line), above!);
    }
    await fc.assert(
      fc.asyncProperty(filterArbitrary('Campaign', 2), async (filter) => {
        const { rows } = await getLines(lists, 'all', { filter: JSON.stringify(filter) });
        const ids = await idsOf('Campaign', filter);
        expect(rows).toEqual(whole.filter((line) => ids.includes(campaigns.get(keyOf(line))!)));
      }),
      { numRuns: 30 },
    );
  });
});

describe('an export that is resumed', () => {
  it('goes on after any row, and says so', async () => {
    const places = [0, 1, ...Array.from({ length: 12 }, (_, n) => n * 113), all.length - 1];
    for (const place of places.filter((one) => one < all.length)) {
      const after = keyOf(all[place]!);
      const { rows, start } = await getLines(gateway, 'all', { after });
      expect(start.resumedAfter).toBe(after);
      expect(rows).toEqual(all.slice(place + 1));
    }
    const tasks = ofType('task');
    const after = keyOf(tasks[50]!);
    expect((await getLines(gateway, 'tasks', { after })).rows).toEqual(tasks.slice(51));
    expect(await getRecords(gateway, 'all', { after })).toHaveLength(
      all.length - all.indexOf(tasks[50]!) - 1,
    );
  });

  it('goes on after the place of a row that is gone, at the end of each type', async () => {
    for (const type of ['campaign', 'annotationRequest', 'pool', 'task']) {
      const last = all.indexOf(ofType(type).at(-1)!);
      expect((await getLines(gateway, 'all', { after: keyOf(all[last]!) })).rows).toEqual(
        all.slice(last + 1),
      );
    }
    expect((await getLines(gateway, 'all', { after: 'task:0' })).rows).toEqual([
      ...ofType('task'),
      ...ofType('annotationHistory'),
    ]);
    const filter = JSON.stringify({ campaignId: { eq: parseExact(all[0]!).id } });
    const { rows } = await getLines(gateway, 'all', { filter });
    const { rows: rest } = await getLines(gateway, 'all', { filter, after: keyOf(rows[2]!) });
    expect(rest).toEqual(rows.slice(3));
  });
});

describe('the watermark of an export', () => {
  it('is where `changes` goes on', async () => {
    const exports = [
      ['all', ''],
      ['tasks', 'types=task'],
      ['annotation-history', 'types=annotationHistory'],
      ['workload', 'types=annotationHistory'],
    ] as const;
    const watermarks = await Promise.all(
      exports.map(async ([path]) => (await getLines(gateway, path)).start.watermark),
    );
    const { id } = parseExact(ofType('task')[0]!);
    const changed = async (number: number) => {
      const { prisma } = gateway.database;
      await prisma.$executeRawUnsafe(
        `UPDATE task SET attribute_num = ${number} WHERE id = ${String(id)}`,
      );
      return Promise.all(
        exports.map(async ([, types], place) => {
          const { entries } = await restChanges(gateway, `${types}&after=${watermarks[place]}`);
          return entries.map((entry) => `${entry.type}:${entry.id}`);
        }),
      );
    };
    expect(await changed(77)).toEqual([[`task:${String(id)}`], [`task:${String(id)}`], [], []]);
    const { rows } = await getLines(gateway, 'tasks');
    expect(parseExact(rows[0]!).attributeNum).toBe(77);
  });
});

describe('the workload', () => {
  const KEYS: Record<string, [name: string, select: string, read: (node: never) => unknown]> = {
    CAMPAIGN: [
      'campaignId',
      'campaign { campaignId }',
      (n: { campaign: { campaignId: string } }) => n.campaign.campaignId,
    ],
    POOL: ['poolId', 'pool { poolId }', (n: { pool: { poolId: string } }) => Number(n.pool.poolId)],
    POOL_TYPE: ['poolType', 'poolTypeCode', (n: { poolTypeCode: number }) => n.poolTypeCode],
    POOL_ASSIGNEE_ID: [
      'poolAssigneeId',
      'poolAssigneeId',
      (n: { poolAssigneeId: string | null }) => n.poolAssigneeId && Number(n.poolAssigneeId),
    ],
    ACTION: ['actionType', 'actionCode', (n: { actionCode: number }) => n.actionCode],
    OPERATION_KEY: [
      'operationKey',
      'operationKey',
      (n: { operationKey: string | null }) => n.operationKey,
    ],
  };

  interface Group extends Record<string, unknown> {
    time: { label: string; start: string; end: string } | null;
  }
  const BIG = ['instances', 'attributes', 'frames'];

  it.each([
    [[], {}],
    [['POOL_ASSIGNEE_ID', 'MONTH'], { timeZone: 'Asia/Shanghai' }],
    [['ISO_WEEK', 'POOL_TYPE', 'ACTION'], { filter: { instanceNum: { gt: 0 } } }],
    [['CAMPAIGN', 'OPERATION_KEY'], { orderBy: [{ field: 'INSTANCES', direction: 'DESC' }] }],
    [
      ['POOL'],
      {
        having: { recordCount: { gte: 40 }, or: [{ instances: { gt: '1' } }] },
        orderBy: [{ field: 'FRAMES' }],
      },
    ],
  ])(
    'by %j has the groups of GraphQL, in their order',
    async (groupBy, args: Record<string, unknown>) => {
      const keys = groupBy.filter((key) => !UNITS.includes(key)).map((key) => KEYS[key]!);
      const types = {
        timeZone: 'String',
        filter: 'AnnotationHistoryFilter',
        having: 'WorkloadHaving',
        orderBy: '[WorkloadOrder!]',
      };
      const names = Object.keys(args) as (keyof typeof types)[];
      const declared = [
        '$groupBy: [WorkloadKey!]!',
        ...names.map((name) => `$${name}: ${types[name]}`),
      ];
      const given = ['groupBy', ...names].map((name) => `${name}: $${name}`);
      const { workload } = await gateway.gql<{ workload: { totalCount: number; nodes: Group[] } }>(
        `query (${declared.join(', ')}) { workload(first: 1000, ${given.join(', ')}) {
        totalCount nodes { ${keys.map(([, select]) => select).join(' ')} time { label start end } ${MEASURES} } } }`,
        { groupBy, ...args },
      );
      const expected = workload.nodes.map((node) => ({
        type: 'workload',
        ...Object.fromEntries(keys.map(([name, , read]) => [name, read(node as never)])),
        ...(node.time && {
          timeLabel: node.time.label,
          timeStart: node.time.start,
          timeEnd: node.time.end,
        }),
        ...Object.fromEntries(
          MEASURES.split(' ').map((name) => [
            name,
            BIG.includes(name) && node[name] !== null ? Number(node[name]) : node[name],
          ]),
        ),
      }));
      expect(expected).toHaveLength(workload.totalCount);
      const parameters = {
        groupBy: groupBy.join(','),
        ...Object.fromEntries(
          names.map((name) => [
            name,
            name === 'timeZone' ? String(args[name]) : JSON.stringify(args[name]),
          ]),
        ),
      };
      if (groupBy.length === 0) delete (parameters as { groupBy?: string }).groupBy;
      const { rows } = await getLines(gateway, 'workload', parameters);
      expect(rows.map((row) => JSON.parse(row) as object)).toEqual(expected);
      const records = await getRecords(gateway, 'workload', parameters);
      expect(records).toEqual(
        expected.map((row) =>
          Object.fromEntries(
            Object.entries(row).flatMap(([name, value]) =>
              value === null ? [] : [[name, String(value)]],
            ),
          ),
        ),
      );
    },
  );

  it('has the measures that are asked for', async () => {
    const { rows } = await getLines(gateway, 'workload', {
      groupBy: 'POOL_ASSIGNEE_ID',
      measures: 'instances,recordCount',
      orderBy: '[{"field":"FRAMES","direction":"DESC"}]',
    });
    expect(rows.length).toBeGreaterThan(5);
    expect(Object.keys(JSON.parse(rows[0]!) as object)).toEqual([
      'type',
      'poolAssigneeId',
      'recordCount',
      'instances',
    ]);
  });
});
