/** What can fail to add up, in the order in which it is told. */
export const DISCREPANCY_KINDS = [
  'RECORD_INSTANCES',
  'TASK_INSTANCES',
  'TASK_ATTRIBUTES',
  'TASK_FRAMES',
  'TASK_STATUS',
  'TASK_POOL',
  'MISSING_INITIALIZATION',
  'BACKWARDS',
  'COMPLETED_WITHOUT_SUBMISSION',
] as const;

export type DiscrepancyKind = (typeof DISCREPANCY_KINDS)[number];
