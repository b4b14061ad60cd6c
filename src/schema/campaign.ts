import { comesFrom } from '../database/sources.ts';
import { isTextId } from '../domain/ids.ts';
import { AnnotationRequestConnection } from './annotation-request.ts';
import { builder } from './builder.ts';
import { connectionType } from './connections.ts';
import { CampaignType } from './enums.ts';
import { estimateField } from './estimate.ts';
import { listCost } from './costs.ts';
import { flowField } from './flow.ts';
import { listArguments } from './list-inputs.ts';
import { relatedList, resolveList } from './lists.ts';
import { OPERATOR_RANKING } from './operator-ranking.ts';
import { PoolConnection } from './pool.ts';
import { qualityField } from './quality.ts';
import { reconciliationField } from './reconciliation.ts';
import { TaskConnection } from './task.ts';
import { deliveryField, progressField } from './work.ts';
import { workloadField } from './workload.ts';

export const Campaign = builder.prismaNode('Campaign', {
  id: { field: 'id' },
  nullable: true,
  select: { id: true },
  fields: (t) => ({
    campaignId: t.exposeString('id'),
    projectId: t.expose('projectId', { type: 'BigInt' }),
    name: t.exposeString('name'),
    campaignType: t.expose('campaignType', { type: CampaignType }),
    workflowType: t.exposeString('workflowType', { nullable: true }),
    folderName: t.exposeString('folderName', { nullable: true }),
    taxonomyVersionName: t.exposeString('taxonomyVersionName', { nullable: true }),
    annotationRequests: t.field({
      type: AnnotationRequestConnection,
      args: listArguments('AnnotationRequest'),
      ...relatedList('Campaign', 'annotationRequests', 'AnnotationRequest', 'requestsOfCampaign'),
    }),
    pools: t.field({
      type: PoolConnection,
      args: listArguments('Pool'),
      ...relatedList('Campaign', 'pools', 'Pool', 'poolsOfCampaign'),
    }),
    tasks: t.field({
      type: TaskConnection,
      args: listArguments('Task'),
      ...relatedList('Campaign', 'tasks', 'Task', 'tasksOfCampaign'),
    }),
    progress: t.field(progressField('tasksOfCampaign')),
    delivery: t.field(deliveryField('tasksOfCampaign')),
    estimatedCompletion: t.field(estimateField('tasksOfCampaign')),
    reconciliation: t.field(reconciliationField('Campaign')),
    workload: t.field(workloadField('Campaign', 'Over the records of this campaign:')),
    operatorRanking: t.field(OPERATOR_RANKING),
    quality: t.field(qualityField('Campaign')),
    flow: t.field(flowField('Campaign')),
  }),
});

const CampaignConnection = connectionType('Campaign', Campaign);

builder.queryFields((t) => ({
  campaign: t.prismaField({
    description: 'A campaign by its id; null if there is none.',
    type: Campaign,
    nullable: true,
    extensions: comesFrom({ from: 'key', noun: 'Campaign', key: { id: 'campaignId' } }),
    args: { campaignId: t.arg.string({ required: true, description: "Helix's id of it." }) },
    resolve: (query, _root, { campaignId: id }, { prisma }) =>
      isTextId(id) ? prisma.campaign.findUnique({ ...query, where: { id } }) : null,
  }),
  campaigns: t.field({
    description: 'All campaigns, by `campaignId` ascending (compared by UTF-8 bytes).',
    type: CampaignConnection,
    args: listArguments('Campaign'),
    extensions: {
      ...listCost('Campaign').extensions,
      ...comesFrom({ from: 'list', noun: 'Campaign' }),
    },
    resolve: (_root, args, context, info) =>
      resolveList(
        {
          noun: 'Campaign',
          findMany: (query) => context.prisma.campaign.findMany(query),
          count: (where) => context.prisma.campaign.count({ where }),
        },
        args,
        context,
        info,
      ),
  }),
}));
