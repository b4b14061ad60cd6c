import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ImportError, importLines } from '../src/import/import.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import {
  chunked,
  countsOf,
  dumpTables,
  emptyTables,
  EXAMPLE,
  importText,
  line,
} from './support/import.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => emptyTables(database));
afterAll(() => database.close());

const everything = Object.values(EXAMPLE);
const parents = [EXAMPLE.campaign, EXAMPLE.annotationRequest, EXAMPLE.pool];
const otherCampaign = line('campaign', { id: '"c-2"', projectId: '2', name: '"Other"' });
const otherPool = line('pool', { id: '3002', campaignId: '"c-2"' });

describe('the example', () => {
  it('is stored as it stands', async () => {
    const run = await importText(database, everything);
    expect(run.rejected).toEqual([]);
    expect(run.summary).toMatchObject({ lines: 5, rejected: 0, interrupted: false });
    expect(await database.prisma.task.findMany()).toEqual([
      {
        id: 466917967054114816n,
        annotationRequestId: 'ar-1',
        campaignId: 'c-1',
        poolId: 3001n,
        sceneId: '550e8400-e29b-41d4-a716-446655440000',
        status: 2,
        instanceInfo: { 'select-[e000f]': 44, '0e767bcb-7480-4e85-bbe8-439fe7871104': 11 },
        instanceNum: 55,
        attributeNum: 5,
        frameNum: 1,
        lastRecordId: null,
      },
    ]);
    expect(await database.prisma.annotationHistory.findMany()).toEqual([
      {
        id: 1n,
        taskId: 466917967054114816n,
        annotationRequestId: 'ar-1',
        campaignId: 'c-1',
        poolId: 3001n,
        status: 2,
        actionType: 5,
        teamId: 4001n,
        poolAssigneeId: 5001n,
        creatorId: 6001n,
        createdTime: new Date('2025-04-01T10:00:00Z'),
        instanceInfo: {},
        instanceNum: 0,
        instanceSum: 55,
        attributesNum: 0,
        attributesSum: 5,
        frameCount: 1,
      },
    ]);
  });

  it('changes nothing the second time', async () => {
    await importText(database, everything);
    const before = await dumpTables(database);
    const run = await importText(database, everything);
    for (const type of Object.keys(EXAMPLE) as (keyof typeof EXAMPLE)[]) {
      expect(countsOf(run, type)).toEqual({ unchanged: 1 });
    }
    expect(await dumpTables(database)).toEqual(before);
  });

  it('can be cut into batches anywhere', async () => {
    const run = await importText(database, everything, { batchLines: 1 });
    expect(run.summary).toMatchObject({ lines: 5, rejected: 0 });
  });
});

describe('an update', () => {
  it('leaves alone what is absent and clears what is null', async () => {
    const campaign = { workflowType: '"w"', folderName: '"f"', taxonomyVersionName: '""' };
    await importText(database, [line('campaign', campaign)]);
    const run = await importText(database, [line('campaign', { name: '"N"', folderName: 'null' })]);
    expect(countsOf(run, 'campaign')).toEqual({ updated: 1 });
    expect(await database.prisma.campaign.findMany()).toMatchObject([
      { name: 'N', workflowType: 'w', folderName: null, taxonomyVersionName: '' },
    ]);
  });

  it('keeps createdAt, which an absent or null one sets to the time of import only at first', async () => {
    const without = line('annotationRequest', { createdAt: undefined });
    const start = Date.now();
    await importText(database, [EXAMPLE.campaign, without]);
    const { createdAt } = await database.prisma.annotationRequest.findFirstOrThrow();
    expect(createdAt.getTime()).toBeGreaterThanOrEqual(start);
    expect(createdAt.getTime()).toBeLessThanOrEqual(Date.now());
    const asNull = line('annotationRequest', { createdAt: 'null' });
    const run = await importText(database, [without, asNull]);
    expect(countsOf(run, 'annotationRequest')).toEqual({ unchanged: 2 });
    const changed = await importText(database, [EXAMPLE.annotationRequest]);
    expect(countsOf(changed, 'annotationRequest')).toEqual({ updated: 1 });
    const { createdAt: later } = await database.prisma.annotationRequest.findFirstOrThrow();
    expect(later).toEqual(new Date('2025-03-31T08:00:00Z'));
  });

  it('applies the last line of a key in one batch', async () => {
    const run = await importText(database, [
      ...parents,
      EXAMPLE.task,
      line('task', { status: '3' }),
      line('task', { status: '4' }),
    ]);
    expect(countsOf(run, 'task')).toEqual({ created: 1, updated: 2 });
    expect(await database.prisma.task.findMany()).toMatchObject([{ status: 4 }]);
  });

  it('does not mind the order of keys in instanceInfo', async () => {
    await importText(database, [...parents, line('task', { instanceInfo: '{"b":1,"aa":2}' })]);
    const run = await importText(database, [line('task', { instanceInfo: '{"aa":2,"b":1}' })]);
    expect(countsOf(run, 'task')).toEqual({ unchanged: 1 });
    const other = await importText(database, [line('task', { instanceInfo: '{"aa":2,"c":1}' })]);
    expect(countsOf(other, 'task')).toEqual({ updated: 1 });
  });

  it.each([
    ['pool', { campaignId: '"c-2"' }, 'campaignId'],
    ['annotationRequest', { campaignId: '"c-2"' }, 'campaignId'],
    ['task', { annotationRequestId: '"ar-2"' }, 'annotationRequestId'],
    ['task', { sceneId: '"other"' }, 'sceneId'],
  ] as const)('never changes what ties a %s to others: %o', async (type, fields, path) => {
    await importText(database, [
      ...everything,
      otherCampaign,
      line('annotationRequest', { id: '"ar-2"', name: '"AR 2"' }),
    ]);
    const before = await dumpTables(database);
    const run = await importText(database, [line(type, fields)]);
    expect(run.rejected).toMatchObject([{ line: 1, type, code: 'IMMUTABLE', path }]);
    expect(await dumpTables(database)).toEqual(before);
  });
});

describe('lastRecordId', () => {
  const task = (lastRecordId: string | undefined, status: number) =>
    line('task', { lastRecordId, status: String(status) });
  const statusNow = async () => (await database.prisma.task.findFirstOrThrow()).status;

  it.each([
    ['lower: stale', '9', { unchanged: 1, stale: 1 }, 2],
    ['lower by its length: stale', '"99999999999999999"', { unchanged: 1, stale: 1 }, 2],
    ['equal', '100000000000000000', { updated: 1 }, 3],
    ['higher', '100000000000000001', { updated: 1 }, 3],
    ['absent', undefined, { updated: 1 }, 3],
    ['null', 'null', { updated: 1 }, 3],
  ])('%s', async (_, lastRecordId, counts, status) => {
    await importText(database, [...parents, task('100000000000000000', 2)]);
    expect(countsOf(await importText(database, [task(lastRecordId, 3)]), 'task')).toEqual(counts);
    expect(await statusNow()).toBe(status);
  });

  it('orders lines inside a batch too', async () => {
    const run = await importText(database, [
      ...parents,
      task('5', 5),
      task('7', 7),
      task('6', 6),
      task(undefined, 1),
      task('6', 6),
    ]);
    expect(countsOf(run, 'task')).toEqual({ created: 1, updated: 2, unchanged: 2, stale: 2 });
    expect(await database.prisma.task.findMany()).toMatchObject([{ status: 1, lastRecordId: 7n }]);
  });
});

describe('the history', () => {
  it.each([
    ['another count', { frameCount: '2' }, 'frameCount'],
    ['another operator', { poolAssigneeId: '5002' }, 'poolAssigneeId'],
    ['an operator left out', { poolAssigneeId: undefined }, 'poolAssigneeId'],
    ['another task', { taskId: '1' }, 'taskId'],
    ['another instant', { createdTime: '"2025-04-01T10:00:00.001Z"' }, 'createdTime'],
    ['other instances', { instanceInfo: '{"a":0}' }, 'instanceInfo'],
  ])('is append-only: %s', async (_, fields, path) => {
    await importText(database, everything);
    const before = await dumpTables(database);
    const run = await importText(database, [line('annotationHistory', fields)]);
    expect(run.rejected).toMatchObject([{ type: 'annotationHistory', code: 'IMMUTABLE', path }]);
    expect(await dumpTables(database)).toEqual(before);
  });

  it('takes the same record again, also in other words', async () => {
    const run = await importText(database, [
      ...everything,
      line('annotationHistory', { id: '"1"', createdTime: '"2025-04-01T12:00:00.0009+02:00"' }),
    ]);
    expect(countsOf(run, 'annotationHistory')).toEqual({ created: 1, unchanged: 1 });
  });

  it('takes a record whose counts do not add up, with a warning', async () => {
    const odd = line('annotationHistory', { instanceInfo: '{"a":2,"b":3}', instanceNum: '6' });
    const run = await importText(database, [...parents, EXAMPLE.task, odd]);
    expect(countsOf(run, 'annotationHistory')).toEqual({ created: 1, warnings: 1 });
    expect(run.warnings).toMatchObject([
      { line: 5, type: 'annotationHistory', code: 'SUM', path: 'instanceInfo' },
    ]);
    expect(run.warnings[0]!.message).toBe(
      'The counts of instanceInfo add up to 5, and instanceNum is 6.',
    );
    const again = await importText(database, [odd]);
    expect(countsOf(again, 'annotationHistory')).toEqual({ unchanged: 1 });
  });
});

describe('references', () => {
  it.each([
    ['annotationRequest', [], 'campaignId', 'There is no campaign "c-1" (campaignId).'],
    ['pool', [], 'campaignId', 'There is no campaign "c-1" (campaignId).'],
    ['task', [EXAMPLE.campaign, EXAMPLE.annotationRequest], 'poolId', 'There is no pool "3001"'],
    ['task', [EXAMPLE.campaign, EXAMPLE.pool], 'annotationRequestId', 'annotationRequest "ar-1"'],
    ['annotationHistory', parents, 'taskId', 'There is no task "466917967054114816" (taskId).'],
  ] as const)(
    'of a %s must stand on an earlier line, even in one batch',
    async (type, before, path, message) => {
      const later = everything.filter((text) => !(before as readonly string[]).includes(text));
      const run = await importText(database, [...before, EXAMPLE[type], ...later]);
      const at = before.length + 1;
      expect(run.rejected[0]).toMatchObject({ line: at, type, code: 'NOT_FOUND', path });
      expect(run.rejected[0]!.message).toContain(message);
      expect(run.summary.types[type].created).toBe(1);
    },
  );

  it('to a rejected line reject as well', async () => {
    const run = await importText(database, [
      line('campaign', { projectId: '-1' }),
      EXAMPLE.annotationRequest,
      EXAMPLE.pool,
    ]);
    expect(run.rejected.map(({ code }) => code)).toEqual(['INVALID', 'NOT_FOUND', 'NOT_FOUND']);
  });

  it('a task and a record stay inside their campaign', async () => {
    const run = await importText(database, [
      ...parents,
      otherCampaign,
      otherPool,
      line('task', { poolId: '3002' }),
      EXAMPLE.task,
      line('task', { poolId: '3002' }),
      line('annotationHistory', { poolId: '3002' }),
    ]);
    expect(run.rejected).toMatchObject([
      { line: 6, type: 'task', code: 'CONFLICT', path: 'poolId' },
      { line: 8, type: 'task', code: 'CONFLICT', path: 'poolId' },
      { line: 9, type: 'annotationHistory', code: 'CONFLICT', path: 'poolId' },
    ]);
    expect(run.rejected[0]!.message).toBe(
      'The pool 3002 belongs to the campaign "c-2", and the task to "c-1".',
    );
  });
});

describe('unique values', () => {
  const taken = [
    [
      'campaign',
      { id: '"c-9"', projectId: '9' },
      'name',
      '"Helix 3D" belongs to the campaign "c-1"',
    ],
    ['campaign', { id: '"c-9"', name: '"n"' }, 'projectId', '"1234" belongs to the campaign "c-1"'],
    ['annotationRequest', { id: '"r"', campaignId: '"c-2"' }, 'name', 'annotationRequest "ar-1"'],
    ['task', { id: '7' }, 'sceneId', 'belongs to the task "466917967054114816"'],
  ] as const;

  it.each(taken)('of a %s are refused to another row: %o', async (type, fields, path, message) => {
    for (const separately of [false, true]) {
      await emptyTables(database);
      if (separately) await importText(database, [...everything, otherCampaign]);
      const before = separately ? [] : [...everything, otherCampaign];
      const run = await importText(database, [...before, line(type, fields)]);
      expect(run.rejected).toMatchObject([{ type, code: 'CONFLICT', path }]);
      expect(run.rejected[0]!.message).toContain(message);
    }
  });

  it('that a row gives up can be taken in the same batch', async () => {
    const named = (id: string, projectId: number, name: string) =>
      line('campaign', { id: `"${id}"`, projectId: String(projectId), name: `"${name}"` });
    await importText(database, [named('a', 1, 'A'), named('b', 2, 'B')]);
    // A swap through a third name, a new row with a name given up, and a name taken back.
    const run = await importText(database, [
      named('a', 1, 'X'),
      named('b', 2, 'A'),
      named('a', 1, 'B'),
      named('c', 3, 'X'),
      named('c', 3, 'Y'),
      named('a', 1, 'X'),
      named('d', 4, 'B'),
      named('e', 5, 'A'),
    ]);
    expect(run.rejected).toMatchObject([{ line: 8, code: 'CONFLICT' }]);
    expect(countsOf(run, 'campaign')).toEqual({ created: 2, updated: 5, rejected: 1 });
    const rows = await database.prisma.campaign.findMany({ orderBy: { id: 'asc' } });
    expect(rows.map(({ id, name }) => id + name).join()).toBe('aX,bA,cY,dB');
  });

  it('of scenes are unique inside a request only', async () => {
    const run = await importText(database, [
      ...everything,
      line('annotationRequest', { id: '"ar-2"', name: '"AR 2"' }),
      line('task', { id: '7', annotationRequestId: '"ar-2"' }),
    ]);
    expect(run.rejected).toEqual([]);
  });
});

describe('an import', () => {
  it('goes on after bad lines and counts them', async () => {
    const run = await importText(database, [
      '{"type":"campaign"',
      EXAMPLE.campaign,
      '',
      '{"type":"robot"}',
      line('pool', { poolType: '-1' }),
      EXAMPLE.pool,
    ]);
    expect(run.rejected.map(({ line: n, type, code }) => [n, type, code])).toEqual([
      [1, null, 'SYNTAX'],
      [4, null, 'UNKNOWN_TYPE'],
      [5, 'pool', 'INVALID'],
    ]);
    expect(run.summary).toMatchObject({ lines: 5, rejected: 3 });
    expect(countsOf(run, 'pool')).toEqual({ created: 1, rejected: 1 });
  });

  it('tells problems in the order of the lines, and progress after each batch', async () => {
    const lines = Array.from({ length: 10 }, (_, i) =>
      i % 2 ? '[]' : line('pool', { id: String(i) }),
    );
    const progress: object[] = [];
    const text = lines.join('\n');
    const run = await importText(database, text, {
      batchLines: 4,
      onProgress: (step) => progress.push(step),
    });
    expect(run.rejected.map((problem) => problem.line)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(progress).toMatchObject([{ lines: 4 }, { lines: 8 }, { lines: 10 }]);
    expect(progress[0]).toEqual({ lines: 4, bytes: lines.slice(0, 4).join('\n').length + 1 });
  });

  it('of nothing does nothing', async () => {
    const run = await importText(database, '\n\r\n  \n');
    expect(run.summary).toMatchObject({ lines: 0, rejected: 0 });
  });

  it('that is atomic leaves nothing behind when its source fails', async () => {
    async function* failing() {
      yield* chunked(`${parents.join('\n')}\n`);
      await Promise.resolve();
      throw new Error('cable pulled');
    }
    const options = { batchLines: 2 };
    const failed = importLines(database, failing(), { ...options, atomic: true });
    await expect(failed).rejects.toThrow('cable pulled');
    await expect(failed).rejects.toMatchObject({ summary: { lines: 0 } });
    expect(await database.prisma.campaign.count()).toBe(0);
    const plain = importLines(database, failing(), options);
    await expect(plain).rejects.toBeInstanceOf(ImportError);
    await expect(plain).rejects.toMatchObject({ summary: { lines: 3 } });
    expect(await database.prisma.pool.count()).toBe(1);
  });

  it('that is atomic stores everything at the end', async () => {
    const run = await importText(database, everything, { atomic: true, batchLines: 2 });
    expect(run.summary).toMatchObject({ lines: 5, rejected: 0 });
    expect(await database.prisma.annotationHistory.count()).toBe(1);
  });

  it('stops after the batch under way when it is told to, and can be completed', async () => {
    const stop = new AbortController();
    const lines = [...everything, ...everything.map((text) => text.replace('"id":1,', '"id":2,'))];
    const first = await importText(database, lines, {
      batchLines: 2,
      signal: stop.signal,
      onProgress: ({ lines: done }) => done === 4 && stop.abort(),
    });
    expect(first.summary).toMatchObject({ lines: 4, interrupted: true });
    expect(await database.prisma.annotationHistory.count()).toBe(0);
    const second = await importText(database, lines, { signal: new AbortController().signal });
    expect(second.summary).toMatchObject({ lines: 10, interrupted: false, rejected: 0 });
    expect(await database.prisma.annotationHistory.count()).toBe(2);
  });

  it('stops although its source says nothing', async () => {
    async function* silent() {
      yield* chunked(`${EXAMPLE.campaign}\n`);
      await new Promise(() => {});
    }
    const summary = await importLines(database, silent(), { signal: AbortSignal.timeout(50) });
    expect(summary).toMatchObject({ lines: 0, interrupted: true });
  });

  it('that is atomic and interrupted leaves nothing behind', async () => {
    const stop = new AbortController();
    const run = await importText(database, everything, {
      atomic: true,
      batchLines: 1,
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    expect(run.summary).toMatchObject({ lines: 0, interrupted: true });
    expect(run.summary.types.campaign.created).toBe(0);
    expect(await database.prisma.campaign.count()).toBe(0);
  });
});
