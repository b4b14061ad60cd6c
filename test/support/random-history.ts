import fc from 'fast-check';
import type { Database } from '../../src/database/database.ts';
import type { AnnotationHistoryEntity, Entity, TaskEntity } from '../../src/domain/entities.ts';
import { DAY, MINUTE } from './local-time.ts';
import { replaceAll } from './rows.ts';
import type { Range } from './scopes.ts';

/**
 * Histories without sense: what real data could hold that no workflow would make. Any action in any pool, codes that no
 * document lists, many records at the same time, ids in another order than times, tasks without records, nobody to act.
 */
export interface HistoryOptions {
  /** The first instant that a record can have, and how many days they go on from there. */
  start: Date;
  days: number;
  /** Times are full steps of so many minutes, or just beside. */
  step?: number;
  tasks?: number;
  /** How many they are on average. */
  recordsPerTask?: number;
}

/** Nights in which clocks change somewhere: Berlin forward and back, Havana back over midnight, Sao Paulo forward over it. */
export const NIGHTS = ['2025-03-30', '2025-10-26', '2025-11-02', '2018-11-04'];

/** Few tasks with many records each, close together, around such a night. */
export function aroundNight(night: string): HistoryOptions {
  const start = new Date(Date.parse(`${night}T00:00:00Z`) - 1.5 * DAY);
  return { start, days: 3, step: 15, tasks: 30, recordsPerTask: 10 };
}

/** Many tasks over some days around the end of summer time in Berlin and Havana. */
export const MANY_TASKS: HistoryOptions = {
  start: new Date('2025-10-20T00:00:00Z'),
  days: 17,
  tasks: 275,
  recordsPerTask: 4,
};

/** Two campaigns with work in several pools, given by their types, and one without anything. */
const CAMPAIGNS = [
  { id: 'c-1', requests: ['r-1', 'R-3', 'r-4'], pools: [0, 1, 2, 9, 1] },
  { id: 'c "é"', requests: ['r-2', "r'5"], pools: [1, 2, 3, 5, 5] },
  { id: 'none', requests: ['r-none'], pools: [3] },
];

const FREQUENT_ACTIONS = [0, 1, 3, 3, 6, 6, 7, 7, 7, 8, 9, 10, 11, 13, 13, 17, 17];
const STATUSES = [0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11, 11, 99];
const OPERATORS = [null, null, 5001n, 5002n, 5003n, 9_007_199_254_740_993n];
const OPERATION_KEYS = ['select-[e000f]', 'ä', 'a'];

/** Ids of different lengths, half of them above 2^53. */
const idOf = (place: number) => (place % 2 === 0 ? 2n ** 60n : 0n) + BigInt(place);

/** A random number below a bound, always the same for a seed (mulberry32). */
function randomOf(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

/** A time of the grid, or a moment beside it, by two numbers that choose them. */
function timesOf({ start, days, step = 60 }: HistoryOptions) {
  const besides = [0, 0, 0, 1, (step * MINUTE) / 2 - 1, step * MINUTE - 1];
  return {
    steps: (days * DAY) / (step * MINUTE),
    besides: besides.length,
    at: (place: number, beside: number) =>
      new Date(start.getTime() + place * step * MINUTE + besides[beside]!),
  };
}

/** A history, always the same for a seed. */
export function randomHistory(seed: number, options: HistoryOptions): Entity[] {
  const { tasks: taskCount = 140, recordsPerTask = 5 } = options;
  const random = randomOf(seed);
  const pick = <T>(values: readonly T[]) => values[random(values.length)]!;

  const counts = () => {
    const keys = OPERATION_KEYS.filter(() => random(3) === 0);
    const instanceInfo = Object.fromEntries(keys.map((key) => [key, random(4)]));
    const sum = Object.values(instanceInfo).reduce((total, count) => total + count, 0);
    return {
      instanceInfo,
      instanceNum: pick([...Array<number>(17).fill(sum), sum + 1, sum + 1, 2_147_483_647]),
    };
  };

  let poolCount = 0n;
  const campaigns = CAMPAIGNS.map(({ pools, ...campaign }) => ({
    ...campaign,
    pools: pools.map((poolType) => ({ id: poolCount++, poolType })),
  }));
  const tasks = Array.from({ length: taskCount }, (_, place) => {
    const { requests, pools } = pick(campaigns.slice(0, 2));
    const row: TaskEntity = {
      type: 'task',
      id: idOf(place),
      annotationRequestId: pick(requests),
      sceneId: String(place),
      status: pick(STATUSES),
      poolId: pick(pools).id,
      ...counts(),
      attributeNum: random(3),
      frameNum: random(4),
    };
    return { row, pools, times: [] as Date[] };
  });
  const busy = tasks.slice(Math.ceil(taskCount / 15));
  const ids = Array.from({ length: taskCount * recordsPerTask }, (_, place) => idOf(place));
  const { steps, besides, at } = timesOf(options);

  const record = (): AnnotationHistoryEntity => {
    const { row, pools, times } = pick(busy);
    const isTie = times.length > 0 && random(5) === 0;
    const createdTime = isTie ? pick(times) : at(random(steps), random(besides));
    times.push(createdTime);
    return {
      type: 'annotationHistory',
      id: ids.splice(random(ids.length), 1)[0]!,
      taskId: row.id,
      poolId: pick(pools).id,
      status: pick(STATUSES),
      actionType: random(3) === 0 ? pick([random(20), 99]) : pick(FREQUENT_ACTIONS),
      teamId: pick([null, 41n, 42n]),
      poolAssigneeId: pick(OPERATORS),
      creatorId: pick([null, 61n]),
      createdTime,
      ...counts(),
      instanceSum: random(3),
      attributesNum: random(3),
      attributesSum: random(3),
      frameCount: random(4),
    };
  };

  return [
    ...campaigns.map(({ id }, place): Entity => {
      return { type: 'campaign', id, projectId: BigInt(place), name: id, campaignType: 'POC' };
    }),
    ...campaigns.flatMap(({ id: campaignId, requests, pools }) => [
      ...requests.map((id): Entity => ({ type: 'annotationRequest', id, name: id, campaignId })),
      ...pools.map((pool): Entity => ({ type: 'pool', name: 'pool', campaignId, ...pool })),
    ]),
    ...tasks.map(({ row }) => row),
    ...Array.from(ids, record),
  ];
}

/** A range of time with any of its ends, some of them the very instants of records. */
function rangeArbitrary(options: HistoryOptions): fc.Arbitrary<Range> {
  const { steps, besides, at } = timesOf(options);
  const end = fc.option(fc.tuple(fc.nat(steps - 1), fc.nat(besides - 1)), { nil: undefined });
  return fc.tuple(end, end).map((ends) => {
    const [a, b] = ends.map((place) => place && at(...place));
    return a && b && b < a ? { from: b, to: a } : { from: a, to: b };
  });
}

/** Holds a number of random histories, each with three ranges of their time, against something. */
export async function onRandomHistories(
  database: Database,
  numRuns: number,
  options: HistoryOptions,
  expectAll: (entities: Entity[], ranges: Range[]) => Promise<void>,
): Promise<void> {
  const range = rangeArbitrary(options);
  await fc.assert(
    fc.asyncProperty(
      fc.noBias(fc.integer()),
      fc.tuple(range, range, range),
      async (seed, ranges) => {
        const entities = randomHistory(seed, options);
        await replaceAll(database, entities);
        await expectAll(entities, ranges);
      },
    ),
    // A smaller seed makes no smaller history.
    { numRuns, endOnFailure: true },
  );
}
