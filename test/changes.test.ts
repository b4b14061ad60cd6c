import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { migrateDatabase } from '../src/database/database.ts';
import { embeddedDatabase } from '../src/database/embedded.ts';
import { isSeen, rangesAfter } from '../src/domain/changes.ts';
import { ENTITY_TYPES, type EntityType } from '../src/domain/entities.ts';
import { Follower, restChanges } from './support/changes.ts';
import { createTestDatabase } from './support/database.ts';
import { createBlank } from './support/embedded.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { dumpTables, emptyTables, EXAMPLE, importText, line, PARENTS } from './support/import.ts';
import { manyLines } from './support/import-lines.ts';
import { ImportModel } from './support/import-model.ts';
import { importSimulation } from './support/rows.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
});
afterEach(() => emptyTables(gateway.database));
afterAll(() => gateway.close());

interface Page {
  changes: {
    watermark: string;
    hasMore: boolean;
    entries: { type: string; kind: string; key: string; node?: Record<string, unknown> | null }[];
  };
}

const ENTRIES = 'watermark hasMore entries { type kind key }';
const ask = async (args = '', fields = ENTRIES) => {
  return (await gateway.gql<Page>(`{ changes${args && `(${args})`} { ${fields} } }`)).changes;
};
const told = ({ entries }: Page['changes']) =>
  entries.map(({ type, kind, key }) => `${kind} ${type} ${key}`);

const ALL = Object.values(EXAMPLE);
const UPSERTED_ALL = [
  'UPSERTED CAMPAIGN c-1',
  'UPSERTED ANNOTATION_REQUEST ar-1',
  'UPSERTED POOL 3001',
  'UPSERTED TASK 466917967054114816',
  'UPSERTED ANNOTATION_HISTORY 1',
];

describe('changes', () => {
  it('are what was created, then updated, then deleted', async () => {
    await importText(gateway.database, ALL);
    const first = await ask();
    expect(told(first)).toEqual(UPSERTED_ALL);
    expect(first.hasMore).toBe(false);

    const nothing = await ask(`after: "${first.watermark}"`);
    expect(nothing).toMatchObject({ entries: [], hasMore: false });

    await importText(gateway.database, [
      ...ALL,
      line('pool', { name: '"renamed"' }),
      line('task', { status: '3' }),
    ]);
    const second = await ask(`after: "${nothing.watermark}"`);
    expect(told(second)).toEqual(['UPSERTED POOL 3001', 'UPSERTED TASK 466917967054114816']);

    await gateway.database.prisma.annotationHistory.deleteMany();
    await gateway.database.prisma.task.deleteMany();
    const third = await ask(
      `after: "${second.watermark}"`,
      'watermark hasMore entries { type kind key node { id } }',
    );
    expect(third.entries).toEqual([
      { type: 'ANNOTATION_HISTORY', kind: 'DELETED', key: '1', node: null },
      { type: 'TASK', kind: 'DELETED', key: '466917967054114816', node: null },
    ]);
    // A watermark can be used again, and later.
    expect(told(await ask(`after: "${first.watermark}"`))).toEqual([
      'UPSERTED POOL 3001',
      ...told(third),
    ]);
  });

  it('of a row come once, in its latest state, and as deleted only where it is gone', async () => {
    const { watermark } = await ask();
    await importText(gateway.database, PARENTS);
    for (const name of ['"a"', '"b"', '"c"']) {
      await importText(gateway.database, [line('pool', { name })]);
    }
    await importText(gateway.database, [line('pool', { id: '7' })]);
    await gateway.database.prisma.pool.delete({ where: { id: 7n } });
    const page = await ask(
      `after: "${watermark}"`,
      'watermark hasMore entries { type kind key node { ... on Pool { name } } }',
    );
    expect(page.entries.slice(2)).toEqual([
      { type: 'POOL', kind: 'UPSERTED', key: '3001', node: { name: 'c' } },
      { type: 'POOL', kind: 'DELETED', key: '7', node: null },
    ]);
    // Made anew, it was not deleted.
    await importText(gateway.database, [line('pool', { id: '7' })]);
    expect(told(await ask(`after: "${watermark}"`)).slice(2)).toEqual([
      'UPSERTED POOL 3001',
      'UPSERTED POOL 7',
    ]);
  });

  it('stand in the order of the ids within a transaction, whatever the size of the page', async () => {
    const ids = ['9', '10', '100', '9007199254740993', '9223372036854775807'];
    const pools = ids.map((id) => line('pool', { id }));
    await importText(gateway.database, [EXAMPLE.campaign, ...pools.toReversed()]);
    const keys = ['c-1', ...ids];
    expect((await ask()).entries.map(({ key }) => key)).toEqual(keys);
    const seen: string[] = [];
    for (let after = ''; ;) {
      const page = await ask(`first: 1${after}`);
      seen.push(...page.entries.map(({ key }) => key));
      expect(page.entries).toHaveLength(1);
      expect(page.hasMore).toBe(seen.length < keys.length);
      after = `, after: "${page.watermark}"`;
      if (!page.hasMore) break;
    }
    expect(seen).toEqual(keys);
    await gateway.database.prisma.pool.deleteMany();
    expect(told(await ask())).toEqual([
      'UPSERTED CAMPAIGN c-1',
      ...ids.toSorted().map((id) => `DELETED POOL ${id}`),
    ]);
  });

  it('that stood before there were watermarks come first, by type and id', async () => {
    await importText(gateway.database, [...ALL, line('pool', { id: '7' })]);
    // As the migration leaves them.
    for (const table of ['campaign', 'annotation_request', 'pool', 'task']) {
      await gateway.database.prisma.$executeRawUnsafe(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
      await gateway.database.prisma.$executeRawUnsafe(`UPDATE ${table} SET changed_in = 0`);
      await gateway.database.prisma.$executeRawUnsafe(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
    }
    const page = await ask('first: 3');
    expect(told(page)).toEqual([...UPSERTED_ALL.slice(0, 2), 'UPSERTED POOL 7']);
    expect(told(await ask(`after: "${page.watermark}"`))).toEqual(UPSERTED_ALL.slice(2));
  });

  it('are those of the types and of the owners asked for, deleted ones too', async () => {
    await importText(gateway.database, [
      ...ALL,
      line('campaign', { id: '"c-2"', projectId: '2', name: '"two"' }),
      line('pool', { id: '7', campaignId: '"c-2"' }),
      line('annotationRequest', { id: '"ar-2"', name: '"AR 2"' }),
      line('task', { id: '5', annotationRequestId: '"ar-2"' }),
    ]);
    const keysOf = async (args: string) => (await ask(args)).entries.map(({ key }) => key);
    expect(await keysOf('types: [POOL, TASK]')).toEqual(['7', '3001', '5', '466917967054114816']);
    expect(await keysOf('types: []')).toEqual([]);
    expect(await keysOf('filter: { campaignIds: ["c-2", "none", "\\u0000"] }')).toEqual([
      'c-2',
      '7',
    ]);
    expect(await keysOf('filter: { campaignIds: [] }')).toEqual([]);
    const request = 'filter: { annotationRequestIds: ["ar-2"] }';
    expect(await keysOf(request)).toEqual(['ar-2', '5']);
    expect(
      await keysOf('filter: { campaignIds: ["c-2"], annotationRequestIds: ["ar-2"] }'),
    ).toEqual([]);
    await gateway.database.prisma.annotationHistory.deleteMany();
    await gateway.database.prisma.task.deleteMany();
    await gateway.database.prisma.pool.deleteMany();
    await gateway.database.prisma.annotationRequest.delete({ where: { id: 'ar-2' } });
    expect(told(await ask(request))).toEqual(['DELETED TASK 5', 'DELETED ANNOTATION_REQUEST ar-2']);
    expect(told(await ask('filter: { campaignIds: ["c-2"] }'))).toEqual([
      'UPSERTED CAMPAIGN c-2',
      'DELETED POOL 7',
    ]);
    expect(await keysOf('filter: { campaignIds: ["c-1"] }, types: [TASK, CAMPAIGN]')).toEqual([
      'c-1',
      '466917967054114816',
      '5',
    ]);
  });
});

it('a watermark asks for the transactions that could not be seen, up to where its page broke off', () => {
  const HIGH = 12n;
  const number = fc.bigInt(0n, HIGH);
  const snapshot = fc.tuple(number, fc.uniqueArray(number)).map(([next, open]) => ({
    next,
    open: open.filter((one) => one < next).toSorted((a, b) => Number(a - b)),
  }));
  const numbers = Array.from({ length: Number(HIGH) + 1 }, (_, n) => BigInt(n));
  fc.assert(
    fc.property(snapshot, fc.option(fc.tuple(snapshot, number)), (seen, broken) => {
      const [upTo, at] = broken ?? [];
      const within = upTo && { upTo, last: { number: at!, rank: 0, id: '' } };
      const asked = rangesAfter({ seen, within });
      const wanted = numbers.filter(
        (one) => !isSeen(one, seen) && (!upTo || (isSeen(one, upTo) && one >= at!)),
      );
      const covered = numbers.flatMap((one) =>
        asked.filter(({ low, high }) => low <= one && one <= high).map(() => one),
      );
      expect(covered).toEqual(wanted);
    }),
    { numRuns: 2000 },
  );
});

describe('a watermark', () => {
  const refusal = async (args: string) => {
    const [error] = await gateway.gqlErrors(`{ changes(${args}) { watermark } }`);
    expect(error!.extensions!.code).toBe('BAD_USER_INPUT');
    return error!.message;
  };

  it.each([
    ['first: 0', 'The argument "first" is 0; it may be from 1 to 1000.'],
    ['first: 1001', 'The argument "first" is 1001; it may be from 1 to 1000.'],
    ['after: ""', 'The argument "after" is not a watermark: take one from "watermark".'],
    ['after: "x"', 'The argument "after" is not a watermark: take one from "watermark".'],
    [
      `filter: { campaignIds: ${JSON.stringify(Array<string>(1001).fill('x'))} }`,
      '"filter.campaignIds" has 1001 ids; it may have at most 1000.',
    ],
  ])('or another argument is refused: %.60s', async (args, message) => {
    expect(await refusal(args)).toBe(message);
  });

  it('that was edited is refused', async () => {
    const { watermark } = await ask();
    for (let at = 0; at < watermark.length; at++) {
      const other = watermark[at] === 'A' ? 'B' : 'A';
      const edited = watermark.slice(0, at) + other + watermark.slice(at + 1);
      expect(await refusal(`after: "${edited}"`)).toContain('is not a watermark');
    }
  });

  it('belongs to its types and filter, however they are written', async () => {
    const { watermark } = await ask('types: [TASK, POOL], filter: { campaignIds: ["b", "a"] }');
    const same = 'types: [POOL, TASK, POOL], filter: { campaignIds: ["a", "b", "a"] }';
    await ask(`${same}, after: "${watermark}"`);
    for (const args of [
      '',
      'types: [POOL], filter: { campaignIds: ["b", "a"] }, ',
      'types: [TASK, POOL], ',
      'types: [TASK, POOL], filter: { annotationRequestIds: ["a", "b"] }, ',
    ]) {
      expect(await refusal(`${args}after: "${watermark}"`)).toContain(
        'of other types or another filter',
      );
    }
    const all = await ask();
    await ask(
      `types: [ANNOTATION_HISTORY, TASK, POOL, ANNOTATION_REQUEST, CAMPAIGN], filter: {}, after: "${all.watermark}"`,
    );
  });

  const FOREIGN = 'is a watermark of another database, or of this one before it was restored';

  it('of another database is refused', async () => {
    const pglite = await createBlank();
    const other = embeddedDatabase(pglite);
    await migrateDatabase(other);
    const elsewhere = await createTestGateway({ database: other });
    const { changes } = await elsewhere.gql<Page>('{ changes { watermark } }');
    expect(await refusal(`after: "${changes.watermark}"`)).toContain(FOREIGN);
    await other.close();
  });

  it('from before all rows were removed without a trace is refused', async () => {
    const { watermark } = await ask();
    await emptyTables(gateway.database);
    expect(await refusal(`after: "${watermark}"`)).toContain(FOREIGN);
  });

  it('of a database that was set back to an earlier state is refused', async () => {
    const database = await createTestDatabase();
    const own = await createTestGateway({ database });
    const { prisma } = database;
    const counted = (more: number) =>
      prisma.$executeRawUnsafe(
        `CREATE OR REPLACE FUNCTION change_number(xid8) RETURNS BIGINT LANGUAGE sql IMMUTABLE AS 'SELECT $1::text::bigint + ${more}'`,
      );
    await counted(1000);
    const { changes } = await own.gql<Page>('{ changes { watermark } }');
    await counted(0);
    const [error] = await own.gqlErrors(`{ changes(after: "${changes.watermark}") { watermark } }`);
    expect(error!.message).toContain(FOREIGN);
    await database.close();
  });
});

describe('a database that was restored from a dump', () => {
  it('has no changes to read before it is put in order, and all of them afterwards', async () => {
    const database = await createTestDatabase();
    const own = await createTestGateway({ database });
    await importText(database, ALL);
    const before = await own.gql<Page>('{ changes { watermark } }');
    // What the rows of a server that has seen more transactions say.
    for (const command of ['DISABLE', 'ENABLE']) {
      await database.prisma.$executeRawUnsafe(`ALTER TABLE task ${command} TRIGGER USER`);
      if (command === 'DISABLE') {
        await database.prisma.$executeRawUnsafe('UPDATE task SET changed_in = 5000000000');
      }
    }
    const [error] = await own.gqlErrors('{ changes { watermark } }');
    expect(error).toMatchObject({ extensions: { code: 'SERVICE_UNAVAILABLE' } });
    expect(error!.message).toContain('restored from a dump');

    await migrateDatabase(database);
    const after = await own.gql<Page>(`{ changes { ${ENTRIES} } }`);
    expect(told(after.changes).toSorted()).toEqual(UPSERTED_ALL.toSorted());
    const [foreign] = await own.gqlErrors(
      `{ changes(after: "${before.changes.watermark}") { watermark } }`,
    );
    expect(foreign!.message).toContain('another database');
    await importText(database, [line('pool', { name: '"later"' })]);
    const later = await own.gql<Page>(
      `{ changes(after: "${after.changes.watermark}") { ${ENTRIES} } }`,
    );
    expect(told(later.changes)).toEqual(['UPSERTED POOL 3001']);
    // In order, it is left alone.
    await migrateDatabase(database);
    await own.gql(`{ changes(after: "${later.changes.watermark}") { watermark } }`);
    await database.close();
  });
});

describe('GET /changes', () => {
  it('says the same as GraphQL, in the import format', async () => {
    await importText(gateway.database, [
      ...ALL.slice(0, 3),
      line('task', { lastRecordId: '9007199254740993' }),
      line('annotationHistory', { id: '9223372036854775807', teamId: undefined }),
    ]);
    const { watermark } = await ask();
    const { payload, headers } = await gateway.rest({ url: '/rosetta-open/changes?limit=5000' });
    expect(headers['x-page-size']).toBe('1000');
    const texts = [
      '"campaign","kind":"UPSERTED","id":"c-1","row":{"type":"campaign","id":"c-1","projectId":1234,"name":"Helix 3D","campaignType":"POC","workflowType":null,"folderName":null,"taxonomyVersionName":null}',
      '"annotationRequest","kind":"UPSERTED","id":"ar-1","row":{"type":"annotationRequest","id":"ar-1","name":"AR 1","campaignId":"c-1","createdAt":"2025-03-31T08:00:00.000Z"}',
      '"pool","kind":"UPSERTED","id":3001,"row":{"type":"pool","id":3001,"name":"ar annotation pool name","poolType":1,"campaignId":"c-1"}',
      '"task","kind":"UPSERTED","id":466917967054114816,"row":{"type":"task","id":466917967054114816,"annotationRequestId":"ar-1","sceneId":"550e8400-e29b-41d4-a716-446655440000","status":2,"poolId":3001,"instanceInfo":{"select-[e000f]":44,"0e767bcb-7480-4e85-bbe8-439fe7871104":11},"instanceNum":55,"attributeNum":5,"frameNum":1,"lastRecordId":9007199254740993}',
      '"annotationHistory","kind":"UPSERTED","id":9223372036854775807,"row":{"type":"annotationHistory","id":9223372036854775807,"taskId":466917967054114816,"status":2,"poolId":3001,"teamId":null,"poolAssigneeId":5001,"creatorId":6001,"createdTime":"2025-04-01T10:00:00.000Z","actionType":5,"instanceInfo":{},"instanceNum":0,"instanceSum":55,"attributesNum":0,"attributesSum":5,"frameCount":1}',
    ];
    const entries = texts.map((text) => `{"type":${text}}`).join(',');
    expect(payload).toContain(`"hasMore":false,"entries":[${entries}]}`);
    // The same place in the history, whoever tells it.
    const [, told] = /"watermark":"([^"]+)"/.exec(payload)!;
    for (const after of [told, watermark]) {
      expect((await ask(`after: "${after}"`)).entries).toEqual([]);
    }
  });

  it('takes its arguments from the query string and the body', async () => {
    await importText(gateway.database, ALL);
    const types = async (url: string, body?: object) => {
      const { envelope } = await gateway.rest({
        url,
        ...(body && { payload: JSON.stringify(body) }),
      });
      const data = envelope.data as { entries: { type: string }[] } | null;
      return data ? data.entries.map(({ type }) => type).join() : envelope.code;
    };
    expect(await types('/changes?types=task,annotationHistory')).toBe('task,annotationHistory');
    expect(await types('/changes?types[]=pool&types[]=task&other=1')).toBe('pool,task');
    expect(await types('/changes', { types: ['pool'], after: null })).toBe('pool');
    expect(await types('/changes?types=task', { types: ['pool'] })).toBe('task');
    expect(await types('/changes?campaignId=c-1&annotationRequestId=ar-1&limit=1')).toBe(
      'annotationRequest',
    );
    expect(await types('/changes', { campaignId: ['none'] })).toBe('');
    const page = await restChanges(gateway, 'limit=4');
    expect(await types(`/changes?after=${page.watermark}`)).toBe('annotationHistory');
    expect(await types('/changes', { after: page.watermark })).toBe('annotationHistory');
    for (const bad of [
      'types=TASK',
      'types=task,',
      'types=',
      'limit=0',
      'limit=x',
      'after=x',
      'after=',
      `after=${page.watermark}&after=${page.watermark}`,
      `after=${page.watermark}&types=task`,
      'campaignId=',
    ]) {
      expect(await types(`/changes?${bad}`), bad).toBe(4005);
    }
    for (const bad of [{ types: [] }, { types: 1 }, { after: 1 }, { after: [] }]) {
      expect(await types('/changes', bad), JSON.stringify(bad)).toBe(4005);
    }
  });

  it('can be imported elsewhere', async () => {
    await importSimulation(gateway.database, 40);
    const follower = new Follower();
    await follower.catchUp(gateway, 300);
    const copy = await createTestDatabase();
    const lines = follower.seen.map(({ row }) => JSON.stringify(row));
    expect((await importText(copy, lines)).rejected).toEqual([]);
    expect(await dumpTables(copy)).toEqual(await dumpTables(gateway.database));
    await copy.close();
  });
});

/** What a model row is in the import format, numbers as text where the model has text. */
function importRow(type: EntityType, row: Record<string, unknown>) {
  const { annotationRequestId, campaignId, ...rest } = row;
  const ties: Record<EntityType, object> = {
    campaign: {},
    annotationRequest: { campaignId },
    pool: { campaignId },
    task: { annotationRequestId },
    annotationHistory: {},
  };
  return Object.fromEntries(
    Object.entries({ ...rest, ...ties[type] }).filter(([, value]) => value !== null),
  );
}

/** The same of a row of an answer. */
function answerRow({ type: _type, ...row }: Record<string, unknown>) {
  const isId = (field: string) => field === 'id' || field.endsWith('Id');
  return Object.fromEntries(
    Object.entries(row)
      .filter(([, value]) => value !== null)
      .map(([field, value]) => [field, isId(field) ? String(value) : value]),
  );
}

it('make a copy of what any imports and deletions leave, told once each', async () => {
  let updates = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          lines: manyLines,
          batchLines: fc.integer({ min: 1, max: 60 }),
          gone: fc.nat(),
          limit: fc.integer({ min: 1, max: 9 }),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      async (steps) => {
        await emptyTables(gateway.database);
        const model = new ImportModel();
        const follower = new Follower();
        for (const { lines, batchLines, gone, limit } of steps) {
          const touched = new Set<string>();
          const touch = (type: EntityType, id: string) => touched.add(`${type} ${id}`);
          for (const one of lines) {
            const outcome = model.process(one);
            if (outcome === 'created' || outcome === 'updated') touch(one.type, one.id);
            if (outcome === 'updated') updates++;
          }
          await importText(
            gateway.database,
            lines.map((one) => JSON.stringify(one)),
            { batchLines },
          );
          const records = [...model.rows.annotationHistory.keys()].filter(
            (id) => (Number(id) + gone) % 3 === 0,
          );
          for (const id of records) {
            await gateway.database.prisma.annotationHistory.delete({ where: { id: BigInt(id) } });
            model.rows.annotationHistory.delete(id);
            touch('annotationHistory', id);
          }
          const fresh = await follower.catchUp(gateway, limit);
          expect(fresh.map(({ type, id }) => `${type} ${id}`).toSorted()).toEqual(
            [...touched].toSorted(),
          );
          for (const type of ENTITY_TYPES) {
            const copy = [...follower.rows[type]].map(([id, row]) => [id, answerRow(row)] as const);
            const expected = [...model.rows[type]].map(
              ([id, row]) => [id, importRow(type, row)] as const,
            );
            expect(new Map(copy)).toEqual(new Map(expected));
          }
        }
      },
    ),
    { numRuns: 25 },
  );
  expect(updates).toBeGreaterThan(25);
});
