import { comesFrom } from '../database/sources.ts';
import { isTextId } from '../domain/ids.ts';
import { AnnotationHistoryConnection } from './annotation-history.ts';
import { builder } from './builder.ts';
import { connectionType } from './connections.ts';
import { estimateField } from './estimate.ts';
import { listCost } from './costs.ts';
import { flowField } from './flow.ts';
import { listArguments } from './list-inputs.ts';
import { relatedList, resolveList } from './lists.ts';
import { qualityField } from './quality.ts';
import { reconciliationField } from './reconciliation.ts';
import { TaskConnection } from './task.ts';
import { deliveryField, progressField } from './work.ts';
import { workloadField } from './workload.ts';

export const AnnotationRequest = builder.prismaNode('AnnotationRequest', {
  id: { field: 'id' },
  nullable: true,
  select: { id: true },
  fields: (t) => ({
    annotationRequestId: t.exposeString('id'),
    name: t.exposeString('name'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    campaign: t.relation('campaign'),
    tasks: t.field({
      type: TaskConnection,
      args: listArguments('Task'),
      ...relatedList('AnnotationRequest', 'tasks', 'Task', 'tasksOfRequest'),
    }),
    annotationHistory: t.field({
      type: AnnotationHistoryConnection,
      args: listArguments('AnnotationHistory'),
      ...relatedList(
        'AnnotationRequest',
        'annotationHistory',
        'AnnotationHistory',
        'historyOfRequest',
      ),
    }),
    progress: t.field(progressField('tasksOfRequest')),
    delivery: t.field(deliveryField('tasksOfRequest')),
    estimatedCompletion: t.field(estimateField('tasksOfRequest')),
    reconciliation: t.field(reconciliationField('AnnotationRequest')),
    workload: t.field(workloadField('AnnotationRequest', 'Over the records of this request:')),
    quality: t.field(qualityField('AnnotationRequest')),
    flow: t.field(flowField('AnnotationRequest')),
  }),
});

export const AnnotationRequestConnection = connectionType('AnnotationRequest', AnnotationRequest);

builder.queryFields((t) => ({
  annotationRequest: t.prismaField({
    description: 'An annotation request by its id; null if there is none.',
    type: AnnotationRequest,
    nullable: true,
    extensions: comesFrom({
      from: 'key',
      noun: 'AnnotationRequest',
      key: { id: 'annotationRequestId' },
    }),
    args: {
      annotationRequestId: t.arg.string({ required: true, description: "Helix's id of it." }),
    },
    resolve: (query, _root, { annotationRequestId: id }, { prisma }) =>
      isTextId(id) ? prisma.annotationRequest.findUnique({ ...query, where: { id } }) : null,
  }),
  annotationRequests: t.field({
    description:
      'All annotation requests, by `annotationRequestId` ascending (compared by UTF-8 bytes).',
    type: AnnotationRequestConnection,
    args: listArguments('AnnotationRequest'),
    extensions: {
      ...listCost('AnnotationRequest').extensions,
      ...comesFrom({ from: 'list', noun: 'AnnotationRequest' }),
    },
    resolve: (_root, args, context, info) =>
      resolveList(
        {
          noun: 'AnnotationRequest',
          findMany: (query) => context.prisma.annotationRequest.findMany(query),
          count: (where) => context.prisma.annotationRequest.count({ where }),
        },
        args,
        context,
        info,
      ),
  }),
}));
