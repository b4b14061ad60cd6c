import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ENTITY_TYPES } from '../src/domain/entities.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { manyLines } from './support/import-lines.ts';
import { ImportModel } from './support/import-model.ts';
import { dumpTables, emptyTables, EXAMPLE, importText, line, PARENTS } from './support/import.ts';
import { INGEST, ingestLines, postImport, toEntity } from './support/ingest.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway({ environment: { GATEWAY_INGEST: 'on' } });
});
afterEach(() => emptyTables(gateway.database));
afterAll(() => gateway.close());

const EVERYTHING = Object.values(EXAMPLE);
const outcomesOf = (report: { results: { outcome: string }[] }) =>
  report.results.map(({ outcome }) => outcome);

describe('ingest', () => {
  it('takes entities that refer to each other in order, as the import does', async () => {
    const report = await ingestLines(gateway, EVERYTHING);
    expect(report).toMatchObject({ created: 5, updated: 0, unchanged: 0, rejected: 0 });
    expect(report.results.map(({ index, type, id }) => [index, type, id])).toEqual([
      [0, 'CAMPAIGN', 'c-1'],
      [1, 'ANNOTATION_REQUEST', 'ar-1'],
      [2, 'POOL', '3001'],
      [3, 'TASK', '466917967054114816'],
      [4, 'ANNOTATION_HISTORY', '1'],
    ]);
    const stored = await dumpTables(gateway.database);
    await emptyTables(gateway.database);
    await importText(gateway.database, EVERYTHING);
    expect(await dumpTables(gateway.database)).toEqual(stored);
    expect(outcomesOf(await ingestLines(gateway, EVERYTHING))).toEqual(
      Array<string>(5).fill('UNCHANGED'),
    );
  });

  it('refuses entities in the wrong order, each for itself', async () => {
    const report = await ingestLines(gateway, EVERYTHING.toReversed());
    expect(outcomesOf(report)).toEqual([...Array<string>(4).fill('REJECTED'), 'CREATED']);
    expect(report.results[0]!.error).toEqual({
      code: 'NOT_FOUND',
      path: ['entities', '0', 'annotationHistory', 'taskId'],
      message: 'There is no task "466917967054114816" (taskId).',
    });
  });

  it('tells every outcome, with its place', async () => {
    const stored = line('task', { lastRecordId: '10' });
    await importText(gateway.database, [...PARENTS, stored]);
    const report = await ingestLines(gateway, [
      line('campaign', { folderName: '"f"' }),
      stored,
      line('task', { lastRecordId: '9', status: '11' }),
      line('annotationHistory', { instanceInfo: '{"a.b":1}' }),
      line('pool', { campaignId: '"c-2"' }),
      line('campaign', { id: '"c-2"' }),
      line('annotationHistory', { id: '2', taskId: '5' }),
      line('annotationHistory', { id: '3', instanceInfo: '{"a.b":-1}' }),
      line('pool', { id: '-1' }),
    ]);
    expect(outcomesOf(report)).toEqual([
      'UPDATED',
      'UNCHANGED',
      'STALE',
      'CREATED',
      ...Array<string>(5).fill('REJECTED'),
    ]);
    expect(report).toMatchObject({
      created: 1,
      updated: 1,
      unchanged: 1,
      stale: 1,
      rejected: 5,
      notWritten: 0,
      warnings: 1,
    });
    expect(report.results[3]!.warning).toBe(
      'The counts of instanceInfo add up to 1, and instanceNum is 0.',
    );
    expect(report.results.slice(4).map(({ error }) => [error!.code, ...error!.path])).toEqual([
      ['IMMUTABLE', 'entities', '4', 'pool', 'campaignId'],
      ['CONFLICT', 'entities', '5', 'campaign', 'projectId'],
      ['NOT_FOUND', 'entities', '6', 'annotationHistory', 'taskId'],
      ['INVALID', 'entities', '7', 'annotationHistory', 'instanceInfo', 'a.b'],
      ['INVALID', 'entities', '8', 'pool', 'id'],
    ]);
    expect(report.results[8]!.error!.message).toBe(
      'id must be a whole number from 0 to 9223372036854775807, in plain digits, not "-1".',
    );
  });

  it.each([
    ['1.5', 'not 1.5'],
    ['1e21', 'not 1e+21'],
    ['2147483648', 'not 2147483648'],
    ['-1', 'not -1'],
    ['"1"', 'not "1"'],
    ['null', 'not null'],
    ['[1]', 'not an array'],
    ['{}', 'not an object'],
  ])('refuses the count %s', async (count, reason) => {
    await importText(gateway.database, PARENTS);
    const { results } = await ingestLines(gateway, [
      line('task', { instanceInfo: `{"k":${count}}` }),
    ]);
    expect(results[0]!.error).toMatchObject({
      code: 'INVALID',
      path: ['entities', '0', 'task', 'instanceInfo', 'k'],
    });
    expect(results[0]!.error!.message).toContain(reason);
  });

  it('tells absent from null', async () => {
    const named = line('campaign', { folderName: '"f"', workflowType: '"w"' });
    await ingestLines(gateway, [named]);
    await ingestLines(gateway, [line('campaign', { folderName: 'null' })]);
    expect(await gateway.database.prisma.campaign.findFirst()).toMatchObject({
      folderName: null,
      workflowType: 'w',
    });
  });

  it('takes every key of instanceInfo, from a literal too', async () => {
    await importText(gateway.database, PARENTS);
    const { ingest } = await gateway.gql<{ ingest: { created: number } }>(`mutation {
      ingest(entities: [{ task: { id: 7, annotationRequestId: "ar-1", sceneId: "s", status: 1,
        poolId: "3001", instanceInfo: { __proto__: 3, a: 4 }, instanceNum: 7, attributeNum: 0, frameNum: 1 } }])
        { created }
    }`);
    expect(ingest).toEqual({ created: 1 });
    const [row] = await gateway.database.prisma.$queryRawUnsafe<[{ info: string }]>(
      `SELECT instance_info::text AS info FROM task`,
    );
    expect(JSON.parse(row.info)).toEqual(JSON.parse('{"__proto__":3,"a":4}'));
  });

  it('writes all or nothing where it is atomic', async () => {
    const before = await dumpTables(gateway.database);
    const bad = line('pool', { id: '9', campaignId: '"c-9"' });
    const report = await ingestLines(gateway, [...EVERYTHING, bad], true);
    expect(outcomesOf(report)).toEqual([...Array<string>(5).fill('NOT_WRITTEN'), 'REJECTED']);
    expect(report).toMatchObject({ created: 0, notWritten: 5, rejected: 1 });
    expect(await dumpTables(gateway.database)).toEqual(before);
    expect(await ingestLines(gateway, EVERYTHING, true)).toMatchObject({ created: 5 });
    expect(await gateway.database.prisma.annotationHistory.count()).toBe(1);
  });

  it('takes at most 1,000 entities', async () => {
    const pools = Array.from({ length: 1000 }, (_, id) => line('pool', { id: String(id) }));
    const entities = [EXAMPLE.campaign, ...pools].map(toEntity);
    const [error] = await gateway.gqlErrors(INGEST, { entities });
    expect(error).toMatchObject({
      message: 'The argument "entities" has 1001 entries; it may have at most 1000.',
      extensions: { code: 'BAD_USER_INPUT' },
    });
    expect(await gateway.database.prisma.campaign.count()).toBe(0);
    await importText(gateway.database, [EXAMPLE.campaign]);
    expect(await ingestLines(gateway, pools)).toMatchObject({ created: 1000 });
    expect(await ingestLines(gateway, [])).toMatchObject({ results: [], created: 0 });
  });

  it.each([
    ['none', {}],
    ['two', { ...toEntity(EXAMPLE.campaign), ...toEntity(EXAMPLE.pool) }],
    ['null', { campaign: null }],
    ['an incomplete one', { campaign: { id: 'c-1' } }],
    ['an unknown field', { pool: { id: 1, name: 'p', poolType: 1, campaignId: 'c-1', x: 1 } }],
    ['a rounded id', { pool: { id: 2 ** 60, name: 'p', poolType: 1, campaignId: 'c-1' } }],
  ])('takes exactly one whole entity an entry, not %s', async (_, entity) => {
    const [error] = await gateway.gqlErrors(INGEST, { entities: [entity] });
    expect(error!.extensions!.code).toBe('BAD_USER_INPUT');
  });

  it('is not taken by GET', async () => {
    const query = encodeURIComponent('mutation { ingest(entities: []) { created } }');
    const response = await gateway.inject({ method: 'GET', url: `/graphql?query=${query}` });
    expect(response.statusCode).toBe(405);
    expect(response.headers.allow).toBe('POST');
  });

  it('is forbidden where nothing is taken in, with a key too', async () => {
    const closed = await createTestGateway({ database: gateway.database });
    const [error] = await closed.gqlErrors(INGEST, { entities: EVERYTHING.map(toEntity) });
    expect(error).toMatchObject({
      path: ['ingest'],
      message: 'This gateway takes no data in: GATEWAY_INGEST is off.',
      extensions: { code: 'FORBIDDEN' },
    });
    const response = await closed.inject({
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
      payload: JSON.stringify({ query: INGEST, variables: { entities: [] } }),
    });
    expect(response.payload).toContain('"FORBIDDEN"');
    expect(await gateway.database.prisma.campaign.count()).toBe(0);
    expect(await gateway.database.prisma.idempotencyKey.count()).toBe(0);
  });
});

it('gives the same rows and counts by every door, whatever the lines', async () => {
  await fc.assert(
    fc.asyncProperty(manyLines, async (lines) => {
      const { database } = gateway;
      const texts = lines.map((fields) => JSON.stringify(fields));
      const model = new ImportModel();
      const expected = lines.map((fields) => model.process(fields));

      await emptyTables(database);
      const { summary, rejected } = await importText(database, texts);
      const stored = await dumpTables(database);

      await emptyTables(database);
      const { report } = await postImport(gateway, texts.join('\n'));
      expect(await dumpTables(database)).toEqual(stored);
      const { types, lines: count } = summary;
      expect(report).toMatchObject({ types, lines: count, rejected: summary.rejected });
      expect(report.problems.filter(({ code }) => code !== 'SUM')).toEqual(rejected);

      await emptyTables(database);
      const ingested = await ingestLines(gateway, texts);
      expect(await dumpTables(database)).toEqual(stored);
      expect(
        ingested.results.map(({ outcome, error }) => error?.code ?? outcome.toLowerCase()),
      ).toEqual(expected);
      const sum = (of: (type: string) => number) =>
        ENTITY_TYPES.reduce((total, type) => total + of(type), 0);
      expect(ingested).toMatchObject({
        created: sum((type) => report.types[type]!.created!),
        updated: sum((type) => report.types[type]!.updated!),
        unchanged: sum((type) => report.types[type]!.unchanged! - report.types[type]!.stale!),
        stale: sum((type) => report.types[type]!.stale!),
        rejected: report.rejected,
        warnings: sum((type) => report.types[type]!.warnings!),
      });
      expect(ingested.results.flatMap(({ error }) => (error ? [error.message] : []))).toEqual(
        rejected.map(({ message }) => message),
      );
    }),
    { numRuns: 30 },
  );
});
