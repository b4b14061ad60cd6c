import { comesFrom } from '../database/sources.ts';
import { isNumericId } from '../domain/ids.ts';
import { builder } from './builder.ts';
import { connectionType } from './connections.ts';
import { knownPoolType, PoolType } from './enums.ts';
import { estimateField } from './estimate.ts';
import { listCost } from './costs.ts';
import { flowField } from './flow.ts';
import { listArguments } from './list-inputs.ts';
import { relatedList, resolveList } from './lists.ts';
import { qualityField } from './quality.ts';
import { TaskConnection } from './task.ts';
import { deliveryField, progressField } from './work.ts';
import { workloadField } from './workload.ts';

export const Pool = builder.prismaNode('Pool', {
  id: { field: 'id' },
  nullable: true,
  select: { id: true },
  fields: (t) => ({
    poolId: t.expose('id', { type: 'BigInt' }),
    name: t.exposeString('name'),
    type: t.field({
      description: 'What it is for; null for a code that no document lists.',
      type: PoolType,
      nullable: true,
      select: { poolType: true },
      resolve: ({ poolType }) => knownPoolType(poolType),
    }),
    typeCode: t.exposeInt('poolType', {
      description: 'The number behind `type`, also where that is null.',
    }),
    campaign: t.relation('campaign'),
    tasks: t.field({
      type: TaskConnection,
      args: listArguments('Task'),
      ...relatedList('Pool', 'tasks', 'Task', 'tasksOfPool'),
    }),
    progress: t.field(progressField('tasksOfPool')),
    delivery: t.field(deliveryField('tasksOfPool')),
    estimatedCompletion: t.field(estimateField('tasksOfPool')),
    workload: t.field(
      workloadField('Pool', 'Over the records after which their task was in this pool:'),
    ),
    quality: t.field(qualityField('Pool')),
    flow: t.field(flowField('Pool')),
  }),
});

export const PoolConnection = connectionType('Pool', Pool);

builder.queryFields((t) => ({
  pool: t.prismaField({
    description: 'A pool by its id; null if there is none.',
    type: Pool,
    nullable: true,
    extensions: comesFrom({ from: 'key', noun: 'Pool', key: { id: 'poolId' } }),
    args: { poolId: t.arg({ type: 'BigInt', required: true, description: "Rosetta's id of it." }) },
    resolve: (query, _root, { poolId }, { prisma }) =>
      isNumericId(poolId) ? prisma.pool.findUnique({ ...query, where: { id: poolId } }) : null,
  }),
  pools: t.field({
    description: 'All pools, by `poolId` ascending.',
    type: PoolConnection,
    args: listArguments('Pool'),
    extensions: { ...listCost('Pool').extensions, ...comesFrom({ from: 'list', noun: 'Pool' }) },
    resolve: (_root, args, context, info) =>
      resolveList(
        {
          noun: 'Pool',
          findMany: (query) => context.prisma.pool.findMany(query),
          count: (where) => context.prisma.pool.count({ where }),
        },
        args,
        context,
        info,
      ),
  }),
}));
