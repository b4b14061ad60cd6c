import { builder } from './builder.ts';
import { CampaignType } from './enums.ts';

const TEXT_ID = '1 to 255 bytes of UTF-8';
const INT64 = '0 to 2^63-1';
const COUNT = '0 to 2^31-1';
const CLEARED = 'left alone on an update where absent, cleared by null';

const CampaignInput = builder.inputType('CampaignInput', {
  description: 'A campaign, as the import format has it.',
  fields: (t) => ({
    id: t.string({ required: true, description: `Helix's id of it: ${TEXT_ID}.` }),
    projectId: t.field({
      type: 'BigInt',
      required: true,
      description: `Rosetta's own number of it, unique: ${INT64}.`,
    }),
    name: t.string({ required: true, description: `Its name, unique: ${TEXT_ID}.` }),
    campaignType: t.field({
      type: CampaignType,
      required: true,
      description: 'Whether it is a trial or ordered work.',
    }),
    workflowType: t.string({ description: `The name of its workflow; ${CLEARED}.` }),
    folderName: t.string({ description: `The folder of its scenes; ${CLEARED}.` }),
    taxonomyVersionName: t.string({
      description: `The name of its taxonomy version; ${CLEARED}.`,
    }),
  }),
});

const AnnotationRequestInput = builder.inputType('AnnotationRequestInput', {
  description: 'An annotation request, as the import format has it.',
  fields: (t) => ({
    id: t.string({ required: true, description: `Helix's id of it: ${TEXT_ID}.` }),
    name: t.string({ required: true, description: `Its name, unique: ${TEXT_ID}.` }),
    campaignId: t.string({ required: true, description: 'Its campaign, which never changes.' }),
    createdAt: t.field({
      type: 'DateTime',
      description:
        'When it was ordered. Absent or null: now for a new one, and left alone on an update.',
    }),
  }),
});

const PoolInput = builder.inputType('PoolInput', {
  description: 'A pool, as the import format has it.',
  fields: (t) => ({
    id: t.field({ type: 'BigInt', required: true, description: `Rosetta's id of it: ${INT64}.` }),
    name: t.string({ required: true, description: `Its name: ${TEXT_ID}.` }),
    poolType: t.int({
      required: true,
      description: `What it is for, as a number: ${COUNT}, also one that \`PoolType\` does not list.`,
    }),
    campaignId: t.string({ required: true, description: 'Its campaign, which never changes.' }),
  }),
});

const TaskInput = builder.inputType('TaskInput', {
  description: 'A task, as the import format has it.',
  fields: (t) => ({
    id: t.field({ type: 'BigInt', required: true, description: `Rosetta's id of it: ${INT64}.` }),
    annotationRequestId: t.string({
      required: true,
      description: 'Its annotation request, which never changes.',
    }),
    sceneId: t.string({
      required: true,
      description: `Its scene, unique inside the request, which never changes: ${TEXT_ID}.`,
    }),
    status: t.int({
      required: true,
      description: `Where it stands, as a number: ${COUNT}, also one that \`TaskStatus\` does not list.`,
    }),
    poolId: t.field({
      type: 'BigInt',
      required: true,
      description: "The pool it is in, one of its request's campaign.",
    }),
    instanceInfo: t.field({
      type: 'JSON',
      required: true,
      description: `Present instances by operation key: an object of counts (${COUNT}), attributes included.`,
    }),
    instanceNum: t.int({
      required: true,
      description: `Present number of instances, attributes included: ${COUNT}.`,
    }),
    attributeNum: t.int({ required: true, description: `Present number of attributes: ${COUNT}.` }),
    frameNum: t.int({ required: true, description: `Number of frames of the scene: ${COUNT}.` }),
    lastRecordId: t.field({
      type: 'BigInt',
      description: `The record after which this is how the task stands, which need not exist yet: ${INT64}. A lower one than is stored makes this STALE; ${CLEARED}.`,
    }),
  }),
});

const NOBODY = 'null or absent where there is none';

const AnnotationHistoryInput = builder.inputType('AnnotationHistoryInput', {
  description:
    'A record of the history, as the import format has it. It never changes: one that exists must be given again in the same words, an absent field counting as null.',
  fields: (t) => ({
    id: t.field({ type: 'BigInt', required: true, description: `Rosetta's id of it: ${INT64}.` }),
    taskId: t.field({
      type: 'BigInt',
      required: true,
      description: 'The task that took the step.',
    }),
    status: t.int({
      required: true,
      description: `Where the task stood right after the step, as a number: ${COUNT}.`,
    }),
    poolId: t.field({
      type: 'BigInt',
      required: true,
      description: "The pool the task was in right after the step, one of the task's campaign.",
    }),
    teamId: t.field({
      type: 'BigInt',
      description: `The team whose member acted: ${INT64}; ${NOBODY}.`,
    }),
    poolAssigneeId: t.field({
      type: 'BigInt',
      description: `The operator who acted: ${INT64}; ${NOBODY}.`,
    }),
    creatorId: t.field({
      type: 'BigInt',
      description: `The account that wrote the record: ${INT64}; ${NOBODY}.`,
    }),
    createdTime: t.field({
      type: 'DateTime',
      required: true,
      description: 'When the step was done.',
    }),
    actionType: t.int({
      required: true,
      description: `What was done, as a number: ${COUNT}, also one that \`TaskAction\` does not list.`,
    }),
    instanceInfo: t.field({
      type: 'JSON',
      required: true,
      description: `Instances the step touched, by operation key: an object of counts (${COUNT}), attributes included.`,
    }),
    instanceNum: t.int({
      required: true,
      description: `Number of instances the step submitted, attributes included: ${COUNT}.`,
    }),
    instanceSum: t.int({
      required: true,
      description: `Number of instances of the task right after the step: ${COUNT}.`,
    }),
    attributesNum: t.int({
      required: true,
      description: `Number of first-level attributes the step submitted: ${COUNT}.`,
    }),
    attributesSum: t.int({
      required: true,
      description: `Number of attributes of the task right after the step: ${COUNT}.`,
    }),
    frameCount: t.int({ required: true, description: `Number of frames of the task: ${COUNT}.` }),
  }),
});

/** An entity of the import format, under the name of its type. */
export const EntityInput = builder.inputType('EntityInput', {
  description: 'One entity, under the name of its type.',
  isOneOf: true,
  fields: (t) => ({
    campaign: t.field({ type: CampaignInput, description: 'A campaign.' }),
    annotationRequest: t.field({
      type: AnnotationRequestInput,
      description: 'An annotation request.',
    }),
    pool: t.field({ type: PoolInput, description: 'A pool.' }),
    task: t.field({ type: TaskInput, description: 'A task.' }),
    annotationHistory: t.field({
      type: AnnotationHistoryInput,
      description: 'A record of the history.',
    }),
  }),
});
