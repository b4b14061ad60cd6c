import { TASK_STATUS } from './codes.ts';

/** What some tasks hold now, which is what is delivered. */
export interface DeliveryCounts {
  readonly tasks: number;
  /** Attributes included: never to be added to them. */
  readonly instances: bigint;
  readonly attributes: bigint;
  readonly frames: bigint;
}

/** What the tasks of one status hold. */
export interface StatusDelivery extends DeliveryCounts {
  readonly status: number;
}

/** The instances of one operation key. */
export interface OperationCount {
  readonly key: string;
  readonly instances: bigint;
}

/** Those of the tasks of one status. */
export interface StatusOperation extends OperationCount {
  readonly status: number;
}

/** The tasks that are completed, those of status 11, or all. */
export type DeliveryScope = 'all' | 'completed';

function inScope<Row extends { readonly status: number }>(
  rows: readonly Row[],
  scope: DeliveryScope,
) {
  return scope === 'all' ? rows : rows.filter(({ status }) => status === TASK_STATUS.APPROVED);
}

/** Adds up what the tasks of a scope hold. */
export function deliveryOf(
  byStatus: readonly StatusDelivery[],
  scope: DeliveryScope,
): DeliveryCounts {
  const total = { tasks: 0, instances: 0n, attributes: 0n, frames: 0n };
  for (const { tasks, instances, attributes, frames } of inScope(byStatus, scope)) {
    total.tasks += tasks;
    total.instances += instances;
    total.attributes += attributes;
    total.frames += frames;
  }
  return total;
}

/** Adds up the instances of each operation key over the tasks of a scope, in the order of the rows. */
export function operationsOf(
  rows: readonly StatusOperation[],
  scope: DeliveryScope,
): OperationCount[] {
  const sums = new Map<string, bigint>();
  for (const { key, instances } of inScope(rows, scope)) {
    sums.set(key, (sums.get(key) ?? 0n) + instances);
  }
  return [...sums].map(([key, instances]) => ({ key, instances }));
}
