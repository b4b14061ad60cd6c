import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { dumpTables, emptyTables, EXAMPLE, importText, line } from './support/import.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => emptyTables(database));
afterAll(() => database.close());

const BEFORE = {
  campaign: [],
  annotationRequest: [EXAMPLE.campaign],
  pool: [EXAMPLE.campaign],
  task: [EXAMPLE.campaign, EXAMPLE.annotationRequest, EXAMPLE.pool],
  annotationHistory: [EXAMPLE.campaign, EXAMPLE.annotationRequest, EXAMPLE.pool, EXAMPLE.task],
};
type Type = keyof typeof BEFORE;

/** Imports the example's line with one other field, after what it refers to. */
async function importField(type: Type, field: string, json: string | undefined) {
  const before = BEFORE[type];
  const run = await importText(database, [...before, line(type, { [field]: json })]);
  expect(run.rejected.every((problem) => problem.line === before.length + 1)).toBe(true);
  return run.rejected[0];
}

async function storedRow(type: Type): Promise<Record<string, unknown>> {
  const table = type.replace(/[A-Z]/, (c) => `_${c.toLowerCase()}`) as 'annotation_history';
  return JSON.parse((await dumpTables(database))[table].at(-1)!) as Record<string, unknown>;
}

const MAX_ID = '9223372036854775807';

describe('ids', () => {
  it.each([
    ['0', '0'],
    ['"0"', '0'],
    ['9007199254740993', '9007199254740993'],
    ['"9007199254740993"', '9007199254740993'],
    [MAX_ID, MAX_ID],
    [`"${MAX_ID}"`, MAX_ID],
    ['999999999999999', '999999999999999'],
    ['1000000000000000', '1000000000000000'],
  ])('%s is stored with exact digits', async (json, digits) => {
    expect(await importField('task', 'id', json)).toBeUndefined();
    const [row] = (await dumpTables(database)).task;
    expect(row).toContain(`"id":${digits},`);
  });

  it.each([
    '9223372036854775808',
    '"9223372036854775808"',
    '92233720368547758070',
    '1e400',
    '1.0',
    '1e3',
    '1E3',
    '-0',
    '-1',
    '"-0"',
    '"-1"',
    '" 1"',
    '"1 "',
    '"1\\n"',
    '"+1"',
    '"0x1"',
    '"1e3"',
    '"1.0"',
    '"007"',
    '"١"',
    '""',
    'null',
    'true',
    '[1]',
    '{}',
    '{"source":"1"}',
    undefined,
  ])('%s is refused', async (json) => {
    for (const [type, field] of [
      ['campaign', 'projectId'],
      ['pool', 'id'],
    ] as const) {
      expect(await importField(type, field, json)).toMatchObject({ code: 'INVALID', path: field });
    }
  });

  it('names the field, what is allowed, and what was there', async () => {
    expect((await importField('pool', 'id', '1.0'))!.message).toBe(
      `id must be a whole number from 0 to ${MAX_ID}, in plain digits, not 1.0.`,
    );
    expect((await importField('pool', 'id', '"x"'))!.message).toMatch(/, not "x"\.$/);
    expect((await importField('pool', 'id', undefined))!.message).toBe('id is missing.');
  });

  it('may be null in a record, each by itself', async () => {
    for (const field of ['teamId', 'poolAssigneeId', 'creatorId']) {
      await emptyTables(database);
      expect(await importField('annotationHistory', field, 'null')).toBeUndefined();
      const column = field.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
      expect((await storedRow('annotationHistory'))[column]).toBeNull();
    }
  });
});

describe('codes and counts', () => {
  it.each(['0', '7', '99', '2147483647'])('%s is stored', async (json) => {
    expect(await importField('task', 'status', json)).toBeUndefined();
    expect(await storedRow('task')).toMatchObject({ status: Number(json) });
  });

  it.each(['-1', '-0', '2147483648', '1.0', '1e3', '0.5', '"1"', 'null', 'true', '[]', undefined])(
    '%s is refused',
    async (json) => {
      const problem = await importField('annotationHistory', 'actionType', json);
      expect(problem).toMatchObject({ code: 'INVALID', path: 'actionType' });
    },
  );

  it.each(['-1', '2147483648', '1.0', '"1"', 'null', '{}', '466917967054114816'])(
    '%s is refused inside instanceInfo',
    async (json) => {
      const problem = await importField('task', 'instanceInfo', `{"fine":1,"k":${json}}`);
      expect(problem).toMatchObject({ code: 'INVALID', path: 'instanceInfo.k' });
      const shown = json === '{}' ? 'an object' : json;
      expect(problem!.message).toContain(`not ${shown}.`);
    },
  );

  it.each(['[]', 'null', '"{}"', '1', '1.5', undefined])('%s is no instanceInfo', async (json) => {
    const problem = await importField('task', 'instanceInfo', json);
    expect(problem).toMatchObject({ code: 'INVALID', path: 'instanceInfo' });
  });
});

describe('text', () => {
  const long = (bytes: number) => JSON.stringify('é'.repeat(bytes / 2) + 'x'.repeat(bytes % 2));

  it.each([
    ['campaign', 'id'],
    ['campaign', 'name'],
    ['annotationRequest', 'name'],
    ['pool', 'name'],
    ['task', 'sceneId'],
  ] as const)('%s.%s has 1 to 255 bytes', async (type, field) => {
    expect(await importField(type, field, long(255))).toBeUndefined();
    await emptyTables(database);
    for (const json of ['""', long(256), JSON.stringify('é'.repeat(255)), '1', 'null']) {
      expect(await importField(type, field, json)).toMatchObject({ code: 'INVALID', path: field });
    }
  });

  it('of a campaign that is no name has any length', async () => {
    const json = JSON.stringify('é'.repeat(1000));
    expect(await importField('campaign', 'folderName', json)).toBeUndefined();
    expect(await storedRow('campaign')).toMatchObject({ folder_name: 'é'.repeat(1000) });
  });

  it.each(['"a\\u0000b"', '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83dx"'])(
    '%s is refused everywhere',
    async (json) => {
      for (const [type, field] of [
        ['campaign', 'name'],
        ['campaign', 'workflowType'],
        ['annotationRequest', 'id'],
        ['annotationRequest', 'campaignId'],
        ['task', 'sceneId'],
      ] as const) {
        const problem = await importField(type, field, json);
        expect(problem).toMatchObject({ code: 'INVALID', path: field });
      }
      const problem = await importField('task', 'instanceInfo', `{${json}:1}`);
      expect(problem).toMatchObject({ code: 'INVALID', path: 'instanceInfo' });
    },
  );

  it('keeps every other character', async () => {
    const name = '\u0001\t"\\/😀\ufeff\uffff {1,2}:9007199254740993 NULL';
    expect(await importField('pool', 'name', JSON.stringify(name))).toBeUndefined();
    expect(await storedRow('pool')).toMatchObject({ name });
  });

  it('campaignType is one of two words', async () => {
    expect(await importField('campaign', 'campaignType', '"FORMAL"')).toBeUndefined();
    for (const json of ['"poc"', '"TRIAL"', '"constructor"', 'null', '1']) {
      const problem = await importField('campaign', 'campaignType', json);
      expect(problem!.message).toContain('campaignType must be POC or FORMAL, not ');
    }
  });
});

describe('instants', () => {
  it.each([
    ['2025-04-01T10:00:00Z', '2025-04-01T10:00:00+00:00'],
    ['2025-04-01t10:00:00z', '2025-04-01T10:00:00+00:00'],
    ['2025-04-01T10:00:00.5+08:00', '2025-04-01T02:00:00.5+00:00'],
    ['2025-04-01T10:00:00.1239999Z', '2025-04-01T10:00:00.123+00:00'],
    ['1969-12-31T23:59:59.9999-00:00', '1969-12-31T23:59:59.999+00:00'],
    ['2024-02-29T00:00:00-23:59', '2024-02-29T23:59:00+00:00'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00+00:00'],
    ['0000-12-31T23:30:00-01:00', '0001-01-01T00:30:00+00:00'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999+00:00'],
  ])('%s is %s', async (text, stored) => {
    const json = JSON.stringify(text);
    expect(await importField('annotationHistory', 'createdTime', json)).toBeUndefined();
    expect(await storedRow('annotationHistory')).toMatchObject({ created_time: stored });
    const again = await importText(database, [line('annotationHistory', { createdTime: json })]);
    expect(again.summary.types.annotationHistory.unchanged).toBe(1);
  });

  it.each([
    ['"2025-04-01T10:00:00"', 'must be an instant of RFC 3339 with its offset'],
    ['"2025-04-01 10:00:00Z"', 'must be an instant of RFC 3339'],
    ['"2025-04-01"', 'must be an instant'],
    ['"2025-04-01T10:00Z"', 'must be an instant'],
    ['"2025-04-01T10:00:00.Z"', 'must be an instant'],
    ['"2025-04-01T10:00:00+0800"', 'must be an instant'],
    ['"2025-04-01T10:00:00+24:00"', 'must be an instant'],
    ['"+002025-04-01T10:00:00Z"', 'must be an instant'],
    ['"2025-04-01T10:00:00Z\\n"', 'must be an instant'],
    ['1743501600000', 'must be an instant'],
    ['null', 'must be an instant'],
    ['"2025-02-30T10:00:00Z"', 'is a date or time that no calendar has'],
    ['"2025-02-29T10:00:00Z"', 'no calendar has'],
    ['"2025-13-01T10:00:00Z"', 'no calendar has'],
    ['"2025-04-00T10:00:00Z"', 'no calendar has'],
    ['"2025-04-01T24:00:00Z"', 'no calendar has'],
    ['"2025-04-01T10:60:00Z"', 'no calendar has'],
    ['"2025-04-01T10:00:61Z"', 'no calendar has'],
    ['"2016-12-31T23:59:60Z"', 'is in a leap second'],
    ['"0001-01-01T00:00:00+00:01"', 'must be in the years 0001 to 9999'],
    ['"0000-06-01T00:00:00Z"', 'must be in the years 0001 to 9999'],
    ['"9999-12-31T23:59:59-00:01"', 'must be in the years 0001 to 9999'],
  ])('%s is refused', async (json, message) => {
    const problem = await importField('annotationHistory', 'createdTime', json);
    expect(problem).toMatchObject({ code: 'INVALID', path: 'createdTime' });
    expect(problem!.message).toContain(message);
  });
});

describe('keys', () => {
  it('of instanceInfo are plain data, whatever they are called', async () => {
    const info = '{"__proto__":1,"constructor":2,"toString":3,"":4,"1":5,"hasOwnProperty":6}';
    for (const type of ['task', 'annotationHistory'] as const) {
      expect(await importField(type, 'instanceInfo', info)).toBeUndefined();
      const { instance_info } = (await storedRow(type)) as { instance_info: object };
      expect(Object.entries(instance_info)).toHaveLength(6);
      expect(Object.getOwnPropertyDescriptor(instance_info, '__proto__')?.value).toBe(1);
      const again = await importText(database, [line(type, { instanceInfo: info })]);
      expect(again.summary.types[type].unchanged).toBe(1);
    }
    const other = info.replace('"__proto__":1', '"__proto__":7');
    const run = await importText(database, [line('task', { instanceInfo: other })]);
    expect(run.summary.types.task.updated).toBe(1);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it.each(['__proto__', 'constructor', 'projectid', 'createdAt', ''])(
    'of a row that it does not have are refused or left out: %s',
    async (key) => {
      for (const json of ['1', '{"id":"evil","polluted":true}', '[[{"a":1e999}]]']) {
        const text = line('campaign', { [key]: json });
        const run = await importText(database, [text]);
        expect(run.rejected).toMatchObject([{ code: 'UNKNOWN_FIELD', path: key }]);
        const taken = await importText(database, [text], { ignoreUnknown: true });
        expect(taken.rejected).toEqual([]);
        expect((await storedRow('campaign')).id).toBe('c-1');
        await emptyTables(database);
      }
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    },
  );

  it('that stand twice with two values are refused by name', async () => {
    for (const [text, key] of [
      [EXAMPLE.pool.replace('{', '{"poolType":2,'), 'poolType'],
      [line('task', { instanceInfo: '{"a":1,"a":2}' }), 'a'],
      [line('task', { instanceInfo: '{"\\u0061":1, "a" :2}' }), 'a'],
      [EXAMPLE.pool.replace('{', '{"i\\u0064":9007199254740993,'), 'id'],
      [EXAMPLE.campaign.replace('{', '{"name":":\\": ",'), 'name'],
      [line('task', { instanceInfo: '{"__proto__":1,"__proto__":2}' }), '__proto__'],
    ]) {
      const run = await importText(database, [...BEFORE.task, text!], { ignoreUnknown: true });
      expect(run.rejected).toMatchObject([{ line: 4, code: 'SYNTAX' }]);
      expect(run.rejected[0]!.message).toContain(`The key ${JSON.stringify(key)} is there twice`);
    }
  });
});

describe('a line', () => {
  it.each([
    ['{"type":"pool",}', 'SYNTAX', null],
    ['{"type":"pool"} {}', 'SYNTAX', null],
    ['{"type":"pool","id":01}', 'SYNTAX', null],
    ['{"type":"pool","id":1.}', 'SYNTAX', null],
    ['{"type":"pool","id":-}', 'SYNTAX', null],
    ['{"type":"pool","id":0012345678901234567890}', 'SYNTAX', null],
    ['{"type":"pool","id":.5}', 'SYNTAX', null],
    ['{"type":"pool","id":1-2}', 'SYNTAX', null],
    ['{"type":"pool","id":NaN}', 'SYNTAX', null],
    ["{'type':'pool'}", 'SYNTAX', null],
    ['{"type":"pool","id":"\t"}', 'SYNTAX', null],
    ['{"type":"pool","name":"\\x"}', 'SYNTAX', null],
    ['{"type":"pool","name":"', 'SYNTAX', null],
    ['{"type":"pool","name":"\\"', 'SYNTAX', null],
    ['[]', 'SYNTAX', null],
    ['null', 'SYNTAX', null],
    ['"pool"', 'SYNTAX', null],
    ['466917967054114816', 'SYNTAX', null],
    ['{}', 'UNKNOWN_TYPE', 'type'],
    ['{"type":null}', 'UNKNOWN_TYPE', 'type'],
    ['{"type":"Pool"}', 'UNKNOWN_TYPE', 'type'],
    ['{"type":"constructor"}', 'UNKNOWN_TYPE', 'type'],
    ['{"type":["pool"]}', 'UNKNOWN_TYPE', 'type'],
    ['{"type":1.0}', 'UNKNOWN_TYPE', 'type'],
  ])('%s is rejected: %s', async (text, code, path) => {
    const run = await importText(database, [text]);
    expect(run.rejected).toMatchObject([{ line: 1, type: null, code, path }]);
    expect(run.rejected[0]!.message).toMatch(/^[A-Zt].*\.$/);
  });

  it('that is nested without end is rejected', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const [unclosed, field] = ['{"a":'.repeat(100_000), line('pool', { deep, id: '[{"a":1}]' })];
    const run = await importText(database, [unclosed, deep, field]);
    expect(run.rejected.map(({ code }) => code)).toEqual(['SYNTAX', 'SYNTAX', 'UNKNOWN_FIELD']);
  });

  it('may have white space wherever JSON may', async () => {
    const spaced = EXAMPLE.campaign.replace(/[{}:,]/g, '\t $& \r');
    const run = await importText(database, [`\ufeff${spaced}`, `  ${EXAMPLE.pool}\r`]);
    expect(run.rejected).toEqual([]);
  });
});
