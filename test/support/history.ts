import { TASK_ACTION } from '../../src/domain/codes.ts';
import type { AnnotationHistoryEntity, Entity } from '../../src/domain/entities.ts';

const BIG = 466_917_967_054_114_816n;
const MINUTE = 60_000;

/** Nights in which clocks change somewhere: Berlin forward and back, Havana back over midnight, Sao Paulo forward over it. */
const NIGHTS = ['2025-03-30', '2025-10-26', '2025-11-02', '2018-11-04'];
export const ZONES = [
  'UTC',
  'Asia/Shanghai',
  'Europe/Berlin',
  'America/Havana',
  'America/Sao_Paulo',
  'Asia/Kolkata',
];

/** A random number below a bound, always the same for a seed (mulberry32). */
export function randomOf(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

/**
 * A history without sense, around a night in which clocks change: any action in any pool, many at the same time, ids in
 * another order than times, codes that no document lists, tasks without records.
 */
export function randomHistory(seed: number, records = 300): Entity[] {
  const random = randomOf(seed);
  const pick = <T>(values: readonly T[]) => values[random(values.length)]!;
  const campaigns = ['c-1', 'c-é'];
  const requests = ['r-1', 'r-2', 'R-3'].map((id, i) => ({ id, campaignId: campaigns[i % 2]! }));
  const pools = Array.from({ length: 10 }, (_, i) => ({
    id: BigInt(i),
    poolType: pick([0, 1, 1, 2, 2, 3, 5, 9]),
    campaignId: campaigns[i % 2]!,
  }));
  const tasks = Array.from({ length: 30 }, (_, i) => ({
    id: BIG + BigInt(i),
    request: pick(requests),
  }));
  const operators = [null, 5001n, 5002n, 5003n, BIG];
  const keys = ['select-[e000f]', 'ä', 'a'];
  const { SUBMIT_ANNOTATION, SEND_TASK, RESUME, REJECT, RETURN_FROM_WORK_POOL, CHECK } =
    TASK_ACTION;
  const frequent = [SUBMIT_ANNOTATION, SEND_TASK, RETURN_FROM_WORK_POOL, REJECT, RESUME, CHECK];
  const ids = Array.from({ length: records }, (_, i) => BIG * 2n + BigInt(i * 7));
  const night = Date.parse(`${pick(NIGHTS)}T00:00:00Z`);

  const counts = () => {
    const instanceInfo = Object.fromEntries(
      keys.filter(() => random(3) === 0).map((key) => [key, random(4)]),
    );
    const sum = Object.values(instanceInfo).reduce((total, count) => total + count, 0);
    return { instanceInfo, instanceNum: random(10) === 0 ? sum + 1 : sum };
  };

  const history = (): AnnotationHistoryEntity => {
    // The last two tasks never get a record.
    const task = tasks[random(tasks.length - 2)]!;
    return {
      type: 'annotationHistory',
      id: ids.splice(random(ids.length), 1)[0]!,
      taskId: task.id,
      poolId: pick(pools.filter(({ campaignId }) => campaignId === task.request.campaignId)).id,
      status: pick([0, 1, 2, 3, 3, 4, 5, 6, 6, 8, 9, 10, 11, 7]),
      actionType: random(3) === 0 ? random(20) : pick(frequent),
      teamId: pick([null, 41n, 42n]),
      poolAssigneeId: pick(operators),
      creatorId: pick([null, 61n]),
      // On a grid of quarters of an hour, so that some are done at the same time.
      createdTime: new Date(night - 36 * 60 * MINUTE + random(72 * 4) * 15 * MINUTE + random(2)),
      ...counts(),
      instanceSum: random(20),
      attributesNum: random(3),
      attributesSum: random(9),
      frameCount: random(6),
    };
  };

  return [
    ...campaigns.map((id, i): Entity => ({
      type: 'campaign',
      id,
      projectId: BigInt(i),
      name: id,
      campaignType: 'POC',
    })),
    ...requests.map((request): Entity => ({
      type: 'annotationRequest',
      name: request.id,
      ...request,
    })),
    ...pools.map((pool): Entity => ({ type: 'pool', name: `pool ${pool.id}`, ...pool })),
    ...tasks.map(({ id, request }, i): Entity => ({
      type: 'task',
      id,
      annotationRequestId: request.id,
      sceneId: `scene ${i}`,
      poolId: pools.find(({ campaignId }) => campaignId === request.campaignId)!.id,
      status: pick([1, 2, 11, 7]),
      ...counts(),
      attributeNum: random(3),
      frameNum: random(5),
    })),
    ...Array.from({ length: records }, history),
  ];
}
