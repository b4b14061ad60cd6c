import {
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isNonNullType,
  isObjectType,
  printSchema,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../src/schema/index.ts';

const types = Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type));

function fieldsOf(name: string): string[] {
  const type = schema.getType(name);
  if (!isObjectType(type)) throw new Error(`${name} is no object type`);
  return Object.values(type.getFields()).map((field) => `${field.name}: ${String(field.type)}`);
}

describe('schema.graphql', () => {
  it('is what the code prints', async () => {
    await expect(`${printSchema(schema)}\n`).toMatchFileSnapshot('../schema.graphql');
  });

  it('describes every type, field, argument and enum value', () => {
    const silent = types.flatMap((type) => {
      // GraphQL's own scalars describe themselves.
      const missing = type.description ? [] : [type.name];
      if (isEnumType(type)) {
        const values = type.getValues().filter((value) => !value.description);
        return [...missing, ...values.map((value) => `${type.name}.${value.name}`)];
      }
      if (isInputObjectType(type)) {
        const fields = Object.values(type.getFields()).filter((field) => !field.description);
        return [...missing, ...fields.map((field) => `${type.name}.${field.name}`)];
      }
      if (!isObjectType(type) && !isInterfaceType(type)) return missing;
      return Object.values(type.getFields()).reduce<string[]>((found, field) => {
        const path = `${type.name}.${field.name}`;
        if (!field.description) found.push(path);
        for (const arg of field.args) if (!arg.description) found.push(`${path}(${arg.name}:)`);
        return found;
      }, missing);
    });
    expect(silent).toEqual([]);
  });
});

describe('the contract', () => {
  const connection = (noun: string) => `${noun}Connection!`;

  it.each([
    [
      'Campaign',
      {
        campaignId: 'String!',
        projectId: 'BigInt!',
        name: 'String!',
        campaignType: 'CampaignType!',
        workflowType: 'String',
        folderName: 'String',
        taxonomyVersionName: 'String',
        annotationRequests: connection('AnnotationRequest'),
        pools: connection('Pool'),
        tasks: connection('Task'),
        progress: 'Progress',
        delivery: 'Delivery',
        estimatedCompletion: 'EstimatedCompletion',
        reconciliation: '[Discrepancy!]',
        quality: 'Quality',
        flow: 'Flow',
      },
    ],
    [
      'AnnotationRequest',
      {
        annotationRequestId: 'String!',
        name: 'String!',
        createdAt: 'DateTime!',
        campaign: 'Campaign!',
        tasks: connection('Task'),
        annotationHistory: connection('AnnotationHistory'),
        progress: 'Progress',
        delivery: 'Delivery',
        estimatedCompletion: 'EstimatedCompletion',
        reconciliation: '[Discrepancy!]',
        quality: 'Quality',
        flow: 'Flow',
      },
    ],
    [
      'Pool',
      {
        poolId: 'BigInt!',
        name: 'String!',
        type: 'PoolType',
        typeCode: 'Int!',
        campaign: 'Campaign!',
        tasks: connection('Task'),
        progress: 'Progress',
        delivery: 'Delivery',
        estimatedCompletion: 'EstimatedCompletion',
        quality: 'Quality',
        flow: 'Flow',
      },
    ],
    [
      'Task',
      {
        taskId: 'BigInt!',
        sceneId: 'String!',
        status: 'TaskStatus',
        statusCode: 'Int!',
        instanceInfo: 'JSON!',
        instanceNum: 'Int!',
        attributeNum: 'Int!',
        frameNum: 'Int!',
        viewUrl: 'String!',
        campaign: 'Campaign!',
        annotationRequest: 'AnnotationRequest!',
        pool: 'Pool!',
        annotationHistory: connection('AnnotationHistory'),
      },
    ],
    [
      'AnnotationHistory',
      {
        recordId: 'BigInt!',
        status: 'TaskStatus',
        statusCode: 'Int!',
        action: 'TaskAction',
        actionCode: 'Int!',
        teamId: 'BigInt',
        poolAssigneeId: 'BigInt',
        creatorId: 'BigInt',
        createdTime: 'DateTime!',
        instanceInfo: 'JSON!',
        instanceNum: 'Int!',
        instanceSum: 'Int!',
        attributesNum: 'Int!',
        attributesSum: 'Int!',
        frameCount: 'Int!',
        task: 'Task!',
        pool: 'Pool!',
        annotationRequest: 'AnnotationRequest!',
      },
    ],
  ])('gives %s its fields', (name, fields) => {
    const expected = ['id: ID!', ...Object.entries(fields).map(([f, type]) => `${f}: ${type}`)];
    expect(fieldsOf(name)).toEqual(expect.arrayContaining(expected));
  });

  it.each(['Campaign', 'AnnotationRequest', 'Pool', 'Task', 'AnnotationHistory'])(
    'makes %s a node with a connection that counts',
    (noun) => {
      const type = schema.getType(noun);
      expect(isObjectType(type) && type.getInterfaces().map((i) => i.name)).toEqual(['Node']);
      expect(fieldsOf(`${noun}Connection`).sort()).toEqual(
        [
          `edges: [${noun}Edge!]!`,
          `nodes: [${noun}!]!`,
          'pageInfo: PageInfo!',
          'totalCount: Int!',
          // Nullable: they can fail by cost or deadline, and the rest of an answer must survive.
          `aggregate: ${noun}Aggregate`,
          `groupBy: [${noun}Group!]`,
        ].sort(),
      );
      expect(fieldsOf(`${noun}Edge`).sort()).toEqual(['cursor: String!', `node: ${noun}!`]);
    },
  );

  it.each([
    [
      'TaskAggregate',
      'count: Int!, sum: TaskSums!, average: TaskAverages!, min: TaskExtremes!, max: TaskExtremes!',
    ],
    ['TaskSums', 'instanceNum: BigInt!, attributeNum: BigInt!, frameNum: BigInt!'],
    ['TaskAverages', 'instanceNum: Float, attributeNum: Float, frameNum: Float'],
    ['TaskExtremes', 'instanceNum: Int, attributeNum: Int, frameNum: Int'],
    [
      'AnnotationHistorySums',
      'instanceNum: BigInt!, instanceSum: BigInt!, attributesNum: BigInt!, attributesSum: BigInt!, frameCount: BigInt!',
    ],
    [
      'AnnotationHistoryExtremes',
      'instanceNum: Int, instanceSum: Int, attributesNum: Int, attributesSum: Int, frameCount: Int, createdTime: DateTime',
    ],
    [
      'AnnotationRequestAggregate',
      'count: Int!, min: AnnotationRequestExtremes!, max: AnnotationRequestExtremes!',
    ],
    ['AnnotationRequestExtremes', 'createdAt: DateTime'],
    ['PoolAggregate', 'count: Int!'],
    ['CampaignAggregate', 'count: Int!'],
    [
      'TaskGroup',
      'status: TaskStatus, statusCode: Int, pool: Pool, poolType: PoolType, poolTypeCode: Int, annotationRequest: AnnotationRequest, campaign: Campaign, aggregate: TaskAggregate!',
    ],
    [
      'AnnotationHistoryGroup',
      'status: TaskStatus, statusCode: Int, action: TaskAction, actionCode: Int, pool: Pool, annotationRequest: AnnotationRequest, task: Task, teamId: BigInt, poolAssigneeId: BigInt, creatorId: BigInt, aggregate: AnnotationHistoryAggregate!',
    ],
    ['PoolGroup', 'type: PoolType, typeCode: Int, campaign: Campaign, aggregate: PoolAggregate!'],
    ['AnnotationRequestGroup', 'campaign: Campaign, aggregate: AnnotationRequestAggregate!'],
    ['CampaignGroup', 'campaignType: CampaignType, aggregate: CampaignAggregate!'],
    [
      'Progress',
      'total: Int!, completed: Int!, percent: Float, byStatus: [StatusCount!]!, byPoolType: [PoolTypeCount!]!',
    ],
    ['StatusCount', 'status: TaskStatus, statusCode: Int!, count: Int!'],
    ['PoolTypeCount', 'poolType: PoolType, poolTypeCode: Int!, count: Int!'],
    ['Delivery', 'all: DeliveryCounts!, completed: DeliveryCounts!'],
    [
      'DeliveryCounts',
      'tasks: Int!, instances: BigInt!, attributes: BigInt!, frames: BigInt!, byOperationKey: [OperationCount!]',
    ],
    ['OperationCount', 'key: String!, instances: BigInt!'],
    [
      'EstimatedCompletion',
      'expectedAt: DateTime, earliestAt: DateTime, latestAt: DateTime, remaining: Int, pace: Float, pessimisticPace: Float, optimisticPace: Float, workingDays: Int!, daysPerWorkingDay: Float, asOf: DateTime, reason: EstimateReason',
    ],
    [
      'Discrepancy',
      'kind: DiscrepancyKind!, count: Int!, tasks: TaskConnection, records: AnnotationHistoryConnection',
    ],
  ])('measures rows by %s', (name, fields) => {
    expect(fieldsOf(name).join(', ')).toBe(fields);
  });

  it.each([
    [
      'TaskStatus',
      'CREATION_FAILED CREATED AWAITING_ANNOTATION ANNOTATING ANNOTATED AWAITING_REVIEW IN_REVIEW AWAITING_QC IN_QC QC_COMPLETED APPROVED',
    ],
    ['PoolType', 'DISTRIBUTION ANNOTATION CHECK SAMPLING ALGORITHM COMPLETE'],
    [
      'TaskAction',
      'INITIALIZATION PAUSE RELEASE RESUME ERROR DISTRIBUTE COMPLETE SUBMIT_ANNOTATION CHECK SAMPLING REJECT SUSPEND RECYCLE SEND_TASK DISSOLVE INVALID MANUAL_RECYCLE RETURN_FROM_WORK_POOL',
    ],
    ['CampaignType', 'POC FORMAL'],
    ['EstimateReason', 'NO_TASKS NOTHING_REMAINING TOO_FEW_WORKING_DAYS TOO_FAR'],
    [
      'DiscrepancyKind',
      'RECORD_INSTANCES TASK_INSTANCES TASK_ATTRIBUTES TASK_FRAMES TASK_STATUS TASK_POOL MISSING_INITIALIZATION BACKWARDS COMPLETED_WITHOUT_SUBMISSION',
    ],
  ])('names the values of %s', (name, values) => {
    const type = schema.getType(name);
    expect(
      isEnumType(type) &&
        type
          .getValues()
          .map((value) => value.name)
          .join(' '),
    ).toBe(values);
  });

  it('takes String! for the ids of Helix and BigInt! for those of Rosetta', () => {
    const query = schema.getQueryType()!.getFields();
    const args = (field: string) =>
      Object.fromEntries(query[field]!.args.map((arg) => [arg.name, String(arg.type)]));
    expect(args('campaign')).toEqual({ campaignId: 'String!' });
    expect(args('annotationRequest')).toEqual({ annotationRequestId: 'String!' });
    expect(args('pool')).toEqual({ poolId: 'BigInt!' });
    expect(args('task')).toEqual({ taskId: 'BigInt!' });
    expect(args('taskByScene')).toEqual({
      campaignId: 'String!',
      annotationRequestId: 'String!',
      sceneId: 'String!',
    });
    for (const [field, noun] of [
      ['tasks', 'Task'],
      ['annotationHistory', 'AnnotationHistory'],
    ] as const) {
      expect(args(field)).toEqual({
        annotationRequestIds: '[String!]',
        filter: `${noun}Filter`,
        orderBy: `[${noun}Order!]`,
        first: 'Int',
        last: 'Int',
        after: 'String',
        before: 'String',
      });
    }
    for (const field of ['campaign', 'annotationRequest', 'pool', 'task', 'taskByScene', 'node']) {
      expect(isNonNullType(query[field]!.type), field).toBe(false);
    }
  });
});
