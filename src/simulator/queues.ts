import { MINUTE, nextWorkingTime } from './calendar.ts';
import type { Floor, Work, Worker } from './floor.ts';

/** Nobody begins anything with less than this left of the shift. */
const ROOM_TO_BEGIN = 20 * MINUTE;

/** When an operator takes up something that could be taken up at `instant`: then, or soon after the next shift begins. */
export function backAt(floor: Floor, worker: Worker, instant: number): number {
  const begin = nextWorkingTime(worker.operator.hours, instant, ROOM_TO_BEGIN);
  return begin === instant ? begin : begin + floor.random.integer(0, 8 * MINUTE);
}

/** Lets an operator look for the next task after a moment's rest. */
export function sendForNext(floor: Floor, worker: Worker): void {
  const { timeline, random } = floor;
  const instant = timeline.now + random.integer(MINUTE / 2, 6 * MINUTE);
  timeline.at(backAt(floor, worker, instant), worker.seek);
}

/** Lets a task wait in its pool for anybody; rework goes to the front. */
export function enqueue(floor: Floor, work: Work, place: 'front' | 'back' = 'back'): void {
  const queue = floor.waiting[work.pool.poolType]!;
  if (place === 'front') queue.unshift(work);
  else queue.push(work);
  const worker = floor.idle[work.pool.poolType]!.shift();
  if (worker !== undefined) sendForNext(floor, worker);
}

/** Lets a task wait for one operator. */
export function putOnDesk(floor: Floor, work: Work, worker: Worker): void {
  worker.desk.push(work);
  const idle = floor.idle[worker.operator.poolType]!;
  const place = idle.indexOf(worker);
  if (place === -1) return;
  idle.splice(place, 1);
  sendForNext(floor, worker);
}
