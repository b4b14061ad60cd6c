import type { Noun } from '../nouns.ts';

/** What is listed: rows of a noun, or those of a report, which are worked out from the history. */
export type ListName = Noun | 'Workload' | 'WorkingTime';

/** What a field's values are, which decides how they can be compared. */
export type FieldKind =
  | 'text'
  | 'bigint'
  | 'int'
  | 'float'
  | 'instant'
  | 'taskStatus'
  | 'taskAction'
  | 'poolType'
  | 'campaignType';

/** A field of a noun that lists can be narrowed and ordered by. */
export interface ListField {
  /** Its name in the model of schema.prisma. */
  readonly column: string;
  readonly kind: FieldKind;
  readonly nullable?: boolean;
}

/** Another noun's rows, whose fields a list can be narrowed by. */
export interface ListRelation {
  readonly noun: Noun;
  /** Its name in the model of schema.prisma. */
  readonly relation: string;
  /** Whether a row has several of them. */
  readonly many: boolean;
  /** Of the one row's columns, those that are repeated here, by their names there. */
  readonly repeated: Readonly<Record<string, string>>;
}

export interface ListFields {
  readonly fields: Readonly<Record<string, ListField>>;
  readonly relations: Readonly<Record<string, ListRelation>>;
}

const text = (column: string): ListField => ({ column, kind: 'text' });
const bigint = (column: string): ListField => ({ column, kind: 'bigint' });
const int = (column: string): ListField => ({ column, kind: 'int' });
const float = (column: string): ListField => ({ column, kind: 'float' });
const instant = (column: string): ListField => ({ column, kind: 'instant' });
const nullable = (field: ListField): ListField => ({ ...field, nullable: true });
const one = (relation: string, noun: Noun, ...repeated: string[]): ListRelation => ({
  noun,
  relation,
  many: false,
  repeated: {
    id: `${relation}Id`,
    ...Object.fromEntries(repeated.map((column) => [column, column])),
  },
});
const many = (relation: string, noun: Noun): ListRelation => ({
  noun,
  relation,
  many: true,
  repeated: {},
});

/** Everything lists can be narrowed and ordered by, by the names that GraphQL shows. */
export const LISTS: Readonly<Record<ListName, ListFields>> = {
  Campaign: {
    fields: {
      campaignId: text('id'),
      projectId: bigint('projectId'),
      name: text('name'),
      campaignType: { column: 'campaignType', kind: 'campaignType' },
      workflowType: nullable(text('workflowType')),
      folderName: nullable(text('folderName')),
      taxonomyVersionName: nullable(text('taxonomyVersionName')),
    },
    relations: {
      annotationRequests: many('annotationRequests', 'AnnotationRequest'),
      pools: many('pools', 'Pool'),
      tasks: many('tasks', 'Task'),
    },
  },
  AnnotationRequest: {
    fields: {
      annotationRequestId: text('id'),
      name: text('name'),
      createdAt: instant('createdAt'),
    },
    relations: {
      campaign: one('campaign', 'Campaign'),
      tasks: many('tasks', 'Task'),
      annotationHistory: many('annotationHistory', 'AnnotationHistory'),
    },
  },
  Pool: {
    fields: {
      poolId: bigint('id'),
      name: text('name'),
      type: { column: 'poolType', kind: 'poolType' },
      typeCode: int('poolType'),
    },
    relations: {
      campaign: one('campaign', 'Campaign'),
      tasks: many('tasks', 'Task'),
    },
  },
  Task: {
    fields: {
      taskId: bigint('id'),
      sceneId: text('sceneId'),
      status: { column: 'status', kind: 'taskStatus' },
      statusCode: int('status'),
      instanceNum: int('instanceNum'),
      attributeNum: int('attributeNum'),
      frameNum: int('frameNum'),
    },
    relations: {
      campaign: one('campaign', 'Campaign'),
      annotationRequest: one('annotationRequest', 'AnnotationRequest', 'campaignId'),
      pool: one('pool', 'Pool', 'campaignId'),
      annotationHistory: many('annotationHistory', 'AnnotationHistory'),
    },
  },
  AnnotationHistory: {
    fields: {
      recordId: bigint('id'),
      status: { column: 'status', kind: 'taskStatus' },
      statusCode: int('status'),
      action: { column: 'actionType', kind: 'taskAction' },
      actionCode: int('actionType'),
      teamId: nullable(bigint('teamId')),
      poolAssigneeId: nullable(bigint('poolAssigneeId')),
      creatorId: nullable(bigint('creatorId')),
      createdTime: instant('createdTime'),
      instanceNum: int('instanceNum'),
      instanceSum: int('instanceSum'),
      attributesNum: int('attributesNum'),
      attributesSum: int('attributesSum'),
      frameCount: int('frameCount'),
    },
    relations: {
      task: one('task', 'Task', 'annotationRequestId', 'campaignId'),
      pool: one('pool', 'Pool', 'campaignId'),
      annotationRequest: one('annotationRequest', 'AnnotationRequest', 'campaignId'),
    },
  },
  Workload: {
    fields: {
      campaign: text('campaignId'),
      annotationRequest: text('annotationRequestId'),
      pool: bigint('poolId'),
      poolType: int('poolType'),
      teamId: nullable(bigint('teamId')),
      poolAssigneeId: nullable(bigint('poolAssigneeId')),
      creatorId: nullable(bigint('creatorId')),
      action: int('actionType'),
      operationKey: nullable(text('operationKey')),
      time: instant('timeStart'),
      recordCount: int('recordCount'),
      taskCount: int('taskCount'),
      instances: bigint('instances'),
      attributes: nullable(bigint('attributes')),
      frames: nullable(bigint('frames')),
      submissions: int('submissions'),
      checks: int('checks'),
      samplings: int('samplings'),
      rejectionsGiven: int('rejectionsGiven'),
      returnsGiven: int('returnsGiven'),
      rejectionsReceived: int('rejectionsReceived'),
      returnsReceived: int('returnsReceived'),
      workingDays: int('workingDays'),
      firstRecordAt: nullable(instant('firstRecordAt')),
      lastRecordAt: nullable(instant('lastRecordAt')),
    },
    relations: {},
  },
  WorkingTime: {
    fields: {
      poolAssigneeId: bigint('poolAssigneeId'),
      time: instant('timeStart'),
      recordCount: int('recordCount'),
      instances: bigint('instances'),
      durationSeconds: float('durationSeconds'),
      secondsPerInstance: nullable(float('secondsPerInstance')),
      excludedCount: int('excludedCount'),
      excludedSeconds: float('excludedSeconds'),
    },
    relations: {},
  },
};
