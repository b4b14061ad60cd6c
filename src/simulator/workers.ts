import { POOL_TYPE, TASK_ACTION } from '../domain/codes.ts';
import { afterWork, DAY, HOUR, MINUTE, nextWorkingTime, SECOND, timeLeft } from './calendar.ts';
import {
  moveTo,
  workingStatus,
  write,
  type Floor,
  type Interruption,
  type Work,
  type Worker,
} from './floor.ts';
import { finish } from './outcomes.ts';
import { MANAGER_HOURS, SYSTEM_ACCOUNT, type Operator } from './people.ts';
import { backAt, enqueue, putOnDesk, sendForNext } from './queues.ts';

/** How often what gets in the way of work, per pick-up. */
const INTERRUPTIONS: readonly (readonly [Interruption, number])[] = [
  ['break', 0.04],
  ['suspension', 0.012],
  ['release', 0.015],
  ['recycle', 0.006],
  ['error', 0.007],
  ['invalid', 0.004],
];

/** Review and QC take these parts of the time that annotation takes, mending after a rejection this. */
const REVIEW_EFFORT = 0.25;
const QC_EFFORT = 0.13;
const REWORK_EFFORT = 0.3;

/** Lets the operators of the crew wait for their first task. */
export function hire(floor: Floor): void {
  for (const operator of floor.plan.crew) {
    const worker: Worker = { operator, desk: [], seek: () => seek(floor, worker) };
    floor.idle[operator.poolType]!.push(worker);
  }
}

function seek(floor: Floor, worker: Worker): void {
  const { poolType } = worker.operator;
  const work = worker.desk.shift() ?? floor.waiting[poolType]!.shift();
  if (work === undefined) floor.idle[poolType]!.push(worker);
  else if (work.status === workingStatus(poolType)) resume(floor, work, worker);
  else pickUp(floor, work, worker);
}

function pickUp(floor: Floor, work: Work, worker: Worker): void {
  work.status = workingStatus(work.pool.poolType);
  write(floor, work, TASK_ACTION.SEND_TASK, worker.operator);
  planWork(floor, work, worker.operator);
  proceed(floor, work, worker);
}

/** Settles how long a task will take and what will get in the way. */
function planWork(floor: Floor, work: Work, operator: Operator): void {
  const { random, plan } = floor;
  const effort = plan.effort * operator.pace * random.between(0.5, 1.5) * share(work);
  const total = Math.max(2 * MINUTE, Math.floor(effort));
  work.interruption = drawInterruption(floor);
  work.timeToWork =
    work.interruption === null ? total : Math.floor(total * random.between(0.1, 0.8));
  work.timeAfterwards = total - work.timeToWork;
}

function share(work: Work): number {
  if (work.pool.poolType === POOL_TYPE.CHECK) return REVIEW_EFFORT;
  if (work.pool.poolType === POOL_TYPE.SAMPLING) return QC_EFFORT;
  return work.annotator === null ? 1 : REWORK_EFFORT;
}

function drawInterruption(floor: Floor): Interruption | null {
  let draw = floor.random.float();
  for (const [interruption, probability] of INTERRUPTIONS) {
    if (draw < probability) return interruption;
    draw -= probability;
  }
  return null;
}

/** Works until something is reached or the shift ends, with some minutes at its end for packing up. */
function proceed(floor: Floor, work: Work, worker: Worker): void {
  const { timeline, random } = floor;
  const { hours } = worker.operator;
  const packingUp = random.integer(MINUTE, 10 * MINUTE);
  const room = Math.max(SECOND, timeLeft(hours, timeline.now) - packingUp);
  if (work.timeToWork <= room) {
    const done = afterWork(hours, timeline.now, work.timeToWork);
    timeline.at(done, () => reach(floor, work, worker));
  } else {
    work.timeToWork -= room;
    timeline.at(afterWork(hours, timeline.now, room), () => leave(floor, work, worker));
  }
}

/** Does what comes next: the interruption, if there was to be one, or else the end of the work. */
function reach(floor: Floor, work: Work, worker: Worker): void {
  const { timeline, random, plan } = floor;
  const { operator } = worker;
  const { interruption } = work;
  work.interruption = null;
  work.timeToWork = work.timeAfterwards;
  switch (interruption) {
    case null:
      finish(floor, work, worker);
      break;
    case 'error':
      // Something could not be stored; the operator tries again.
      write(floor, work, TASK_ACTION.ERROR);
      proceed(floor, work, worker);
      return;
    case 'break': {
      write(floor, work, TASK_ACTION.PAUSE, operator);
      const back = timeline.now + random.integer(10 * MINUTE, 50 * MINUTE);
      timeline.at(backAt(floor, worker, back), () => resume(floor, work, worker));
      return;
    }
    case 'suspension':
      write(floor, work, TASK_ACTION.SUSPEND, operator);
      awaitAnswer(floor, work, worker);
      break;
    case 'release':
      giveBack(floor, work, TASK_ACTION.RELEASE, operator);
      break;
    case 'recycle':
      // Managers keep office hours too; without one there, work goes on.
      if (nextWorkingTime(MANAGER_HOURS, timeline.now, MINUTE) !== timeline.now) {
        proceed(floor, work, worker);
        return;
      }
      giveBack(floor, work, TASK_ACTION.MANUAL_RECYCLE, plan.managerAccount);
      break;
    case 'invalid':
      write(floor, work, TASK_ACTION.INVALID, operator);
      floor.open -= 1;
      break;
  }
  sendForNext(floor, worker);
}

function resume(floor: Floor, work: Work, worker: Worker): void {
  write(floor, work, TASK_ACTION.RESUME, worker.operator);
  proceed(floor, work, worker);
}

/** The task waits in the same pool again, for anybody. */
function giveBack(floor: Floor, work: Work, action: number, by: Operator | bigint): void {
  moveTo(floor, work, work.pool.poolType);
  write(floor, work, action, by);
  enqueue(floor, work, 'front');
}

/** A suspended task waits until a question about it is answered; then the same operator goes on, or somebody else. */
function awaitAnswer(floor: Floor, work: Work, worker: Worker): void {
  const { timeline, random, plan } = floor;
  const answer = timeline.now + random.integer(3 * HOUR, 3 * DAY);
  timeline.at(nextWorkingTime(MANAGER_HOURS, answer, MINUTE), () => {
    if (random.chance(0.7)) putOnDesk(floor, work, worker);
    else giveBack(floor, work, TASK_ACTION.MANUAL_RECYCLE, plan.managerAccount);
  });
}

/** Goes home with a task unfinished: it is paused overnight, unless that was forgotten, and may be taken away meanwhile. */
function leave(floor: Floor, work: Work, worker: Worker): void {
  const { timeline, random } = floor;
  const { operator } = worker;
  const paused = random.chance(0.6);
  if (paused) write(floor, work, TASK_ACTION.PAUSE, operator);
  const morning = backAt(floor, worker, timeline.now + HOUR);
  if (random.chance(paused ? 0.05 : 0.15)) {
    const timeout = timeline.now + random.integer(4 * HOUR, 8 * HOUR);
    timeline.at(timeout, () => giveBack(floor, work, TASK_ACTION.RECYCLE, SYSTEM_ACCOUNT));
    timeline.at(morning, worker.seek);
  } else if (!paused) {
    timeline.at(morning, () => proceed(floor, work, worker));
  } else if (random.chance(0.03)) {
    timeline.at(morning, () => {
      giveBack(floor, work, TASK_ACTION.RELEASE, operator);
      sendForNext(floor, worker);
    });
  } else {
    timeline.at(morning, () => resume(floor, work, worker));
  }
}
