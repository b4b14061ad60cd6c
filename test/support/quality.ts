import {
  isIn,
  recordsShown,
  tasksShown,
  type HistoryRecord,
  type Range,
  type Scope,
  type TaskHistory,
} from './histories.ts';

/** What quality is, worked out from the raw records one by one. */

const SENT_BACK = [10, 17];

const isFirst = ({ records }: TaskHistory, index: number, action: number) =>
  records[index]!.actionType === action &&
  !records.slice(0, index).some(({ actionType }) => actionType === action);

function wasSentBack({ records }: TaskHistory, index: number): boolean {
  return records.slice(0, index).some(({ actionType }) => SENT_BACK.includes(actionType));
}

function firstPassYield(tasks: TaskHistory[], range: Range) {
  const completed: TaskHistory[] = [];
  const reworked: TaskHistory[] = [];
  for (const task of tasks) {
    if (!task.records.some(({ actionType }) => actionType === 7)) continue;
    for (const [index, { createdTime }] of task.records.entries()) {
      if (!isFirst(task, index, 6) || !isIn(range, createdTime)) continue;
      completed.push(task);
      if (wasSentBack(task, index)) reworked.push(task);
    }
  }
  const firstPass = completed.length - reworked.length;
  return {
    completed: completed.length,
    firstPass,
    ratio: completed.length === 0 ? null : firstPass / completed.length,
    tasks: tasksShown(completed),
    reworkedTasks: tasksShown(reworked),
  };
}

function decisions(records: HistoryRecord[], passing: number, rejecting: number) {
  const passed = records.filter(({ actionType }) => actionType === passing).length;
  const rejected = records.filter(({ actionType }) => actionType === rejecting);
  const all = passed + rejected.length;
  return {
    passed,
    rejected: rejected.length,
    rejectionRate: all === 0 ? null : rejected.length / all,
    rejectedRecords: recordsShown(rejected),
  };
}

function rework(tasks: TaskHistory[], range: Range) {
  const again: HistoryRecord[] = [];
  for (const task of tasks) {
    for (const [index, record] of task.records.entries()) {
      if (record.actionType === 7 && isIn(range, record.createdTime) && wasSentBack(task, index)) {
        again.push(record);
      }
    }
  }
  return {
    submissions: again.length,
    instances: String(again.reduce((sum, { instanceNum }) => sum + BigInt(instanceNum), 0n)),
    records: recordsShown(again),
  };
}

function compareIds(a: bigint | null, b: bigint | null): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? 1 : -1;
  return a < b ? -1 : 1;
}

function rejections(tasks: TaskHistory[], range: Range) {
  const pairs = new Map<
    string,
    { annotator: bigint | null; checker: bigint | null; records: HistoryRecord[] }
  >();
  for (const { records } of tasks) {
    for (const [index, record] of records.entries()) {
      if (!SENT_BACK.includes(record.actionType) || !isIn(range, record.createdTime)) continue;
      const submission = records.slice(0, index).findLast(({ actionType }) => actionType === 7);
      const annotator = submission?.poolAssigneeId ?? null;
      const checker = record.poolAssigneeId ?? null;
      const key = `${annotator} ${checker}`;
      if (!pairs.has(key)) pairs.set(key, { annotator, checker, records: [] });
      pairs.get(key)!.records.push(record);
    }
  }
  const text = (id: bigint | null) => (id === null ? null : String(id));
  return [...pairs.values()]
    .sort(
      (a, b) =>
        b.records.length - a.records.length ||
        compareIds(a.annotator, b.annotator) ||
        compareIds(a.checker, b.checker),
    )
    .map(({ annotator, checker, records }) => ({
      annotatorId: text(annotator),
      checkerId: text(checker),
      returns: records.filter(({ actionType }) => actionType === 17).length,
      rejects: records.filter(({ actionType }) => actionType === 10).length,
      total: records.length,
      records: recordsShown(records),
    }));
}

export function qualityOf({ tasks }: Scope, range: Range) {
  const records = tasks
    .flatMap((task) => task.records)
    .filter(({ createdTime }) => isIn(range, createdTime));
  return {
    firstPassYield: firstPassYield(tasks, range),
    review: decisions(records, 8, 17),
    qc: decisions(records, 9, 10),
    rework: rework(tasks, range),
    rejections: rejections(tasks, range),
  };
}
