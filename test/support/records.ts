import type { AnnotationHistoryEntity } from '../../src/domain/entities.ts';
import { compare } from './list-measures.ts';
import type { ModelRow } from './list-rows.ts';

/** What measures have in common, worked out by hand from plain records. */

export type HistoryRecord = AnnotationHistoryEntity;

/** What places a record in the history of its task. */
type Step = Pick<HistoryRecord, 'id' | 'actionType'> & { readonly createdTime: Date | string };

/** The same of a row that was made of a record. */
export const stepOf = ({ values }: ModelRow) => values as ModelRow['values'] & Step;

/** The order in which records were done: by time, then id. */
export function inOrder(a: Step, b: Step): number {
  const [timeOfA, timeOfB] = [new Date(a.createdTime), new Date(b.createdTime)];
  return timeOfA.getTime() - timeOfB.getTime() || compare(a.id, b.id);
}

/** The actions that send a task back: from quality control, and from review. */
const SENDING_BACK = [10, 17];
export const sendsBack = ({ actionType }: Pick<Step, 'actionType'>) =>
  SENDING_BACK.includes(actionType);

/** The submission that a record sends back: the latest before it among the records of the task. */
export function submissionBefore<R extends Step>(records: readonly R[], rejection: Step) {
  return records
    .filter((record) => record.actionType === 7 && inOrder(record, rejection) < 0)
    .sort(inOrder)
    .at(-1);
}

export const ascending = (ids: Iterable<bigint>) => [...ids].sort(compare);

/** What a share of some values is no greater than, between two of them interpolated. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  return below + (place - Math.floor(place)) * (above - below);
}

/** What a list of the rows behind a number shows, which may have more than one page. */
export const RECORDS = '{ totalCount aggregate { count } nodes { recordId } }';
export const TASKS = '{ totalCount nodes { taskId } }';

/** What `records(first: 1000)` must show of these. */
export function recordsShown(records: readonly { id: bigint }[]) {
  const ids = ascending(records.map(({ id }) => id));
  return {
    totalCount: ids.length,
    aggregate: { count: ids.length },
    nodes: ids.slice(0, 1000).map((id) => ({ recordId: String(id) })),
  };
}

/** What `tasks(first: 100)` must show of these. */
export function tasksShown(tasks: readonly { id: bigint }[]) {
  const ids = ascending(tasks.map(({ id }) => id));
  return {
    totalCount: ids.length,
    nodes: ids.slice(0, 100).map((id) => ({ taskId: String(id) })),
  };
}
