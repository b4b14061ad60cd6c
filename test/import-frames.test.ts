import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { dumpTables, emptyTables, importText, PARENTS, work } from './support/import.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => emptyTables(database));
afterAll(() => database.close());

const ROWS = [...PARENTS, ...work(3, 1)];
const TYPES = { campaign: 1, annotationRequest: 1, pool: 1, task: 3, annotationHistory: 3 };
const frame = (type: string, content: object) => JSON.stringify({ type, ...content });
const start = (more: object = {}) =>
  frame('exportStart', { format: 1, of: 'all', watermark: 'w', ...more });
const end = (more: object = {}) =>
  frame('exportEnd', { rows: ROWS.length, types: TYPES, watermark: 'w', ...more });
const broken = (rows: number) => frame('exportBroken', { reason: 'the database was lost', rows });

/** What an import says of lines, and how many of them it has. */
async function problemsOf(lines: string[], options = {}) {
  const { rejected, summary } = await importText(database, lines, options);
  expect(summary.rejected).toBe(rejected.length);
  return {
    problems: rejected.map(({ line, code, message }) => `${line} ${code} ${message}`),
    lines: summary.lines,
  };
}

const CUT = 'only';

describe('an export that is imported', () => {
  it('is taken without its first and last line counting as rows', async () => {
    expect(await problemsOf([start(), ...ROWS, end()])).toEqual({ problems: [], lines: 9 });
    expect(await problemsOf([start(), end({ rows: 0, types: {} })])).toEqual({
      problems: [],
      lines: 0,
    });
    // So are several of them, and rows around them.
    const twice = [...ROWS, start(), ...ROWS, '', end(), ...ROWS, start(), ...ROWS, end()];
    expect(await problemsOf(twice)).toEqual({ problems: [], lines: 36 });
  });

  it('counts its rejected lines too: they are there', async () => {
    const bad = [...ROWS];
    bad[4] = '{';
    const { problems } = await problemsOf([start(), ...bad, end({ types: {} })]);
    expect(problems).toEqual([expect.stringMatching(/^6 SYNTAX /)]);
  });

  it('is known to be cut where it has no end', async () => {
    for (let length = 0; length < ROWS.length; length++) {
      const { problems } = await problemsOf([start(), ...ROWS.slice(0, length)]);
      expect(problems).toEqual([
        `${length + 1} INCOMPLETE The export that starts in line 1 has no end: ${CUT} ${length} of its rows are here. Export the rest with "after".`,
      ]);
    }
    // What is there is taken, unless it is all or nothing.
    expect((await dumpTables(database)).task).toHaveLength(3);
    await emptyTables(database);
    const atomic = await importText(database, [start(), ...ROWS], { atomic: true });
    expect(atomic.summary).toMatchObject({ lines: 10, rejected: 1, notWritten: 9 });
    expect((await dumpTables(database)).task).toEqual([]);
  });

  it('is known to be cut where it says so, or is cut inside a row', async () => {
    const { problems } = await problemsOf([start(), ...ROWS.slice(0, 4), broken(4)]);
    expect(problems).toEqual([
      `6 INCOMPLETE The export that starts in line 1 broke off (the database was lost): ${CUT} 4 of its rows are here. Export the rest with "after".`,
    ]);
    const inside = await problemsOf([start(), ...ROWS.slice(0, 4), ROWS[4]!.slice(0, 20)]);
    expect(inside.problems).toEqual([
      expect.stringMatching(/^6 SYNTAX /),
      expect.stringMatching(/^6 INCOMPLETE .* has no end: only 5 of its rows/),
    ]);
  });

  it.each([
    [
      'a row is missing',
      [start(), ...ROWS.slice(0, -1), end()],
      /10 .*says that it has 9 rows, and 8 are here/,
    ],
    [
      'a row is too many',
      [start(), ...ROWS, ROWS[0]!, end()],
      /12 .*says that it has 9 rows, and 10 are here/,
    ],
    [
      'a row is of another type',
      [start(), ...ROWS.slice(0, -1), ROWS[0]!, end()],
      /11 .*says that it has 1 rows of the type "campaign", and 2 are here/,
    ],
    ['the number is none', [start(), ...ROWS, end({ rows: '9' })], /has "9" rows, and 9 are here/],
    [
      'it breaks off after other rows',
      [start(), ROWS[0]!, broken(2)],
      /3 .*says that it has 2 rows, and 1 are here/,
    ],
    [
      'it is the end of another',
      [start(), ...ROWS, end({ watermark: 'x' })],
      /11 INCOMPLETE Another export ends/,
    ],
    [
      'it does not start',
      [...ROWS, end()],
      /10 INCOMPLETE An export ends here that does not start/,
    ],
    [
      'it breaks off and does not start',
      [broken(0)],
      /1 INCOMPLETE An export breaks off here that does not/,
    ],
    [
      'another starts',
      [start(), ROWS[0]!, start(), ...ROWS, end()],
      /3 INCOMPLETE The export that starts in line 1 has no end/,
    ],
    [
      'its format is another',
      [start({ format: 2 }), ...ROWS, end()],
      /1 INVALID The export has a format that is not known here; known is 1/,
    ],
  ])('is a problem where %s', async (_what, lines, problem) => {
    const { problems } = await problemsOf(lines);
    expect(problems[0]).toMatch(problem);
  });

  describe('in parts', () => {
    const part = (from: number, to: number, more = {}) => [
      start({ watermark: `w${from}`, ...more }),
      ...ROWS.slice(from, to),
    ];
    const endOf = (from: number) =>
      end({ rows: ROWS.length - from, types: {}, watermark: `w${from}` });

    it('is whole again, wherever it broke off', async () => {
      for (const says of [true, false]) {
        for (let length = 1; length < ROWS.length; length++) {
          const { type, id } = JSON.parse(ROWS[length - 1]!.replace(/:(\d{16,})/g, ':"$1"')) as {
            type: string;
            id: string;
          };
          const lines = [
            ...part(0, length),
            ...(says ? [broken(length)] : []),
            ...part(length, ROWS.length, { resumedAfter: `${type}:${id}` }),
            endOf(length),
          ];
          expect((await problemsOf(lines)).problems).toEqual([]);
        }
      }
    });

    it('may be imported part by part', async () => {
      expect((await problemsOf([...part(0, 4), broken(4)])).problems).toHaveLength(1);
      const rest = [...part(4, 9, { resumedAfter: 'task:1000' }), endOf(4)];
      expect((await problemsOf(rest)).problems).toEqual([]);
    });

    it('is a problem where rows are missing in between', async () => {
      const lines = [
        ...part(0, 4),
        ...part(5, 9, { resumedAfter: 'annotationHistory:0' }),
        endOf(5),
      ];
      expect((await problemsOf(lines)).problems).toEqual([
        '6 INCOMPLETE This part of an export goes on after "annotationHistory:0", and the row before it is "task:1000".',
      ]);
    });
  });

  it('may come over many batches', async () => {
    const lines = [start(), ...PARENTS, ...work(40, 0)];
    const whole = [...lines, end({ rows: 43, types: { task: 40 } })];
    expect((await problemsOf(whole, { batchLines: 7 })).problems).toEqual([]);
    expect((await problemsOf(lines, { batchLines: 7 })).problems).toHaveLength(1);
  });
});
