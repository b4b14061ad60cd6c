import fc from 'fast-check';
import { expect } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import type { AnnotationHistoryEntity, Entity, PoolEntity } from '../../src/domain/entities.ts';
import type { TestGateway } from './gateway.ts';
import { importEntities } from './rows.ts';

/** What happened to tasks, as plain rows, to work measures out by hand. */

export type HistoryRecord = AnnotationHistoryEntity;

export interface TaskHistory {
  id: bigint;
  /** In the order in which they happened. */
  records: HistoryRecord[];
}

/** A campaign, a request or a pool, with the tasks whose history is its own. */
export interface Scope {
  list: 'campaigns' | 'annotationRequests' | 'pools';
  key: string;
  id: string;
  tasks: TaskHistory[];
}

export interface Range {
  from?: Date | undefined;
  to?: Date | undefined;
}

export function isIn({ from, to }: Range, instant: Date): boolean {
  return (!from || instant >= from) && (!to || instant < to);
}

function compareRecords(a: HistoryRecord, b: HistoryRecord): number {
  return a.createdTime.getTime() - b.createdTime.getTime() || (a.id < b.id ? -1 : 1);
}

export function poolsOf(entities: readonly Entity[]): Map<bigint, PoolEntity> {
  return new Map(
    entities.filter((one) => one.type === 'pool').map((pool) => [pool.id, pool] as const),
  );
}

/** Every campaign, request and pool of some entities. */
export function scopesOf(entities: readonly Entity[]): Scope[] {
  const requests = entities.filter((one) => one.type === 'annotationRequest');
  const campaignOf = new Map(requests.map(({ id, campaignId }) => [id, campaignId]));
  const tasks = entities
    .filter((one) => one.type === 'task')
    .map(({ id, annotationRequestId }) => ({
      id,
      annotationRequestId,
      campaignId: campaignOf.get(annotationRequestId),
      records: [] as HistoryRecord[],
    }));
  const byId = new Map(tasks.map((task) => [task.id, task]));
  for (const one of entities) {
    if (one.type === 'annotationHistory') byId.get(one.taskId)!.records.push(one);
  }
  for (const { records } of tasks) records.sort(compareRecords);
  return entities.flatMap((one): Scope[] => {
    switch (one.type) {
      case 'campaign':
        return [
          {
            list: 'campaigns',
            key: 'campaignId',
            id: one.id,
            tasks: tasks.filter(({ campaignId }) => campaignId === one.id),
          },
        ];
      case 'annotationRequest':
        return [
          {
            list: 'annotationRequests',
            key: 'annotationRequestId',
            id: one.id,
            tasks: tasks.filter(({ annotationRequestId }) => annotationRequestId === one.id),
          },
        ];
      case 'pool':
        return [
          {
            list: 'pools',
            key: 'poolId',
            id: String(one.id),
            tasks: tasks.filter(({ records }) => records.some(({ poolId }) => poolId === one.id)),
          },
        ];
      case 'task':
      case 'annotationHistory':
        return [];
    }
  });
}

/** Stretches of the time of all records, ending at the very instants of some. */
export function stretchesOf(entities: readonly Entity[]): Range[] {
  const times = entities
    .filter((one) => one.type === 'annotationHistory')
    .map(({ createdTime }) => createdTime.getTime())
    .sort((a, b) => a - b);
  const at = (share: number) => new Date(times[Math.floor(share * (times.length - 1))]!);
  return [
    { from: at(0.3), to: at(0.6) },
    { from: at(0.5) },
    { to: at(0.5) },
    { from: at(0.5), to: at(0.5) },
  ];
}

/** The campaign with the most tasks. */
export function largestCampaign(entities: readonly Entity[]): Scope {
  const campaigns = scopesOf(entities).filter(({ list }) => list === 'campaigns');
  return campaigns.sort((a, b) => b.tasks.length - a.tasks.length)[0]!;
}

/** Asks every campaign, request and pool for a field, and gives what each answered; the field must succeed. */
export async function askScopes(
  gateway: TestGateway,
  scopes: readonly Scope[],
  field: string,
  parameters: string,
  variables: object,
  fragments = '',
): Promise<Map<Scope, unknown>> {
  const lists = [...new Map(scopes.map(({ list, key }) => [list, key]))];
  type Answer = Record<string, { nodes: { key: string; answer: unknown }[] }>;
  const data = await gateway.gql<Answer>(
    `query(${parameters}) { ${lists
      .map(([list, key]) => `${list}(first: 100) { nodes { key: ${key} answer: ${field} } }`)
      .join(' ')} } ${fragments}`,
    variables,
  );
  return new Map(
    scopes.map((scope) => {
      const node = data[scope.list]!.nodes.find(({ key }) => key === scope.id);
      expect(node, `${scope.list} ${scope.id}`).toBeDefined();
      return [scope, node!.answer];
    }),
  );
}

/** What a page of rows shows, of which there are at most as many as a page can have. */
export const RECORDS = '{ totalCount aggregate { count } nodes { recordId } }';
export const TASKS = '{ totalCount nodes { taskId } }';

const ascending = (ids: readonly bigint[]) => [...ids].sort((a, b) => (a < b ? -1 : 1)).map(String);

/** What `RECORDS(first: 1000)` must show of these. */
export function recordsShown(records: readonly HistoryRecord[]): object {
  const ids = ascending(records.map(({ id }) => id));
  return {
    totalCount: ids.length,
    aggregate: { count: ids.length },
    nodes: ids.slice(0, 1000).map((recordId) => ({ recordId })),
  };
}

/** What `TASKS(first: 100)` must show of these. */
export function tasksShown(tasks: readonly TaskHistory[]): object {
  const ids = ascending(tasks.map(({ id }) => id));
  return { totalCount: ids.length, nodes: ids.slice(0, 100).map((taskId) => ({ taskId })) };
}

const ACTIONS = [0, 1, 2, 3, 4, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 99];
const STATUSES = [0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11, 99];
const OPERATORS = [null, null, 1n, 2n, 3n, 9_007_199_254_740_993n];

/** Whose rows random histories hang on: two campaigns with work in several pools, and one without anything. */
const CAMPAIGNS = [
  { id: 'a', requests: ['a1', 'a2', 'a3'], pools: [1n, 2n, 3n, 4n] },
  { id: 'b "é"', requests: ['b1', "b'2"], pools: [11n, 12n] },
  { id: 'none', requests: ['none1'], pools: [21n] },
];
const POOL_TYPES = [1, 2, 1, 9, 5, 0, 3];

function* surroundings(): Generator<Entity> {
  for (const [number, { id }] of CAMPAIGNS.entries()) {
    yield { type: 'campaign', id, projectId: BigInt(number), name: id, campaignType: 'POC' };
  }
  let number = 0;
  for (const { id: campaignId, requests, pools } of CAMPAIGNS) {
    for (const id of requests) yield { type: 'annotationRequest', id, name: id, campaignId };
    for (const id of pools) {
      yield { type: 'pool', id, name: 'pool', poolType: POOL_TYPES[number++]!, campaignId };
    }
  }
}

interface Step {
  place: number;
  status: number;
  action: number;
  operator: bigint | null;
  time: number;
  instances: number;
}

/** Instants so close together that several records have the same, and so far apart that they lie on several days. */
function timeArbitrary(start: Date, days: number): fc.Arbitrary<number> {
  return fc
    .tuple(fc.nat({ max: days * 24 - 1 }), fc.constantFrom(0, 0, 1, 1_799_999, 3_599_999))
    .map(([hour, rest]) => start.getTime() + hour * 3_600_000 + rest);
}

/**
 * Tasks with any records, in any order: known and unknown codes, equal times, ids in another order than the times.
 * @param start the first day of them.
 */
export function historiesArbitrary(start: Date, days: number): fc.Arbitrary<Entity[]> {
  const step: fc.Arbitrary<Step> = fc.record({
    place: fc.nat(3),
    status: fc.constantFrom(...STATUSES),
    action: fc.constantFrom(...ACTIONS),
    operator: fc.constantFrom(...OPERATORS),
    time: timeArbitrary(start, days),
    instances: fc.constantFrom(0, 1, 7, 2_147_483_647),
  });
  const task = fc.record({
    campaign: fc.constantFrom(CAMPAIGNS[0]!, CAMPAIGNS[1]!),
    request: fc.nat(2),
    steps: fc.array(step, { maxLength: 9, size: 'max' }),
  });
  return fc
    .tuple(
      fc.array(task, { minLength: 120, maxLength: 160, size: 'max' }),
      fc.infiniteStream(fc.nat(999)),
    )
    .map(([tasks, shuffle]) => [...surroundings(), ...histories(tasks, shuffle)]);
}

function* histories(
  tasks: { campaign: (typeof CAMPAIGNS)[number]; request: number; steps: Step[] }[],
  shuffle: Stream<number>,
): Generator<Entity> {
  const counts = { instanceInfo: {}, instanceNum: 0 };
  let number = 0n;
  for (const [index, { campaign, request, steps }] of tasks.entries()) {
    const id = 2n ** 60n + BigInt(index);
    yield {
      type: 'task',
      id,
      annotationRequestId: campaign.requests[request % campaign.requests.length]!,
      sceneId: String(index),
      status: 1,
      poolId: campaign.pools[0]!,
      ...counts,
      attributeNum: 0,
      frameNum: 1,
    };
    for (const { place, status, action, operator, time, instances } of steps) {
      const { value: random } = shuffle.next() as { value: number };
      yield {
        type: 'annotationHistory',
        id: BigInt(random) * 1_000_000n + number++,
        taskId: id,
        status,
        poolId: campaign.pools[place % campaign.pools.length]!,
        poolAssigneeId: operator,
        createdTime: new Date(time),
        actionType: action,
        ...counts,
        instanceNum: instances,
        instanceSum: 0,
        attributesNum: 0,
        attributesSum: 0,
        frameCount: 1,
      };
    }
  }
}

type Stream<T> = IterableIterator<T>;

/** A range of time with any of its ends, some of them the very instants of records. */
export function rangeArbitrary(start: Date, days: number): fc.Arbitrary<Range> {
  const end = fc.option(timeArbitrary(start, days), { nil: undefined });
  return fc.tuple(end, end).map(([a, b]) => {
    const [from, to] = a !== undefined && b !== undefined && b < a ? [b, a] : [a, b];
    return {
      ...(from !== undefined && { from: new Date(from) }),
      ...(to !== undefined && { to: new Date(to) }),
    };
  });
}

/** Puts entities in the place of all that a database has. */
export async function replaceAll(database: Database, entities: Entity[]): Promise<void> {
  const { prisma } = database;
  await prisma.annotationHistory.deleteMany();
  await prisma.task.deleteMany();
  await prisma.pool.deleteMany();
  await prisma.annotationRequest.deleteMany();
  await prisma.campaign.deleteMany();
  await importEntities(database, entities);
}

interface Page {
  totalCount: number;
  nodes: { id: string }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

/**
 * Reads a list of rows page by page, forward and backward, and holds them against what they must be.
 * @param query an operation for a list that has the given arguments and selection.
 * @param list finds it in the answer.
 * @param expected what `recordsShown` or `tasksShown` say of it.
 * @param size of a page; there must be more than one.
 */
export async function expectPages<Data>(
  gateway: TestGateway,
  query: (rows: string) => string,
  list: (data: Data) => unknown,
  key: 'recordId' | 'taskId',
  expected: object,
  size = 7,
): Promise<void> {
  const { totalCount, nodes } = expected as { totalCount: number; nodes: Record<string, string>[] };
  expect(totalCount).toBeGreaterThan(size);
  for (const backward of [false, true]) {
    const walked: string[] = [];
    let cursor = '';
    for (let more = true; more;) {
      const at = cursor && `, ${backward ? 'before' : 'after'}: "${cursor}"`;
      const rows = `(${backward ? 'last' : 'first'}: ${size}${at}) { totalCount nodes { id: ${key} }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`;
      const page = list(await gateway.gql<Data>(query(rows))) as Page;
      expect(page.totalCount).toBe(totalCount);
      const ids = page.nodes.map(({ id }) => id);
      walked.splice(backward ? 0 : walked.length, 0, ...ids);
      more = backward ? page.pageInfo.hasPreviousPage : page.pageInfo.hasNextPage;
      cursor = (backward ? page.pageInfo.startCursor : page.pageInfo.endCursor) ?? '';
    }
    expect(walked).toHaveLength(totalCount);
    expect(new Set(walked).size).toBe(totalCount);
    expect(walked.slice(0, nodes.length)).toEqual(nodes.map((node) => node[key]));
  }
}
