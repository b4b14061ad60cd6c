import { POOL_TYPE, TASK_ACTION, TASK_STATUS } from '../domain/codes.ts';
import { HOUR, MINUTE, nextWeekdayAt, SECOND } from './calendar.ts';
import { moveTo, write, type Floor, type Work } from './floor.ts';
import { drawTruth, preLabel } from './labels.ts';
import { MANAGER_HOURS, SYSTEM_ACCOUNT } from './people.ts';
import type { CampaignPlan } from './plan.ts';
import { enqueue } from './queues.ts';

/** The manager's times of day for releasing tasks to work, and for closing a batch of tasks that passed QC. */
const RELEASE_TIMES = [10 * HOUR, 16.25 * HOUR] as const;
const BATCH_TIME = 18 * HOUR;

const PACKAGE_SIZE = 12;

/** Schedules what the platform and the campaign's manager do by themselves. */
export function scheduleCampaign(floor: Floor): void {
  for (const planned of floor.plan.requests) {
    const start = planned.createdAt + floor.random.integer(2 * SECOND, 20 * SECOND);
    floor.timeline.at(start, () => createTasks(floor, planned));
  }
  const first = floor.plan.requests[0]!.createdAt;
  for (const clock of RELEASE_TIMES) everyWeekday(floor, clock, first, () => release(floor));
  everyWeekday(floor, BATCH_TIME, first, () => closeBatch(floor));
}

/** Repeats until every task of the campaign is done with. */
function everyWeekday(floor: Floor, clock: number, after: number, run: () => void): void {
  floor.timeline.at(nextWeekdayAt(MANAGER_HOURS.utcOffset, clock, after), () => {
    run();
    if (floor.open > 0) everyWeekday(floor, clock, floor.timeline.now, run);
  });
}

/** Runs one step for each task, a moment apart, as a service does that works through a list. */
function oneByOne(floor: Floor, works: readonly Work[], step: (work: Work) => void): void {
  let instant = floor.timeline.now;
  for (const work of works) {
    instant += floor.random.integer(80, 400);
    floor.timeline.at(instant, () => step(work));
  }
}

function createTasks(floor: Floor, planned: CampaignPlan['requests'][number], done = 0): void {
  const { plan, random, timeline } = floor;
  const [fewest, most] = plan.theme.frames;
  const frames = random.integer(fewest, most);
  const work: Work = {
    id: floor.nextId(timeline.now),
    requestId: planned.request.id,
    sceneId: random.uuid(),
    frames,
    truth: drawTruth(random, plan.taxonomy, frames),
    counts: plan.taxonomy.map(() => 0),
    instances: 0,
    attributes: 0,
    status: TASK_STATUS.CREATED,
    pool: plan.pools[POOL_TYPE.DISTRIBUTION]!,
    lastRecordId: 0n,
    annotator: null,
    timeToWork: 0,
    interruption: null,
    timeAfterwards: 0,
  };
  floor.works.push(work);
  write(floor, work, TASK_ACTION.INITIALIZATION);
  if (random.chance(0.006)) {
    timeline.at(timeline.now + random.integer(SECOND, 9 * SECOND), () => failCreation(floor, work));
  } else {
    floor.waiting[POOL_TYPE.DISTRIBUTION]!.push(work);
  }
  if (done + 1 === planned.tasks) return;
  timeline.at(timeline.now + random.integer(40, 250), () => createTasks(floor, planned, done + 1));
}

/** The scene's files cannot be read, for instance. */
function failCreation(floor: Floor, work: Work): void {
  work.status = TASK_STATUS.CREATION_FAILED;
  write(floor, work, TASK_ACTION.ERROR);
  floor.open -= 1;
}

function release(floor: Floor): void {
  const works = floor.waiting[POOL_TYPE.DISTRIBUTION]!.splice(0, floor.plan.releaseSize);
  oneByOne(floor, works, (work) => {
    if (floor.random.chance(0.003)) {
      // A scene that should not have been ordered.
      write(floor, work, TASK_ACTION.INVALID, floor.plan.managerAccount);
      floor.open -= 1;
    } else if (floor.plan.pools[POOL_TYPE.ALGORITHM] !== undefined) {
      moveTo(floor, work, POOL_TYPE.ALGORITHM);
      write(floor, work, TASK_ACTION.DISTRIBUTE);
      runAlgorithm(floor, work);
    } else {
      distribute(floor, work, POOL_TYPE.ANNOTATION);
    }
  });
}

/** The algorithm takes one task after another, of which the pool's queue holds those that are not done. */
function runAlgorithm(floor: Floor, work: Work): void {
  const queue = floor.waiting[POOL_TYPE.ALGORITHM]!;
  queue.push(work);
  if (queue.length === 1) runNext(floor, queue);
}

function runNext(floor: Floor, queue: Work[]): void {
  const { timeline, random } = floor;
  timeline.at(timeline.now + random.integer(100 * SECOND, 240 * SECOND), () => {
    const work = queue.shift()!;
    if (random.chance(0.02)) {
      // People annotate the scene from nothing then.
      write(floor, work, TASK_ACTION.ERROR);
      moveOnSoon(floor, work, POOL_TYPE.ANNOTATION);
    } else {
      distribute(floor, work, POOL_TYPE.ANNOTATION, preLabel(random, work.truth, work.counts));
    }
    if (queue.length > 0) runNext(floor, queue);
  });
}

function distribute(floor: Floor, work: Work, poolType: number, touched?: number[]): void {
  moveTo(floor, work, poolType);
  write(floor, work, TASK_ACTION.DISTRIBUTE, SYSTEM_ACCOUNT, touched);
  enqueue(floor, work);
}

/** Puts a task into the next pool when the platform has stored and checked its new version. */
export function moveOnSoon(floor: Floor, work: Work, poolType: number): void {
  const delay = floor.random.integer(4 * MINUTE, 40 * MINUTE);
  floor.timeline.at(floor.timeline.now + delay, () => distribute(floor, work, poolType));
}

/**
 * Completes the tasks that passed QC, request by request. Now and then the report on a request shows that its package was
 * drawn badly; it is dissolved then, and its tasks wait for QC again.
 */
function closeBatch(floor: Floor): void {
  const packages = new Map<string, Work[]>();
  for (const work of floor.passed) {
    const works = packages.get(work.requestId);
    if (works === undefined) packages.set(work.requestId, [work]);
    else works.push(work);
  }
  floor.passed = [];
  for (const works of packages.values()) {
    const dissolved = works.length > 2 && floor.random.chance(0.08);
    const size = dissolved ? PACKAGE_SIZE : 0;
    oneByOne(floor, works.slice(0, size), (work) => {
      moveTo(floor, work, POOL_TYPE.SAMPLING);
      write(floor, work, TASK_ACTION.DISSOLVE, floor.plan.managerAccount);
      enqueue(floor, work);
    });
    oneByOne(floor, works.slice(size), (work) => {
      moveTo(floor, work, POOL_TYPE.COMPLETE);
      write(floor, work, TASK_ACTION.COMPLETE);
      floor.open -= 1;
    });
  }
}
