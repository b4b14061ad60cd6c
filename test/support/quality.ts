import { compare } from './list-measures.ts';
import {
  recordsShown,
  sendsBack,
  submissionBefore,
  tasksShown,
  type HistoryRecord,
} from './records.ts';
import { isIn, type Range, type Scope, type TaskHistory } from './scopes.ts';

/** What quality is, worked out from the raw records one by one. */

const wasSentBack = ({ records }: TaskHistory, index: number) =>
  records.slice(0, index).some(sendsBack);

function firstPassYield(tasks: TaskHistory[], range: Range) {
  const completed: TaskHistory[] = [];
  const reworked: TaskHistory[] = [];
  for (const history of tasks) {
    const { records } = history;
    if (!records.some(({ actionType }) => actionType === 7)) continue;
    const index = records.findIndex(({ actionType }) => actionType === 6);
    if (index < 0 || !isIn(range, records[index]!.createdTime)) continue;
    completed.push(history);
    if (wasSentBack(history, index)) reworked.push(history);
  }
  const firstPass = completed.length - reworked.length;
  return {
    completed: completed.length,
    firstPass,
    ratio: completed.length === 0 ? null : firstPass / completed.length,
    tasks: tasksShown(completed.map(({ task }) => task)),
    reworkedTasks: tasksShown(reworked.map(({ task }) => task)),
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

function rejections(tasks: TaskHistory[], range: Range) {
  const pairs = new Map<
    string,
    { annotator: bigint | null; checker: bigint | null; records: HistoryRecord[] }
  >();
  for (const { records } of tasks) {
    for (const record of records) {
      if (!sendsBack(record) || !isIn(range, record.createdTime)) continue;
      const annotator = submissionBefore(records, record)?.poolAssigneeId ?? null;
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
        compare(a.annotator, b.annotator) ||
        compare(a.checker, b.checker),
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
