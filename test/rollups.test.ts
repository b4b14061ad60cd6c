import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { noteRollUps, rollUpZone } from '../src/database/rollups.ts';
import {
  checkRollUps,
  countRollUps,
  readRollUpState,
  refreshRollUps,
  restartRollUps,
} from '../src/database/rollups-refresh.ts';
import { clientFor } from '../src/database/scoped.ts';
import { simulate } from '../src/simulator/simulate.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { emptyTables } from './support/import.ts';
import { ZONES } from './support/local-time.ts';
import { aroundNight, MANY_TASKS, NIGHTS, randomHistory } from './support/random-history.ts';
import {
  BY_OPERATOR,
  differencesSql,
  questionArbitrary,
  rollUpAll,
  type RollUpQuestion,
} from './support/rollups.ts';
import { grid, importEntities, recordWith, replaceAll } from './support/rows.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
});
afterAll(() => gateway?.close());
beforeEach(() => noteRollUps(gateway.database.prisma, undefined));

/** What happens to a history whose workload is rolled up. */
type Step =
  | { does: 'add'; records: number }
  | { does: 'delete'; every: number; from: number }
  | { does: 'refresh' }
  | { does: 'restart'; timeZone: string };

/** Clocks that went back over midnight at a minute past it, and by three hours. */
const ODD_NIGHTS = [
  ['2010-11-07', 'America/St_Johns'],
  ['2010-03-05', 'Antarctica/Casey'],
] as const;

const nightArbitrary = fc.oneof(
  fc.tuple(fc.constantFrom(...NIGHTS), fc.constantFrom(...ZONES)),
  fc.constantFrom(...ODD_NIGHTS),
);

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ does: fc.constant('add'), records: fc.constantFrom(1, 2, 3, 40) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('delete'),
      every: fc.integer({ min: 1, max: 9 }),
      from: fc.nat(8),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ does: 'refresh' }) },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('restart'), timeZone: fc.constantFrom(...ZONES) }),
  },
);

async function expectSame(
  questions: readonly RollUpQuestion[],
  timeZone: string,
  day?: string,
): Promise<void> {
  for (const question of questions) {
    const found = await gateway.database.prisma.$queryRaw(differencesSql(question, timeZone, day));
    expect(found).toEqual([]);
  }
}

it('tells what the records come to, whatever is written and rolled up in whatever order', async () => {
  const { prisma } = gateway.database;
  const questions = fc.array(questionArbitrary, { minLength: 3, maxLength: 3 });
  let rolledUp = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.noBias(fc.integer()),
      nightArbitrary,
      fc.array(fc.tuple(stepArbitrary, questions), { minLength: 4, maxLength: 10 }),
      async (seed, [night, timeZone], steps) => {
        const entities = randomHistory(seed, aroundNight(night));
        const records = entities.filter(({ type }) => type === 'annotationHistory');
        await replaceAll(
          gateway.database,
          entities.filter(({ type }) => type !== 'annotationHistory'),
        );
        await restartRollUps(prisma, timeZone);
        await importEntities(gateway.database, records.splice(0, 150));
        await rollUpAll(prisma);
        for (const [step, asked] of steps) {
          if (step.does === 'add') {
            await importEntities(gateway.database, records.splice(0, step.records));
          } else if (step.does === 'delete') {
            await prisma.$executeRaw`DELETE FROM annotation_history WHERE id % 9 BETWEEN ${step.from} AND ${step.from + step.every}`;
          } else if (step.does === 'refresh') {
            await refreshRollUps(prisma);
            rolledUp += await countRollUps(prisma);
          } else {
            await restartRollUps(prisma, step.timeZone);
          }
          expect(await checkRollUps(prisma)).toEqual([]);
          await expectSame(asked, timeZone);
          await expectSame(asked, timeZone, night);
        }
      },
    ),
    { numRuns: 40, endOnFailure: true },
  );
  expect(rolledUp).toBeGreaterThan(1000);
});

it('holds for rejections that were later by the sun and a day earlier by the clocks', async () => {
  // In St. John's it was 00:01 when clocks went back to 23:01 of the day before, at 02:31 of UTC.
  const timeZone = 'America/St_Johns';
  const { database } = gateway;
  await replaceAll(database, grid({ requests: 1, tasksPerRequest: 1, recordsPerTask: 0 }));
  await restartRollUps(database.prisma, timeZone);
  const task = await database.prisma.task.findFirstOrThrow();
  const step = { taskId: task.id, poolId: task.poolId };
  const add = (id: bigint, actionType: number, minutes: string, poolAssigneeId: bigint) =>
    importEntities(database, [
      recordWith({
        ...step,
        id,
        actionType,
        poolAssigneeId,
        createdTime: new Date(`2010-11-07T02:${minutes}Z`),
      }),
    ]);
  await add(1n, 10, '45:00', 5001n);
  await rollUpAll(database.prisma);
  await add(2n, 7, '30:30', 5002n);
  await expectSame([BY_OPERATOR], timeZone);
  await rollUpAll(database.prisma);
  await expectSame([BY_OPERATOR], timeZone);
  const rows = await database.prisma.$queryRaw`
    SELECT pool_assignee_id, day::text, rejections_received FROM workload_day ORDER BY pool_assignee_id, day`;
  expect(rows).toEqual([
    { pool_assignee_id: 5001n, day: '2010-11-06', rejections_received: 0 },
    { pool_assignee_id: 5002n, day: '2010-11-06', rejections_received: 1 },
    { pool_assignee_id: 5002n, day: '2010-11-07', rejections_received: 0 },
  ]);
});

describe('the roll-ups of a history', () => {
  const byOperator = (timeZone: string) =>
    `{ campaigns(first: 100) { nodes { workload(groupBy: [POOL_ASSIGNEE_ID, DAY], timeZone: "${timeZone}", first: 1000) { totalCount
      nodes { poolAssigneeId time { label start end } recordCount taskCount instances attributes frames submissions checks samplings
        rejectionsGiven returnsGiven rejectionsReceived returnsReceived workingDays firstRecordAt lastRecordAt
        records { nodes { recordId } } receivedRecords { nodes { recordId } } } } } } }`;

  beforeAll(async () => {
    await replaceAll(gateway.database, randomHistory(3, MANY_TASKS));
    await restartRollUps(gateway.database.prisma, 'Asia/Shanghai');
    await rollUpAll(gateway.database.prisma);
  });

  const read = async (query: string) => {
    const before = gateway.statements.length;
    const data = await gateway.gql(query);
    const sent = gateway.statements.slice(before);
    return { data, isRolledUp: sent.some((sql) => sql.includes('workload_day')) };
  };

  it('answer the same as the records, with the same evidence, where the zone is theirs', async () => {
    const { prisma } = gateway.database;
    for (const timeZone of ['Asia/Shanghai', 'Asia/Tokyo']) {
      noteRollUps(prisma, undefined);
      const byRecords = await read(byOperator(timeZone));
      noteRollUps(prisma, 'Asia/Shanghai');
      const byRollUps = await read(byOperator(timeZone));
      expect(byRecords.isRolledUp).toBe(false);
      expect(byRollUps.isRolledUp).toBe(timeZone === 'Asia/Shanghai');
      expect(byRollUps.data).toEqual(byRecords.data);
    }
  });

  it.each([
    ['groupBy: [CAMPAIGN]', 'recordCount instances', true],
    ['groupBy: [MONTH, ANNOTATION_REQUEST], timeZone: "Asia/Shanghai"', 'workingDays', true],
    ['groupBy: [MONTH]', 'recordCount', false],
    ['groupBy: [CAMPAIGN]', 'taskCount', false],
    ['groupBy: [POOL_ASSIGNEE_ID, MONTH], timeZone: "Asia/Shanghai"', 'frames', false],
    ['groupBy: [TEAM_ID]', 'recordCount', false],
    ['groupBy: [HOUR], timeZone: "Asia/Shanghai"', 'recordCount', false],
    ['groupBy: [], filter: { teamId: { isNull: false } }', 'recordCount', false],
    ['groupBy: [], filter: { task: { statusCode: { eq: 11 } } }', 'recordCount', false],
    ['groupBy: [], filter: { poolAssigneeId: { isNull: false } }', 'recordCount', true],
    [
      'groupBy: [POOL_ASSIGNEE_ID], filter: { createdTime: { gte: "2025-10-23T16:00:00Z", lt: "2025-10-30T16:00:00Z" } }',
      'recordCount instances',
      true,
    ],
    ['groupBy: [], filter: { createdTime: { gte: "2025-10-23T16:00:01Z" } }', 'recordCount', false],
    ['groupBy: [], filter: { createdTime: { lte: "2025-10-30T16:00:00Z" } }', 'recordCount', false],
    [
      'groupBy: [], filter: { not: { createdTime: { lt: "2025-10-30T16:00:00Z" } } }',
      'recordCount',
      true,
    ],
    [
      'groupBy: [], filter: { or: [{ createdTime: { lt: "2025-10-23T16:00:00Z" } }, { createdTime: { gte: "2025-10-30T16:00:00Z" } }] }',
      'recordCount',
      false,
    ],
  ])('are read only where they can tell: %s, %s', async (args, measures, expected) => {
    noteRollUps(gateway.database.prisma, 'Asia/Shanghai');
    const query = `{ workload(${args}, first: 1000) { nodes { ${measures} } } }`;
    const { data, isRolledUp } = await read(query);
    expect(isRolledUp).toBe(expected);
    noteRollUps(gateway.database.prisma, undefined);
    expect((await read(query)).data).toEqual(data);
  });

  it('show a viewer of some campaigns these, and one from whom people are hidden nothing', async () => {
    const { prisma } = gateway.database;
    noteRollUps(prisma, 'Asia/Shanghai');
    const [campaign] = await prisma.campaign.findMany({ take: 1, orderBy: { id: 'asc' } });
    const sight = { campaigns: [campaign!.id], minGroup: 5 } as const;
    const rows = (client: typeof prisma) =>
      client.$queryRaw<{ campaign_id: string }[]>`SELECT DISTINCT campaign_id FROM workload_day`;
    expect((await rows(prisma)).length).toBeGreaterThan(1);
    const some = clientFor(prisma, { ...sight, people: 'shown' });
    expect(rollUpZone(some)).toBe('Asia/Shanghai');
    expect(await rows(some)).toEqual([{ campaign_id: campaign!.id }]);
    const hidden = clientFor(prisma, { ...sight, people: 'hidden', minGroup: 1 });
    expect(rollUpZone(hidden)).toBeUndefined();
    await expect(rows(hidden)).rejects.toThrow('campaign_id');
  });
});

it('is what an export tells', async () => {
  const { database } = gateway;
  await replaceAll(database, randomHistory(3, MANY_TASKS));
  await restartRollUps(database.prisma, 'Asia/Shanghai');
  await rollUpAll(database.prisma);
  const read = async () => {
    const url = '/export/workload?groupBy=POOL_ASSIGNEE_ID,DAY&timeZone=Asia/Shanghai&format=csv';
    const { payload } = await gateway.inject({ url });
    return payload.split('\n').filter((line) => line.startsWith('workload,'));
  };
  const byRecords = await read();
  expect(byRecords.length).toBeGreaterThan(50);
  noteRollUps(database.prisma, 'Asia/Shanghai');
  expect(await read()).toEqual(byRecords);
  // It was the roll-ups that were read.
  await database.prisma.$executeRaw`UPDATE workload_day SET record_count = record_count + 1`;
  expect(await read()).not.toEqual(byRecords);
});

describe('what is kept', () => {
  beforeAll(async () => {
    await replaceAll(gateway.database, [...simulate({ tasks: 20 })]);
    await rollUpAll(gateway.database.prisma);
  });

  it('is compared with the records', async () => {
    const { prisma } = gateway.database;
    expect(await checkRollUps(prisma)).toEqual([]);
    const changed = await prisma.$executeRaw`UPDATE workload_day SET instances = instances + 1
      WHERE ctid = (SELECT ctid FROM workload_day WHERE pool_assignee_id IS NOT NULL LIMIT 1)`;
    expect(changed).toBe(1);
    const differences = await checkRollUps(prisma);
    expect(differences.map(({ of }) => of).sort()).toEqual(['records', 'roll-ups']);
    await restartRollUps(prisma, 'UTC');
    await rollUpAll(prisma);
    expect(await checkRollUps(prisma)).toEqual([]);
  });

  it('is in no zone that there is not', async () => {
    await expect(restartRollUps(gateway.database.prisma, 'Mars/Olympus')).rejects.toThrow();
    expect(await readRollUpState(gateway.database.prisma)).toMatchObject({ timeZone: 'UTC' });
  });

  it('goes with the records', async () => {
    const { prisma } = gateway.database;
    expect(await countRollUps(prisma)).toBeGreaterThan(0);
    await prisma.$executeRaw`TRUNCATE annotation_history`;
    expect(await countRollUps(prisma)).toBe(0);
    await emptyTables(gateway.database);
  });
});
