import { POOL_TYPE, TASK_STATUS } from '../../src/domain/codes.ts';
import { compare, nameOfCode } from './list-measures.ts';

/** How far tasks are and what they hold, worked out task by task. */

/** How a task stands, by its row or by its last record. */
export interface TaskState {
  status: number;
  poolType: number;
  instances: number;
  attributes: number;
  frames: number;
  instanceInfo?: Readonly<Record<string, number>>;
}

/** What to ask of `DeliveryCounts`, and of `Progress` and `Delivery`. */
export const COUNTS = `fragment Counts on DeliveryCounts {
  tasks instances attributes frames byOperationKey { key instances } }`;
export const PROGRESS_FRAGMENTS = `${COUNTS}
  fragment Far on Progress { total completed percent
    byStatus { status statusCode count } byPoolType { poolType poolTypeCode count } }
  fragment Held on Delivery { all { ...Counts } completed { ...Counts } }`;

function countBy(codes: number[], show: (code: number) => object): object[] {
  return [...new Set(codes)]
    .sort((a, b) => a - b)
    .map((code) => ({ ...show(code), count: codes.filter((other) => other === code).length }));
}

export function progressOf(tasks: readonly TaskState[]): object {
  const completed = tasks.filter(({ status }) => status === 11).length;
  const workable = tasks.filter(({ status }) => status !== 0).length;
  return {
    total: tasks.length,
    completed,
    percent: workable === 0 ? null : (100 * completed) / workable,
    byStatus: countBy(
      tasks.map(({ status }) => status),
      (code) => ({ status: nameOfCode(TASK_STATUS, code), statusCode: code }),
    ),
    byPoolType: countBy(
      tasks.map(({ poolType }) => poolType),
      (code) => ({ poolType: nameOfCode(POOL_TYPE, code), poolTypeCode: code }),
    ),
  };
}

/** @param hasKeys whether it is known what the tasks hold under each operation key. */
export function deliveryOf(tasks: readonly TaskState[], hasKeys: boolean): object {
  const held = (some: readonly TaskState[]) => {
    const sum = (value: (task: TaskState) => number) =>
      String(some.reduce((total, task) => total + BigInt(value(task)), 0n));
    const keys = [...new Set(some.flatMap(({ instanceInfo }) => Object.keys(instanceInfo ?? {})))];
    return {
      tasks: some.length,
      instances: sum(({ instances }) => instances),
      attributes: sum(({ attributes }) => attributes),
      frames: sum(({ frames }) => frames),
      byOperationKey: hasKeys
        ? keys.sort(compare).map((key) => ({
            key,
            instances: sum(({ instanceInfo }) => instanceInfo![key] ?? 0),
          }))
        : null,
    };
  };
  return { all: held(tasks), completed: held(tasks.filter(({ status }) => status === 11)) };
}
