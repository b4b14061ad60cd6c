import { POOL_TYPE, TASK_STATUS } from '../domain/codes.ts';
import type { AnnotationHistoryEntity, InstanceInfo, PoolEntity } from '../domain/entities.ts';
import { sum, sumOfAttributes, toInstanceInfo } from './labels.ts';
import { SYSTEM_ACCOUNT, type Operator } from './people.ts';
import type { CampaignPlan } from './plan.ts';
import type { Random } from './random.ts';
import { createSnowflakes } from './snowflake.ts';
import { createTimeline, type Timeline } from './timeline.ts';

/** What can get in the way of work on a task. */
export type Interruption = 'break' | 'suspension' | 'release' | 'recycle' | 'error' | 'invalid';

/** A task under way. */
export interface Work {
  readonly id: bigint;
  readonly requestId: string;
  readonly sceneId: string;
  readonly frames: number;
  /** What the scene really shows, and what has been labelled so far, per operation of the taxonomy. */
  readonly truth: readonly number[];
  readonly counts: number[];
  instances: number;
  attributes: number;
  status: number;
  pool: PoolEntity;
  lastRecordId: bigint;
  /** Who submitted the annotation last. */
  annotator: Worker | null;
  /** Milliseconds of work until the interruption, or until the end if there is none. */
  timeToWork: number;
  interruption: Interruption | null;
  /** Milliseconds of work after the interruption. */
  timeAfterwards: number;
}

/** An operator in a campaign. */
export interface Worker {
  readonly operator: Operator;
  /** Looks for the next task; must be called within the operator's working hours only. */
  readonly seek: () => void;
  /** Tasks that wait for this person only: suspended ones that may go on, and rejected ones to be mended. */
  readonly desk: Work[];
}

/** A campaign in progress. */
export interface Floor {
  readonly plan: CampaignPlan;
  readonly random: Random;
  readonly timeline: Timeline;
  readonly nextId: (instant: number) => bigint;
  readonly works: Work[];
  readonly records: AnnotationHistoryEntity[];
  /** Tasks that wait in a pool and operators who wait for some, by pool type; first come, first served. */
  readonly waiting: readonly Work[][];
  readonly idle: readonly Worker[][];
  /** Tasks that passed QC and wait for the rest of their batch. */
  passed: Work[];
  /** Tasks that still need something to be done, those to come included. */
  open: number;
}

/** Status of a task that waits in a pool, by pool type. The algorithm's pool counts as waiting for annotation. */
const WAITING_STATUS = [
  TASK_STATUS.CREATED,
  TASK_STATUS.AWAITING_ANNOTATION,
  TASK_STATUS.AWAITING_REVIEW,
  TASK_STATUS.AWAITING_QC,
  TASK_STATUS.AWAITING_ANNOTATION,
  TASK_STATUS.APPROVED,
] as const;

const NOTHING: InstanceInfo = Object.freeze({});

/** Sets up a campaign before its first day, with nobody there yet. */
export function openFloor(plan: CampaignPlan, random: Random, campaignIndex: number): Floor {
  return {
    plan,
    random,
    timeline: createTimeline(),
    nextId: createSnowflakes(campaignIndex),
    works: [],
    records: [],
    waiting: plan.pools.map((): Work[] => []),
    idle: plan.pools.map((): Worker[] => []),
    passed: [],
    open: plan.tasks,
  };
}

/** Puts a task into a pool, where it waits; the record of that is the caller's. */
export function moveTo(floor: Floor, work: Work, poolType: number): void {
  work.pool = floor.plan.pools[poolType]!;
  work.status = WAITING_STATUS[poolType]!;
}

/** The status of a task that is worked on in a pool. */
export function workingStatus(poolType: number): number {
  if (poolType === POOL_TYPE.ANNOTATION) return TASK_STATUS.ANNOTATING;
  return poolType === POOL_TYPE.CHECK ? TASK_STATUS.IN_REVIEW : TASK_STATUS.IN_QC;
}

/**
 * Appends a record: the action that has just been done and where the task is now.
 *
 * @param by The operator who acted, or the account that wrote the record where nobody was assigned.
 * @param touched Instances made or changed, per operation of the taxonomy; the task's counts are after that.
 */
export function write(
  floor: Floor,
  work: Work,
  actionType: number,
  by: Operator | bigint = SYSTEM_ACCOUNT,
  touched: readonly number[] | null = null,
): void {
  const { taxonomy } = floor.plan;
  const { now } = floor.timeline;
  if (touched !== null) {
    work.instances = sum(work.counts);
    work.attributes = sumOfAttributes(taxonomy, work.counts);
  }
  const operator = typeof by === 'bigint' ? null : by;
  work.lastRecordId = floor.nextId(now);
  floor.records.push({
    type: 'annotationHistory',
    id: work.lastRecordId,
    taskId: work.id,
    status: work.status,
    poolId: work.pool.id,
    teamId: operator?.teamId ?? null,
    poolAssigneeId: operator?.id ?? null,
    creatorId: typeof by === 'bigint' ? by : by.accountId,
    createdTime: new Date(now),
    actionType,
    instanceInfo: touched === null ? NOTHING : toInstanceInfo(taxonomy, touched),
    instanceNum: touched === null ? 0 : sum(touched),
    instanceSum: work.instances,
    attributesNum: touched === null ? 0 : sumOfAttributes(taxonomy, touched),
    attributesSum: work.attributes,
    frameCount: work.frames,
  });
}
