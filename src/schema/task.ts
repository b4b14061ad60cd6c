import { isNumericId, isTextId } from '../domain/ids.ts';
import type { PrismaClient } from '../database/generated/client/client.ts';
import { comesFrom, type TextPart } from '../database/sources.ts';
import { GatewayError } from '../domain/errors.ts';
import { AnnotationHistoryConnection } from './annotation-history.ts';
import { builder } from './builder.ts';
import { connectionType, numberedPageType } from './connections.ts';
import { listCost, numberedPageCost } from './costs.ts';
import { knownTaskStatus, TaskStatus } from './enums.ts';
import { listArguments } from './list-inputs.ts';
import { relatedList } from './lists.ts';
import { joinedText } from './texts.ts';
import {
  numberedPageArguments,
  OPTIONAL_REQUEST_IDS,
  resolveRequestConnection,
  resolveRequestPage,
  type RequestRows,
} from './request-lists.ts';

const VIEW_URL: readonly TextPart[] = [
  'https://',
  { config: 'rosettaDomain' },
  '/rosetta-open/task/',
  { column: 'projectId', of: 'campaign' },
  '/',
  { column: 'id' },
  '/viewOnly',
];

export const Task = builder.prismaNode('Task', {
  id: { field: 'id' },
  nullable: true,
  select: { id: true },
  fields: (t) => ({
    taskId: t.expose('id', { type: 'BigInt' }),
    sceneId: t.exposeString('sceneId'),
    status: t.field({
      description: 'Where the task stands now; null for a code that no document lists.',
      type: TaskStatus,
      nullable: true,
      select: { status: true },
      resolve: ({ status }) => knownTaskStatus(status),
    }),
    statusCode: t.exposeInt('status', {
      description: 'The number behind `status`, also where that is null.',
    }),
    instanceInfo: t.expose('instanceInfo', { type: 'JSON' }),
    instanceNum: t.exposeInt('instanceNum'),
    attributeNum: t.exposeInt('attributeNum'),
    frameNum: t.exposeInt('frameNum'),
    lastRecordId: t.expose('lastRecordId', { type: 'BigInt', nullable: true }),
    viewUrl: t.string({
      description: 'Where to look at the task in Rosetta, without changing it.',
      select: { id: true, campaign: { select: { projectId: true } } },
      ...joinedText(VIEW_URL),
    }),
    campaign: t.relation('campaign'),
    annotationRequest: t.relation('annotationRequest'),
    pool: t.relation('pool'),
    annotationHistory: t.field({
      type: AnnotationHistoryConnection,
      args: listArguments('AnnotationHistory'),
      ...relatedList('Task', 'annotationHistory', 'AnnotationHistory', 'historyOfTask'),
    }),
  }),
});

export const TaskConnection = connectionType('Task', Task);
const TaskPage = numberedPageType('Task', Task);

const ROWS: RequestRows = {
  noun: 'Task',
  range: 'tasksOfRequest',
  findMany: (prisma, query) => prisma.task.findMany(query),
  count: (prisma, where) => prisma.task.count({ where }),
};

interface SceneArguments {
  campaignId: string;
  annotationRequestId: string;
  sceneId: string;
}

/** Which of the three ids it was that led nowhere, in the order in which callers are told. */
async function whyNoTask(
  prisma: PrismaClient,
  { campaignId, annotationRequestId }: SceneArguments,
): Promise<GatewayError> {
  const exists = isTextId(campaignId)
    ? await prisma.campaign.findUnique({ where: { id: campaignId }, select: { id: true } })
    : null;
  if (!exists) return new GatewayError('CAMPAIGN_NOT_FOUND');
  const request = isTextId(annotationRequestId)
    ? await prisma.annotationRequest.findUnique({
        where: { id: annotationRequestId, campaignId },
        select: { id: true },
      })
    : null;
  return new GatewayError(request ? 'SCENE_NOT_FOUND' : 'ANNOTATION_REQUEST_NOT_FOUND');
}

builder.queryFields((t) => ({
  task: t.prismaField({
    description: 'A task by its id; null if there is none.',
    type: Task,
    nullable: true,
    extensions: comesFrom({ from: 'key', noun: 'Task', key: { id: 'taskId' } }),
    args: { taskId: t.arg({ type: 'BigInt', required: true, description: "Rosetta's id of it." }) },
    resolve: (query, _root, { taskId }, { prisma }) =>
      isNumericId(taskId) ? prisma.task.findUnique({ ...query, where: { id: taskId } }) : null,
  }),
  taskByScene: t.prismaField({
    description:
      'The task that a scene became. Errors: CAMPAIGN_NOT_FOUND, ANNOTATION_REQUEST_NOT_FOUND (unknown, or of another campaign), SCENE_NOT_FOUND.',
    type: Task,
    nullable: true,
    extensions: comesFrom({
      from: 'key',
      noun: 'Task',
      key: {
        annotationRequestId: 'annotationRequestId',
        sceneId: 'sceneId',
        campaignId: 'campaignId',
      },
      mustExist: true,
    }),
    args: {
      campaignId: t.arg.string({ required: true, description: "Helix's id of the campaign." }),
      annotationRequestId: t.arg.string({
        required: true,
        description: "Helix's id of the request.",
      }),
      sceneId: t.arg.string({ required: true, description: "Helix's id of the scene." }),
    },
    resolve: async (query, _root, args, { prisma }) => {
      const { campaignId, annotationRequestId, sceneId } = args;
      const key = { annotationRequestId, sceneId };
      const task = [campaignId, annotationRequestId, sceneId].every(isTextId)
        ? await prisma.task.findUnique({
            ...query,
            where: { annotationRequestId_sceneId: key, campaignId },
          })
        : null;
      if (task) return task;
      throw await whyNoTask(prisma, args);
    },
  }),
  tasks: t.field({
    description: 'The tasks, of all requests or of some, by `taskId` ascending.',
    type: TaskConnection,
    args: { ...OPTIONAL_REQUEST_IDS, ...listArguments('Task') },
    extensions: { ...listCost('Task').extensions, ...comesFrom({ ...ROWS, from: 'requests' }) },
    resolve: (_root, args, context, info) => resolveRequestConnection(ROWS, args, context, info),
  }),
  taskPage: t.field({
    description:
      'One page of the tasks of some requests, by its number, in the order of `taskId`. A far page costs what it skips: prefer `tasks` where cursors will do.',
    type: TaskPage,
    args: numberedPageArguments('Task'),
    extensions: { ...numberedPageCost('Task').extensions, ...comesFrom({ ...ROWS, from: 'page' }) },
    resolve: (_root, args, context) => resolveRequestPage(ROWS, args, context),
  }),
}));
