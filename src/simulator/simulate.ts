import type { Entity } from '../domain/entities.ts';
import { PRESENT } from './calendar.ts';
import { scheduleCampaign } from './flow.ts';
import { openFloor, type Floor, type Work } from './floor.ts';
import { toInstanceInfo } from './labels.ts';
import { planCampaign } from './plan.ts';
import { createRandom } from './random.ts';
import { MAX_CAMPAIGNS } from './snowflake.ts';
import { hire } from './workers.ts';

export interface SimulationOptions {
  /** Number of tasks in all. */
  tasks: number;
  /** Any whole number, of which the lower 32 bits count. The same seed gives the same rows, on every machine. */
  seed?: number;
}

/** The seed of the demo. */
export const DEFAULT_SEED = 20_250_203;

/**
 * Simulates annotation work: campaigns with their pools, requests, tasks and histories, between 3 February and 27 June 2025.
 * Each campaign is simulated by itself, so memory does not grow with the number of tasks, and a larger number of tasks
 * begins with the same campaigns (but for the last one, which is cut to the number that is left).
 *
 * @returns Entities in an order in which each refers only to earlier ones; the history of a campaign by id ascending.
 */
export function* simulate(options: SimulationOptions): Generator<Entity> {
  const { tasks, seed = DEFAULT_SEED } = options;
  if (!Number.isSafeInteger(tasks) || tasks < 0) {
    throw new RangeError('The number of tasks must be a whole number, 0 or more.');
  }
  if (!Number.isSafeInteger(seed)) throw new RangeError('The seed must be a whole number.');
  let left = tasks;
  for (let index = 0; left > 0; index++) {
    if (index === MAX_CAMPAIGNS) throw new RangeError('There are no ids for so many tasks.');
    const floor = simulateCampaign(seed, index, left);
    left -= floor.plan.tasks;
    yield* entitiesOf(floor);
  }
}

function simulateCampaign(seed: number, index: number, room: number): Floor {
  const random = createRandom(seed, 0, index);
  const floor = openFloor(planCampaign(random, seed, index, room), random, index);
  hire(floor);
  scheduleCampaign(floor);
  floor.timeline.runUntil(PRESENT);
  return floor;
}

function* entitiesOf(floor: Floor): Generator<Entity> {
  const { plan, works, records } = floor;
  yield plan.campaign;
  for (const pool of plan.pools) if (pool !== undefined) yield pool;
  for (const { request } of plan.requests) yield request;
  for (const work of works) yield presentRow(floor, work);
  yield* records;
}

/** The row of a task as its last record left it. */
function presentRow(floor: Floor, work: Work): Entity {
  return {
    type: 'task',
    id: work.id,
    annotationRequestId: work.requestId,
    sceneId: work.sceneId,
    status: work.status,
    poolId: work.pool.id,
    instanceInfo: toInstanceInfo(floor.plan.taxonomy, work.counts),
    instanceNum: work.instances,
    attributeNum: work.attributes,
    frameNum: work.frames,
    lastRecordId: work.lastRecordId,
  };
}
