/**
 * The codes of Rosetta's documents, by the names they have in GraphQL, in the order of the codes. A code that no table
 * lists can turn up in real data: it has a number and no name.
 */

/** Types of a campaign, in their order. They are stored by their names. */
export const CAMPAIGN_TYPES = ['POC', 'FORMAL'] as const;

/** Status of a task. Source: the status enum of Rosetta's "Get Task" document. */
export const TASK_STATUS = {
  CREATION_FAILED: 0,
  CREATED: 1,
  AWAITING_ANNOTATION: 2,
  ANNOTATING: 3,
  ANNOTATED: 4,
  AWAITING_REVIEW: 5,
  IN_REVIEW: 6,
  AWAITING_QC: 8,
  IN_QC: 9,
  QC_COMPLETED: 10,
  APPROVED: 11,
} as const;

/** Type of a pool. Source: PoolTypeEnum of Rosetta's "Get Statistics Result" document. */
export const POOL_TYPE = {
  DISTRIBUTION: 0,
  ANNOTATION: 1,
  CHECK: 2,
  SAMPLING: 3,
  ALGORITHM: 4,
  COMPLETE: 5,
} as const;

/** What a record of the history says was done. Source: TaskActionEnum of Rosetta's "Get Statistics Record" document. */
export const TASK_ACTION = {
  INITIALIZATION: 0,
  PAUSE: 1,
  RELEASE: 2,
  RESUME: 3,
  ERROR: 4,
  DISTRIBUTE: 5,
  COMPLETE: 6,
  SUBMIT_ANNOTATION: 7,
  CHECK: 8,
  SAMPLING: 9,
  REJECT: 10,
  SUSPEND: 11,
  RECYCLE: 12,
  SEND_TASK: 13,
  DISSOLVE: 14,
  INVALID: 15,
  MANUAL_RECYCLE: 16,
  RETURN_FROM_WORK_POOL: 17,
} as const;
