import { POOL_TYPE, TASK_ACTION, TASK_STATUS } from '../domain/codes.ts';
import { moveOnSoon } from './flow.ts';
import { moveTo, write, type Floor, type Work, type Worker } from './floor.ts';
import { annotate, correct, wrongShare } from './labels.ts';
import { enqueue, putOnDesk } from './queues.ts';

/** The shares of wrong instances that a reviewer and QC let pass, about. */
const REVIEW_TOLERANCE = 0.08;
const QC_TOLERANCE = 0.075;

/** Ends an operator's work on a task: submitted, passed or sent back, by the pool in which it is. */
export function finish(floor: Floor, work: Work, worker: Worker): void {
  if (work.pool.poolType === POOL_TYPE.ANNOTATION) submit(floor, work, worker);
  else if (work.pool.poolType === POOL_TYPE.CHECK) check(floor, work, worker);
  else inspect(floor, work, worker);
}

function submit(floor: Floor, work: Work, worker: Worker): void {
  const { random } = floor;
  const { operator } = worker;
  const touched =
    work.annotator === null
      ? annotate(random, work.truth, work.counts, operator.errorRate)
      : correct(random, work.truth, work.counts, 1 - 3 * operator.errorRate);
  work.annotator = worker;
  work.status = TASK_STATUS.ANNOTATED;
  write(floor, work, TASK_ACTION.SUBMIT_ANNOTATION, operator, touched);
  moveOnSoon(floor, work, POOL_TYPE.CHECK);
}

function check(floor: Floor, work: Work, worker: Worker): void {
  if (looksWrong(floor, work, REVIEW_TOLERANCE)) {
    sendBack(floor, work, worker, TASK_ACTION.RETURN_FROM_WORK_POOL);
    return;
  }
  write(floor, work, TASK_ACTION.CHECK, worker.operator, mend(floor, work, 0.4));
  moveOnSoon(floor, work, POOL_TYPE.SAMPLING);
}

function inspect(floor: Floor, work: Work, worker: Worker): void {
  if (looksWrong(floor, work, QC_TOLERANCE)) {
    if (floor.random.chance(0.65)) {
      sendBack(floor, work, worker, TASK_ACTION.REJECT);
    } else {
      moveTo(floor, work, POOL_TYPE.CHECK);
      write(floor, work, TASK_ACTION.REJECT, worker.operator);
      enqueue(floor, work, 'front');
    }
    return;
  }
  work.status = TASK_STATUS.QC_COMPLETED;
  write(floor, work, TASK_ACTION.SAMPLING, worker.operator, mend(floor, work, 0.1));
  floor.passed.push(work);
}

/** Whether somebody who looks at a task, now closely and now less so, finds too much wrong with it. */
function looksWrong(floor: Floor, work: Work, tolerance: number): boolean {
  return wrongShare(work.truth, work.counts) * floor.random.between(0.4, 1.4) > tolerance;
}

/** Now and then somebody who passes a task mends a few instances first. */
function mend(floor: Floor, work: Work, probability: number): number[] | null {
  const { random } = floor;
  if (!random.chance(probability)) return null;
  return correct(random, work.truth, work.counts, random.between(0.1, 0.6));
}

/** Back to annotation: more often than not to whoever annotated it. */
function sendBack(floor: Floor, work: Work, worker: Worker, action: number): void {
  moveTo(floor, work, POOL_TYPE.ANNOTATION);
  write(floor, work, action, worker.operator);
  if (work.annotator !== null && floor.random.chance(0.6)) putOnDesk(floor, work, work.annotator);
  else enqueue(floor, work, 'front');
}
