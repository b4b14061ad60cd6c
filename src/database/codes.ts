import { TASK_ACTION, TASK_STATUS } from '../domain/codes.ts';
import { Prisma } from './generated/client/client.ts';

function listed<Name extends string>(codes: Readonly<Record<Name, number>>) {
  return (...names: readonly Name[]) =>
    Prisma.raw(`(${names.map((name) => codes[name]).join(', ')})`);
}

/** Codes of actions, to stand behind IN. */
export const actions = listed(TASK_ACTION);

/** Codes of a task's status, to stand behind IN. */
export const statuses = listed(TASK_STATUS);

/** The records that submit a task's annotations. */
export const SUBMITTED = actions('SUBMIT_ANNOTATION');

/** The records that complete a task. */
export const COMPLETED = actions('COMPLETE');

/** The status of tasks that nothing more is done on. */
export const OVER = statuses('APPROVED', 'CREATION_FAILED');

/** The records that send a task back: from QC, and from review. */
export const SENT_BACK = actions('REJECT', 'RETURN_FROM_WORK_POOL');
