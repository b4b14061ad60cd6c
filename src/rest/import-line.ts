import type { Entity } from '../domain/entities.ts';
import type { ChangedRow } from './documents.ts';

/** An entity with a value for each of its fields. */
type Whole<E> = E extends Entity ? Required<E> : never;

const toBigInt = (digits: string | null) => (digits === null ? null : BigInt(digits));

/** A row as the import format writes it: what comes out of `GET /changes` can go into an import. */
export function toEntity(row: ChangedRow): Whole<Entity> {
  switch (row.__typename) {
    case 'Campaign':
      return {
        type: 'campaign',
        id: row.campaignId,
        projectId: BigInt(row.projectId),
        name: row.name,
        campaignType: row.campaignType,
        workflowType: row.workflowType,
        folderName: row.folderName,
        taxonomyVersionName: row.taxonomyVersionName,
      };
    case 'AnnotationRequest':
      return {
        type: 'annotationRequest',
        id: row.annotationRequestId,
        name: row.name,
        campaignId: row.campaign.campaignId,
        createdAt: new Date(row.createdAt),
      };
    case 'Pool':
      return {
        type: 'pool',
        id: BigInt(row.poolId),
        name: row.name,
        poolType: row.typeCode,
        campaignId: row.campaign.campaignId,
      };
    case 'Task':
      return {
        type: 'task',
        id: BigInt(row.taskId),
        annotationRequestId: row.annotationRequest.annotationRequestId,
        sceneId: row.sceneId,
        status: row.statusCode,
        poolId: BigInt(row.pool.poolId),
        instanceInfo: row.instanceInfo,
        instanceNum: row.instanceNum,
        attributeNum: row.attributeNum,
        frameNum: row.frameNum,
        lastRecordId: toBigInt(row.lastRecordId),
      };
    case 'AnnotationHistory':
      return {
        type: 'annotationHistory',
        id: BigInt(row.recordId),
        taskId: BigInt(row.task.taskId),
        status: row.statusCode,
        poolId: BigInt(row.pool.poolId),
        teamId: toBigInt(row.teamId),
        poolAssigneeId: toBigInt(row.poolAssigneeId),
        creatorId: toBigInt(row.creatorId),
        createdTime: new Date(row.createdTime),
        actionType: row.actionCode,
        instanceInfo: row.instanceInfo,
        instanceNum: row.instanceNum,
        instanceSum: row.instanceSum,
        attributesNum: row.attributesNum,
        attributesSum: row.attributesSum,
        frameCount: row.frameCount,
      };
  }
}
