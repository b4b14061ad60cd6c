import {
  deliveryOf,
  operationsOf,
  type DeliveryCounts,
  type DeliveryScope,
  type OperationCount,
  type StatusDelivery,
  type StatusOperation,
} from '../domain/delivery.ts';
import type { CodeCount, Progress } from '../domain/progress.ts';
import type { WorkRange } from '../database/ranges.ts';
import { costs } from '../cost/declare.ts';
import { comesFrom } from '../database/sources.ts';
import { builder } from './builder.ts';
import type { GatewayContext } from './context.ts';
import { measureCost, scopeOfRange } from './costs.ts';
import { knownPoolType, knownTaskStatus, PoolType, TaskStatus } from './enums.ts';
import { SURVIVES } from './wording.ts';
import { AS_OF_ARGUMENT } from './time.ts';

const StatusCount = builder.objectRef<CodeCount>('StatusCount').implement({
  description: 'How many tasks have a status.',
  fields: (t) => ({
    status: t.field({
      description: 'The status; null for a code that no document lists.',
      type: TaskStatus,
      nullable: true,
      resolve: ({ code }) => knownTaskStatus(code),
    }),
    statusCode: t.exposeInt('code', {
      description: 'The number behind `status`, also where that is null.',
    }),
    count: t.exposeInt('count', { description: 'How many tasks have it.' }),
  }),
});

const PoolTypeCount = builder.objectRef<CodeCount>('PoolTypeCount').implement({
  description: 'How many tasks are in pools of a type.',
  fields: (t) => ({
    poolType: t.field({
      description: 'The type of the pools; null for a code that no document lists.',
      type: PoolType,
      nullable: true,
      resolve: ({ code }) => knownPoolType(code),
    }),
    poolTypeCode: t.exposeInt('code', {
      description: 'The number behind `poolType`, also where that is null.',
    }),
    count: t.exposeInt('count', { description: 'How many tasks are in such a pool.' }),
  }),
});

export const ProgressRef = builder.objectRef<Progress>('Progress').implement({
  description: 'How far tasks are, by where they stand now, or stood at the instant asked for.',
  fields: (t) => ({
    total: t.exposeInt('total', {
      description: 'How many tasks there are, whatever their status.',
    }),
    completed: t.exposeInt('completed', {
      description: 'How many tasks are completed: those of status 11 (APPROVED).',
    }),
    percent: t.exposeFloat('percent', {
      nullable: true,
      description:
        '100 x the tasks of status 11 (APPROVED) / all tasks but those of status 0 (CREATION_FAILED), unrounded; null where there are no such tasks.',
    }),
    byStatus: t.field({
      description:
        'The number of tasks of each status that occurs, by `statusCode` ascending; together they are `total`.',
      type: [StatusCount],
      resolve: ({ byStatus }) => byStatus,
    }),
    byPoolType: t.field({
      description:
        'The number of tasks in pools of each type that occurs, by `poolTypeCode` ascending; together they are `total`.',
      type: [PoolTypeCount],
      resolve: ({ byPoolType }) => byPoolType,
    }),
  }),
});

const OperationCountRef = builder.objectRef<OperationCount>('OperationCount').implement({
  description: 'The instances of tasks under one operation key.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'The operation key, as in `instanceInfo`.' }),
    instances: t.expose('instances', {
      type: 'BigInt',
      description: 'The sum of what the `instanceInfo` of the tasks has under the key.',
    }),
  }),
});

/** What the tasks of a scope hold, and a way to find out their operation keys, used only if the operation asks. */
interface ScopedDelivery extends DeliveryCounts {
  operations: () => Promise<OperationCount[] | null>;
}

const DeliveryCountsRef = builder.objectRef<ScopedDelivery>('DeliveryCounts').implement({
  description: 'What tasks hold now, or held at the instant asked for (`asOf`).',
  fields: (t) => ({
    tasks: t.exposeInt('tasks', { description: 'How many tasks there are.' }),
    instances: t.expose('instances', {
      type: 'BigInt',
      description:
        'The sum of the present `instanceNum` of the tasks, with `asOf` of the `instanceSum` of their last records; attributes included: `attributes` must not be added to it.',
    }),
    attributes: t.expose('attributes', {
      type: 'BigInt',
      description:
        'The sum of the present `attributeNum` of the tasks, with `asOf` of the `attributesSum` of their last records; `instances` already includes it.',
    }),
    frames: t.expose('frames', {
      type: 'BigInt',
      description:
        'The sum of the present `frameNum` of the tasks, with `asOf` of the `frameCount` of their last records.',
    }),
    byOperationKey: t.field({
      description:
        'The instances under each key that the present `instanceInfo` of any of the tasks has, by key ascending (compared by UTF-8 bytes). Null with `asOf`, since no record tells what a task holds under each key, and null with an error where it could not be found out; the rest of the answer stands.',
      type: [OperationCountRef],
      nullable: true,
      ...costs({ share: 1 }),
      resolve: ({ operations }) => operations(),
    }),
  }),
});

interface DeliveryRows {
  byStatus: readonly StatusDelivery[];
  /** Where they can be known. */
  operations?: () => Promise<readonly StatusOperation[]>;
}

function scoped({ byStatus, operations }: DeliveryRows, scope: DeliveryScope): ScopedDelivery {
  return {
    ...deliveryOf(byStatus, scope),
    operations: async () => (operations ? operationsOf(await operations(), scope) : null),
  };
}

const DeliveryRef = builder.objectRef<DeliveryRows>('Delivery').implement({
  description:
    "What there is to deliver, from the tasks' present counts; only with `asOf` from their history.",
  fields: (t) => ({
    all: t.field({
      description: 'Over all tasks, whatever their status.',
      type: DeliveryCountsRef,
      resolve: (rows) => scoped(rows, 'all'),
    }),
    completed: t.field({
      description: 'Over the completed tasks: those of status 11 (APPROVED).',
      type: DeliveryCountsRef,
      resolve: (rows) => scoped(rows, 'completed'),
    }),
  }),
});

type Parent = { id: string | bigint };
type AsOf = { asOf?: Date | null | undefined };

/** The options of a field that tells how far the tasks of a row are. */
export function progressField(range: WorkRange) {
  return {
    description: `How far its tasks are: completed are those of status 11 (APPROVED). ${SURVIVES}`,
    type: ProgressRef,
    nullable: true,
    args: AS_OF_ARGUMENT,
    extensions: {
      ...measureCost(scopeOfRange(range), 1).extensions,
      ...comesFrom({ from: 'progress', range }),
    },
    resolve: async ({ id }: Parent, { asOf }: AsOf, { loaders }: GatewayContext) =>
      asOf
        ? (await loaders.workAsOf(range, asOf).load(id)).progress
        : loaders.progress(range).load(id),
  } as const;
}

/** The options of a field that tells what the tasks of a row hold. */
export function deliveryField(range: WorkRange) {
  return {
    description: `What its tasks hold: all of them, and the completed ones (status 11, APPROVED). ${SURVIVES}`,
    type: DeliveryRef,
    nullable: true,
    args: AS_OF_ARGUMENT,
    extensions: {
      ...measureCost(scopeOfRange(range), 1).extensions,
      ...comesFrom({ from: 'delivery', range }),
    },
    resolve: async (
      { id }: Parent,
      { asOf }: AsOf,
      { loaders }: GatewayContext,
    ): Promise<DeliveryRows> =>
      asOf
        ? { byStatus: (await loaders.workAsOf(range, asOf).load(id)).byStatus }
        : {
            byStatus: await loaders.delivery(range).load(id),
            operations: () => loaders.operations(range).load(id),
          },
  } as const;
}
