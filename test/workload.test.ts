import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { simulate } from '../src/simulator/simulate.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { emptyTables } from './support/import.ts';
import type { Filter } from './support/list-evaluation.ts';
import { compare } from './support/list-measures.ts';
import type { ModelRow } from './support/list-rows.ts';
import { HOUR, localTime, ZONES } from './support/local-time.ts';
import { expectPages, pageSelection } from './support/pages.ts';
import { aroundNight, NIGHTS, randomHistory } from './support/random-history.ts';
import { ascending } from './support/records.ts';
import { grid, replaceAll } from './support/rows.ts';
import {
  campaignOf,
  importRows,
  OPERATION_KEY,
  UNITS,
  WORKLOAD_KEYS,
  workloadOf,
  workloadSelection,
  type WorkloadQuery,
} from './support/workload.ts';

const FILTERS: Filter[] = [
  {},
  { poolAssigneeId: { in: ['5001', '9007199254740993'] } },
  { poolAssigneeId: { isNull: true } },
  { teamId: { eq: '41' } },
  { not: { creatorId: { eq: '61' } } },
  { action: { in: ['SUBMIT_ANNOTATION'] } },
  { actionCode: { in: [10, 17] }, createdTime: { gte: '2025-03-30T00:00:00.000Z' } },
  { createdTime: { gte: '2025-03-29T20:00:00.000Z', lt: '2025-11-02T05:00:00.000Z' } },
  { pool: { typeCode: { lte: 2 } } },
  { annotationRequest: { campaign: { campaignId: { eq: 'c "é"' } } } },
  { task: { annotationHistory: { actionCode: { eq: 9 } } } },
  { recordId: { eq: '1' } },
];

interface Evidence {
  totalCount: number;
  aggregate: { count: number; sum: { instanceNum: string; attributesNum: string } };
  nodes: { recordId: string }[];
}
type Group = Record<string, unknown> & {
  time?: { label: string; start: string; end: string };
  records: Evidence;
  receivedRecords: Evidence;
};
interface Groups {
  totalCount: number;
  nodes: Group[];
  edges: { cursor: string }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean };
}

const EVIDENCE =
  '{ totalCount aggregate { count sum { instanceNum attributesNum } } nodes { recordId } }';

const queryArbitrary: fc.Arbitrary<WorkloadQuery> = fc.record({
  groupBy: fc
    .tuple(
      fc.shuffledSubarray([...Object.keys(WORKLOAD_KEYS), OPERATION_KEY], { maxLength: 3 }),
      fc.subarray(UNITS, { maxLength: 1 }),
      fc.nat(3),
    )
    // The stretch of time stands anywhere among the keys.
    .map(([keys, units, at]) => [...keys.slice(0, at), ...units, ...keys.slice(at)]),
  filter: fc.constantFrom(...FILTERS),
  timeZone: fc.constantFrom(...ZONES),
});

async function expectWorkload(
  gateway: TestGateway,
  history: readonly ModelRow[],
  query: WorkloadQuery,
): Promise<void> {
  const { workload } = await gateway.gql<{ workload: Groups }>(
    `query($filter: AnnotationHistoryFilter, $groupBy: [WorkloadKey!]!, $timeZone: String!) {
      workload(first: 1000, filter: $filter, groupBy: $groupBy, timeZone: $timeZone) {
        totalCount nodes { ${workloadSelection(query.groupBy)}
          records(first: 1000) ${EVIDENCE} receivedRecords(first: 1000) ${EVIDENCE} } } }`,
    query,
  );
  const expected = workloadOf(history, query);
  expect(workload.totalCount).toBe(expected.length);
  const sum = (name: string, ids: string[]) => {
    const rows = history.filter(({ values }) => ids.includes(String(values.recordId)));
    return String(rows.reduce((total, { values }) => total + (values[name] as number), 0));
  };
  const evidence = (ids: string[]) => ({
    totalCount: ids.length,
    aggregate: {
      count: ids.length,
      sum: { instanceNum: sum('instanceNum', ids), attributesNum: sum('attributesNum', ids) },
    },
    nodes: ids.slice(0, 1000).map((recordId) => ({ recordId })),
  });
  expect(workload.nodes).toEqual(
    expected.map(({ shown, records, receivedRecords }) => ({
      ...shown,
      records: evidence(records),
      receivedRecords: evidence(receivedRecords),
    })),
  );
  // The rows behind a number add up to it.
  if (query.groupBy.includes(OPERATION_KEY)) return;
  for (const { instances, attributes, records } of workload.nodes) {
    expect(records.aggregate.sum).toEqual({ instanceNum: instances, attributesNum: attributes });
  }
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
});
afterAll(() => gateway.close());

describe.each(NIGHTS)('the workload of a history without sense, around %s', (night) => {
  let history: ModelRow[];
  beforeAll(async () => {
    history = await importRows(gateway.database, randomHistory(1, aroundNight(night)));
  });

  it('is what its records come to', async () => {
    await fc.assert(
      fc.asyncProperty(queryArbitrary, (query) => expectWorkload(gateway, history, query)),
      { numRuns: 20 },
    );
  });
});

describe('the workload of a simulation', () => {
  let history: ModelRow[];
  beforeAll(async () => {
    history = await importRows(gateway.database, [...simulate({ tasks: 150 })]);
  });

  it.each([
    [['POOL_ASSIGNEE_ID', 'DAY'], 'Asia/Shanghai'],
    [['CAMPAIGN', 'ISO_WEEK', 'ACTION'], 'Europe/Berlin'],
    [['OPERATION_KEY'], 'UTC'],
    [[], 'UTC'],
  ])('is what its records come to, by %j', async (groupBy, timeZone) => {
    await expectWorkload(gateway, history, { groupBy, timeZone, filter: {} });
  });

  it('is in the order asked for, page by page, both ways, of groups like those asked for', async () => {
    const query = { groupBy: ['POOL_ASSIGNEE_ID', 'DAY'], timeZone: 'UTC', filter: {} };
    interface Row {
      poolAssigneeId: string | null;
      time: { label: string };
      recordCount: number;
      checks: number;
      instances: string;
    }
    const order = (row: Row) => (row.poolAssigneeId === null ? -1n : BigInt(row.poolAssigneeId));
    const nodes = workloadOf(history, query)
      .map(({ shown }) => shown as Row)
      .map(({ poolAssigneeId, time, recordCount, checks, instances }) => {
        return { poolAssigneeId, time, recordCount, checks, instances };
      })
      .filter(
        ({ recordCount, checks, instances }) =>
          recordCount >= 3 && (checks === 0 || BigInt(instances) <= 10n),
      )
      .sort((a, b) => b.recordCount - a.recordCount || compare(order(a), order(b)));
    expect(nodes.length).toBeGreaterThan(20);
    await expectPages({ totalCount: nodes.length, nodes }, 7, async (page) => {
      const { workload } = await gateway.gql<{ workload: object }>(
        `{ workload(groupBy: [POOL_ASSIGNEE_ID, DAY], ${page},
          orderBy: [{ field: RECORD_COUNT, direction: DESC }, { field: POOL_ASSIGNEE_ID, nulls: FIRST }],
          having: { recordCount: { gte: 3 }, or: [{ checks: { eq: 0 } }, { not: { instances: { gt: 10 } } }] })
          ${pageSelection('poolAssigneeId time { label } recordCount checks instances')} }`,
      );
      return workload;
    });
  });
});

describe('the workload of a row', () => {
  let history: ModelRow[];
  beforeAll(async () => {
    history = await importRows(gateway.database, randomHistory(2, aroundNight(NIGHTS[0]!)));
  });

  it.each([
    ['campaigns', 'Campaign', (row: ModelRow) => campaignOf(row).values.campaignId, 'campaignId'],
    [
      'annotationRequests',
      'AnnotationRequest',
      (row: ModelRow) => (row.related.annotationRequest as ModelRow).values.annotationRequestId,
      'annotationRequestId',
    ],
    ['pools', 'Pool', (row: ModelRow) => (row.related.pool as ModelRow).values.poolId, 'poolId'],
  ] as const)('of every row of %s is that of its own records', async (list, _noun, keyOf, id) => {
    const groupBy = ['POOL_ASSIGNEE_ID', 'MONTH'];
    const data = await gateway.gql<
      Record<string, { nodes: ({ workload: Groups } & Record<string, string>)[] }>
    >(
      `{ ${list}(first: 100) { nodes { ${id} workload(groupBy: [POOL_ASSIGNEE_ID, MONTH], first: 1000) {
        totalCount nodes { ${workloadSelection(groupBy)} records(first: 1000) { nodes { recordId } } receivedRecords(first: 1000) { nodes { recordId } } } } } } }`,
    );
    const nodes = data[list]!.nodes;
    expect(nodes.length).toBeGreaterThan(1);
    // A rejection is looked up in the whole history, but counts where it was written itself.
    const groups = workloadOfParents(groupBy, keyOf);
    for (const node of nodes) {
      const expected = groups.get(node[id]!) ?? [];
      expect(node.workload.totalCount).toBe(expected.length);
      expect(node.workload.nodes).toEqual(expected);
    }
  });

  function workloadOfParents(groupBy: string[], keyOf: (row: ModelRow) => unknown) {
    const parents = new Map<string, object[]>();
    for (const parent of new Set(history.map((row) => String(keyOf(row))))) {
      const ids = new Set(
        history.filter((row) => String(keyOf(row)) === parent).map(({ values }) => values.recordId),
      );
      const groups = workloadOf(history, { groupBy, timeZone: 'UTC', filter: {} }, (row) =>
        ids.has(row.values.recordId),
      );
      const list = (some: string[]) => ({ nodes: some.map((recordId) => ({ recordId })) });
      parents.set(
        parent,
        groups.map(({ shown, records, receivedRecords }) => ({
          ...shown,
          records: list(records),
          receivedRecords: list(receivedRecords),
        })),
      );
    }
    return parents;
  }

  it('gives the records of a group in pages', async () => {
    const { workload } = await gateway.gql<{ workload: Groups }>(
      '{ workload(first: 3) { nodes { recordCount records(last: 2) { pageInfo { startCursor hasPreviousPage } nodes { recordId task { taskId pool { name } } } } } } }',
    );
    const ids = ascending(history.map(({ values }) => values.recordId as bigint));
    const [group] = workload.nodes;
    expect(group!.recordCount).toBe(ids.length);
    expect(group!.records.nodes.map(({ recordId }) => recordId)).toEqual(ids.slice(-2).map(String));
    const { startCursor } = (group!.records as unknown as { pageInfo: { startCursor: string } })
      .pageInfo;
    const before = await gateway.gql<{ workload: Groups }>(
      `{ workload { nodes { records(last: 3, before: "${startCursor}") { nodes { recordId } } } } }`,
    );
    expect(before.workload.nodes[0]!.records.nodes.map(({ recordId }) => recordId)).toEqual(
      ids.slice(-5, -2).map(String),
    );
  });

  it('ranks the operators of a campaign', async () => {
    interface Ranking {
      totalCount: number;
      nodes: {
        rank: number;
        poolAssigneeId: string;
        workload: { taskCount: number; instances: string };
      }[];
      edges: { cursor: string }[];
    }
    const read = (page: string) =>
      gateway.gql<{ campaigns: { nodes: { campaignId: string; operatorRanking: Ranking }[] } }>(
        `{ campaigns { nodes { campaignId operatorRanking(by: TASK_COUNT${page}) { totalCount edges { cursor }
          nodes { rank poolAssigneeId workload { taskCount instances } } } } } }`,
      );
    const { campaigns } = await read(', first: 1000');
    for (const { campaignId, operatorRanking } of campaigns.nodes) {
      const groups = workloadOf(
        history,
        {
          groupBy: ['POOL_ASSIGNEE_ID'],
          timeZone: 'UTC',
          filter: { poolAssigneeId: { isNull: false } },
        },
        (row) => campaignOf(row).values.campaignId === campaignId,
      ).map(
        ({ shown }) => shown as { poolAssigneeId: string; taskCount: number; instances: string },
      );
      const expected = groups
        .sort(
          (a, b) =>
            b.taskCount - a.taskCount ||
            compare(BigInt(a.poolAssigneeId), BigInt(b.poolAssigneeId)),
        )
        .map(({ poolAssigneeId, taskCount, instances }) => ({
          rank: 1 + groups.filter((other) => other.taskCount > taskCount).length,
          poolAssigneeId,
          workload: { taskCount, instances },
        }));
      expect(operatorRanking.nodes).toEqual(expected);
      expect(operatorRanking.totalCount).toBe(expected.length);
    }
    // A rank stays the same on a later page.
    const { edges, nodes } = campaigns.nodes[0]!.operatorRanking;
    const later = await read(`, after: "${edges[2]!.cursor}", first: 2`);
    expect(later.campaigns.nodes[0]!.operatorRanking.nodes).toEqual(nodes.slice(3, 5));
  });
});

describe.each(NIGHTS)('a stretch of time around %s', (night) => {
  beforeAll(async () => {
    await replaceAll(gateway.database, randomHistory(4, aroundNight(night)));
  });

  it.each(ZONES.flatMap((zone) => UNITS.map((unit) => [unit, zone] as const)))(
    'is a whole %s of %s',
    async (unit, timeZone) => {
      const { workload } = await gateway.gql<{ workload: Groups }>(
        `{ workload(groupBy: [${unit}], timeZone: "${timeZone}", first: 1000) { nodes { time { label start end } } } }`,
      );
      expect(workload.nodes.length).toBeGreaterThan(0);
      const nameOf = (instant: number) => {
        const [group] = workloadOf(
          [
            {
              noun: 'AnnotationHistory',
              values: { createdTime: new Date(instant).toISOString() },
              related: {},
            },
          ],
          { groupBy: [unit], timeZone, filter: {} },
        );
        return (group!.shown as { time: { label: string } }).time.label;
      };
      for (const { time } of workload.nodes) {
        const { label, start, end } = time!;
        expect(nameOf(Date.parse(start))).toBe(label);
        expect(nameOf(Date.parse(end) - 1)).toBe(label);
        if (unit === 'HOUR') {
          expect(Date.parse(end) - Date.parse(start)).toBe(HOUR);
          expect(localTime(start, timeZone)).toMatch(/:00:00$/);
        } else {
          expect(nameOf(Date.parse(start) - 1)).not.toBe(label);
          expect(nameOf(Date.parse(end))).not.toBe(label);
        }
      }
    },
  );
});

describe('the arguments of the workload', () => {
  beforeAll(() => emptyTables(gateway.database));

  it.each([
    ['groupBy: [DAY, MONTH]', /"groupBy" has several of HOUR, DAY, ISO_WEEK and MONTH/],
    [
      'orderBy: [{ field: TIME }]',
      /"orderBy" has "time", which is not among the keys of "groupBy"/,
    ],
    ['groupBy: [POOL], orderBy: [{ field: TEAM_ID }]', /"orderBy" has "teamId"/],
    ['timeZone: "+08:00"', /"timeZone" is "\+08:00", which is not a name/],
    ['timeZone: "Mars/Olympus"', /"timeZone" is "Mars\/Olympus"/],
    ['timeZone: ""', /"timeZone" is ""/],
    // Zones that PostgreSQL takes for an offset without daylight saving, and one that it does not know.
    ['timeZone: "CET"', /"timeZone" is "CET", which is not a name/],
    ['timeZone: "IST"', /"timeZone" is "IST"/],
    ['timeZone: "SystemV/PST8PDT"', /"timeZone" is "SystemV/],
    ['first: 1001', /"first" is 1001; it may be from 0 to 1000/],
    ['first: 1, last: 1', /exclude each other/],
    [
      'after: "MXVtbC1YcTVbIjY4MTY3NzMyNjg2OTU5NDExMiJd"',
      /"after" is not a cursor of a list of Workload/,
    ],
  ])('are refused with a reason: %s', async (args, message) => {
    const [error] = await gateway.gqlErrors(
      `{ workload(${args}) { totalCount } tasks { totalCount } }`,
    );
    expect(error!.message).toMatch(message);
    expect(error!.extensions!.code).toBe('BAD_USER_INPUT');
  });

  it('may be left out, and nothing makes no group', async () => {
    const { workload } = await gateway.gql<{ workload: Groups }>(
      '{ workload { totalCount nodes { recordCount } pageInfo { hasNextPage } } }',
    );
    expect(workload).toEqual({ totalCount: 0, nodes: [], pageInfo: { hasNextPage: false } });
  });

  it('may be as many as the database takes, and no more', async () => {
    const ids = (part: number) =>
      Array.from({ length: 1000 }, (_, i) => String(part * 1000 + i + 1));
    const filter = (parts: number) => ({
      or: Array.from({ length: parts }, (_, part) => ({ poolAssigneeId: { in: ids(part) } })),
    });
    const workload =
      'query($filter: AnnotationHistoryFilter) { workload(filter: $filter) { totalCount } }';
    const history =
      'query($filter: AnnotationHistoryFilter) { annotationHistory(filter: $filter) { nodes { recordId } aggregate { count } } }';
    expect(await gateway.gql<object>(workload, { filter: filter(40) })).toEqual({
      workload: { totalCount: 0 },
    });
    const [error] = await gateway.gqlErrors(history, { filter: filter(40) });
    expect(error!.extensions!.code).toBe('BAD_USER_INPUT');
  });
});

describe('the workload of records at the ends of time, and where clocks go back over midnight', () => {
  beforeAll(async () => {
    const times = [
      '0001-01-01T00:00:00Z',
      // In St John's, clocks went back from 00:01 to 23:01 of the day before at 02:31 UTC.
      '2010-11-07T02:29:30Z',
      '2010-11-07T02:50:00Z',
      '2010-11-07T03:20:00Z',
      '9999-12-31T23:59:59.999Z',
    ];
    const entities = [...grid({ requests: 1, tasksPerRequest: 1, recordsPerTask: times.length })];
    let next = 0;
    for (const entity of entities) {
      if (entity.type !== 'annotationHistory') continue;
      entity.createdTime = new Date(times[next++]!);
      entity.poolAssigneeId = 7n;
    }
    await replaceAll(gateway.database, entities);
  });

  it.each(['UTC', 'Asia/Shanghai', 'America/New_York', 'America/St_Johns'])(
    'is whole in %s, page by page',
    async (timeZone) => {
      const seen: number[] = [];
      let after = '';
      for (;;) {
        const { workload, workingTime } = await gateway.gql<{
          workload: Groups;
          workingTime: Groups;
        }>(
          `{ workload(groupBy: [DAY], timeZone: "${timeZone}", first: 1 ${after}) { edges { cursor } pageInfo { hasNextPage }
              nodes { recordCount time { label start end } records { totalCount nodes { recordId } } } }
            workingTime(timeZone: "${timeZone}") { totalCount nodes { time { start end } records { totalCount } } } }`,
        );
        const [group] = workload.nodes;
        expect(group!.records.totalCount).toBe(group!.recordCount);
        expect(group!.records.nodes).toHaveLength(group!.recordCount as number);
        expect(workingTime.nodes).toHaveLength(workingTime.totalCount);
        seen.push(group!.recordCount as number);
        if (!workload.pageInfo.hasNextPage) break;
        after = `, after: "${workload.edges[0]!.cursor}"`;
      }
      expect(seen).toEqual([1, 3, 1]);
    },
  );

  it('may be asked for in a zone that the database does not know', async () => {
    // Node.js has some that PostgreSQL has dropped.
    const [error] = await gateway.gqlErrors(
      '{ workload(timeZone: "US/Pacific-New", groupBy: [DAY]) { totalCount } }',
    );
    expect(error!.extensions!.code).toBe('BAD_USER_INPUT');
  });

  it.each([
    ['groupBy: [MONTH], timeZone: "UTC"', 'groupBy: [DAY], timeZone: "UTC"'],
    ['groupBy: [DAY], timeZone: "UTC"', 'groupBy: [DAY], timeZone: "Asia/Shanghai"'],
  ])('has cursors that are good for its own stretches of time only: %s', async (own, other) => {
    const { workload } = await gateway.gql<{ workload: Groups }>(
      `{ workload(${own}, first: 1) { edges { cursor } } }`,
    );
    const { cursor } = workload.edges[0]!;
    await gateway.gql(`{ workload(${own}, after: "${cursor}") { totalCount } }`);
    const [error] = await gateway.gqlErrors(
      `{ workload(${other}, after: "${cursor}") { totalCount } }`,
    );
    expect(error!.message).toMatch(/"after" is not a cursor/);
  });
});
