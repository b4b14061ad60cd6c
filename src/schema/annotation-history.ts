import { comesFrom } from '../database/sources.ts';
import { builder } from './builder.ts';
import { connectionType, numberedPageType } from './connections.ts';
import { listCost, numberedPageCost } from './costs.ts';
import { knownTaskAction, knownTaskStatus, TaskAction, TaskStatus } from './enums.ts';
import { listArguments } from './list-inputs.ts';
import {
  numberedPageArguments,
  OPTIONAL_REQUEST_IDS,
  resolveRequestConnection,
  resolveRequestPage,
  type RequestRows,
} from './request-lists.ts';

export const AnnotationHistory = builder.prismaNode('AnnotationHistory', {
  id: { field: 'id' },
  nullable: true,
  select: { id: true },
  fields: (t) => ({
    recordId: t.expose('id', { type: 'BigInt' }),
    status: t.field({
      description:
        'Where the task stood right after this step (not where it stands now); null for a code that no document lists.',
      type: TaskStatus,
      nullable: true,
      select: { status: true },
      resolve: ({ status }) => knownTaskStatus(status),
    }),
    statusCode: t.exposeInt('status', {
      description: 'The number behind `status`, also where that is null.',
    }),
    action: t.field({
      description: 'What was done; null for a code that no document lists.',
      type: TaskAction,
      nullable: true,
      select: { actionType: true },
      resolve: ({ actionType }) => knownTaskAction(actionType),
    }),
    actionCode: t.exposeInt('actionType', {
      description: 'The number behind `action`, also where that is null.',
    }),
    teamId: t.expose('teamId', { type: 'BigInt', nullable: true }),
    poolAssigneeId: t.expose('poolAssigneeId', { type: 'BigInt', nullable: true }),
    creatorId: t.expose('creatorId', { type: 'BigInt', nullable: true }),
    createdTime: t.expose('createdTime', { type: 'DateTime' }),
    instanceInfo: t.expose('instanceInfo', { type: 'JSON' }),
    instanceNum: t.exposeInt('instanceNum'),
    instanceSum: t.exposeInt('instanceSum'),
    attributesNum: t.exposeInt('attributesNum'),
    attributesSum: t.exposeInt('attributesSum'),
    frameCount: t.exposeInt('frameCount'),
    task: t.relation('task'),
    pool: t.relation('pool'),
    annotationRequest: t.relation('annotationRequest'),
  }),
});

export const AnnotationHistoryConnection = connectionType('AnnotationHistory', AnnotationHistory);
const AnnotationHistoryPage = numberedPageType('AnnotationHistory', AnnotationHistory);

const ROWS: RequestRows = {
  noun: 'AnnotationHistory',
  range: 'historyOfRequest',
  findMany: (prisma, query) => prisma.annotationHistory.findMany(query),
  count: (prisma, where) => prisma.annotationHistory.count({ where }),
};

builder.queryFields((t) => ({
  annotationHistory: t.field({
    description: 'The records of the history, of all requests or of some, by `recordId` ascending.',
    type: AnnotationHistoryConnection,
    args: { ...OPTIONAL_REQUEST_IDS, ...listArguments('AnnotationHistory') },
    extensions: {
      ...listCost('AnnotationHistory').extensions,
      ...comesFrom({ ...ROWS, from: 'requests' }),
    },
    resolve: (_root, args, context, info) => resolveRequestConnection(ROWS, args, context, info),
  }),
  annotationHistoryPage: t.field({
    description:
      'One page of the records of some requests, by its number, in the order of `recordId`. A far page costs what it skips: prefer `annotationHistory` where cursors will do.',
    type: AnnotationHistoryPage,
    args: numberedPageArguments('AnnotationHistory'),
    extensions: {
      ...numberedPageCost('AnnotationHistory').extensions,
      ...comesFrom({ ...ROWS, from: 'page' }),
    },
    resolve: (_root, args, context) => resolveRequestPage(ROWS, args, context),
  }),
}));
