import fc from 'fast-check';
import type {
  AnnotationHistoryEntity,
  AnnotationRequestEntity,
  CampaignEntity,
  Entity,
  PoolEntity,
  TaskEntity,
} from '../../src/domain/entities.ts';

/** Tasks and records of any codes in any order: what real data could hold that no workflow would make. */

const CAMPAIGNS = 3;
const REQUESTS = 2;
const POOL_TYPES = [1, 5, 9];

const ACTIONS = [0, 0, 1, 4, 5, 6, 6, 7, 7, 8, 9, 10, 13, 15, 17, 18, 99];
const STATUSES = [0, 1, 2, 4, 7, 9, 10, 11, 11, 99];
/** Some days around the end of summer time in Havana and Berlin, by the hour: many are equal. */
const HOURS = { first: Date.UTC(2025, 9, 20), count: 24 * 17 };

const counts = fc.record({
  instanceInfo: fc.dictionary(fc.constantFrom('a', 'b', 'select-[é]'), fc.nat(2), { maxKeys: 2 }),
  instanceNum: fc.nat(2),
});

const record = fc.record({
  counts,
  actionType: fc.constantFrom(...ACTIONS),
  status: fc.constantFrom(...STATUSES),
  pool: fc.nat(POOL_TYPES.length - 1),
  createdTime: fc
    .nat(HOURS.count)
    .map((hour) => new Date(HOURS.first + hour * 3_600_000 + (hour % 3))),
  instanceSum: fc.nat(2),
  attributesNum: fc.nat(2),
  attributesSum: fc.nat(2),
  frameCount: fc.nat(2),
  poolAssigneeId: fc.constantFrom(null, 5001n, 5002n),
});

const task = fc.record({
  request: fc.nat(CAMPAIGNS * REQUESTS - 1),
  counts,
  status: fc.constantFrom(...STATUSES),
  pool: fc.nat(POOL_TYPES.length - 1),
  attributeNum: fc.nat(2),
  frameNum: fc.nat(2),
  records: fc.array(record, { maxLength: 7 }),
});

/** The campaigns c0, c1…, the requests c0-0, c0-1…, and the pools 0, 1… in the order of their campaigns. */
function* places(): Generator<Entity> {
  for (let c = 0; c < CAMPAIGNS; c++) {
    yield {
      type: 'campaign',
      id: `c${c}`,
      name: `C ${c}`,
      projectId: BigInt(c),
      campaignType: 'POC',
    };
    for (let r = 0; r < REQUESTS; r++) {
      yield {
        type: 'annotationRequest',
        id: `c${c}-${r}`,
        name: `AR ${c} ${r}`,
        campaignId: `c${c}`,
      };
    }
    for (const [p, poolType] of POOL_TYPES.entries()) {
      const id = BigInt(c * POOL_TYPES.length + p);
      yield { type: 'pool', id, name: 'pool', poolType, campaignId: `c${c}` };
    }
  }
}

/** An import of some hundred tasks; their records' ids ascend, their times do not. */
export const randomWork: fc.Arbitrary<Entity[]> = fc
  .array(task, { minLength: 250, maxLength: 300, size: 'max' })
  .map((tasks) => {
    const entities = [...places()];
    let lastRecord = 9_007_199_254_740_993n;
    for (const [index, { request, counts, pool, records, ...row }] of tasks.entries()) {
      const id = 466_917_967_054_114_816n + BigInt(index);
      const campaign = Math.floor(request / REQUESTS);
      const poolId = (place: number) => BigInt(campaign * POOL_TYPES.length + place);
      entities.push({
        type: 'task',
        id,
        annotationRequestId: `c${campaign}-${request % REQUESTS}`,
        sceneId: String(index),
        poolId: poolId(pool),
        ...counts,
        ...row,
      });
      for (const { counts: touched, pool: place, ...rest } of records) {
        lastRecord += 1n;
        const own = { id: lastRecord, taskId: id, poolId: poolId(place) };
        entities.push({ type: 'annotationHistory', ...own, ...touched, ...rest });
      }
    }
    // A failure is known by its seed; to print hundreds of tasks helps nobody.
    return Object.assign(entities, { [fc.toStringMethod]: () => `${tasks.length} tasks` });
  });

/** A task with its records as they were imported. */
export interface TaskWork {
  task: TaskEntity;
  campaignId: string;
  records: AnnotationHistoryEntity[];
}

/** Imported entities by their types, each task with its records by time, then id. */
export function workOf(entities: readonly Entity[]) {
  const of = <T extends Entity>(type: T['type']) =>
    entities.filter((entity) => entity.type === type) as T[];
  const requests = of<AnnotationRequestEntity>('annotationRequest');
  // A line for a task that was there already is an update.
  const tasks = new Map(of<TaskEntity>('task').map((one) => [one.id, one]));
  const work = new Map<bigint, TaskWork>();
  for (const [id, row] of tasks) {
    const { campaignId } = requests.find((request) => request.id === row.annotationRequestId)!;
    work.set(id, { task: row, campaignId, records: [] });
  }
  for (const one of of<AnnotationHistoryEntity>('annotationHistory')) {
    work.get(one.taskId)!.records.push(one);
  }
  for (const { records } of work.values()) {
    records.sort(
      (a, b) => a.createdTime.getTime() - b.createdTime.getTime() || (a.id < b.id ? -1 : 1),
    );
  }
  return {
    campaigns: of<CampaignEntity>('campaign'),
    requests,
    pools: of<PoolEntity>('pool'),
    work: [...work.values()],
  };
}
