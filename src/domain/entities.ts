/**
 * The five entities as the import format writes them, one a line. 64-bit ids are bigints here, JSON numbers with exact
 * digits (or strings) in a file; instants are dates here, RFC 3339 there. `null` and an absent field differ on an update:
 * null clears what is stored, absent leaves it alone.
 */

/** Counts by operation key; whole numbers from 0 to 2^31-1. */
export type InstanceInfo = Readonly<Record<string, number>>;

export interface CampaignEntity {
  type: 'campaign';
  id: string;
  projectId: bigint;
  name: string;
  campaignType: 'POC' | 'FORMAL';
  workflowType?: string | null;
  folderName?: string | null;
  taxonomyVersionName?: string | null;
}

export interface AnnotationRequestEntity {
  type: 'annotationRequest';
  id: string;
  name: string;
  campaignId: string;
  createdAt?: Date | null;
}

export interface PoolEntity {
  type: 'pool';
  id: bigint;
  name: string;
  poolType: number;
  campaignId: string;
}

export interface TaskEntity {
  type: 'task';
  id: bigint;
  annotationRequestId: string;
  sceneId: string;
  status: number;
  poolId: bigint;
  instanceInfo: InstanceInfo;
  instanceNum: number;
  attributeNum: number;
  frameNum: number;
  /** The record after which the row was written; orders updates that arrive out of order. */
  lastRecordId?: bigint | null;
}

export interface AnnotationHistoryEntity {
  type: 'annotationHistory';
  id: bigint;
  taskId: bigint;
  status: number;
  poolId: bigint;
  teamId?: bigint | null;
  poolAssigneeId?: bigint | null;
  creatorId?: bigint | null;
  createdTime: Date;
  actionType: number;
  instanceInfo: InstanceInfo;
  instanceNum: number;
  instanceSum: number;
  attributesNum: number;
  attributesSum: number;
  frameCount: number;
}

export type Entity =
  CampaignEntity | AnnotationRequestEntity | PoolEntity | TaskEntity | AnnotationHistoryEntity;

export type EntityType = Entity['type'];

/** In the order in which they may refer to each other: each only to types before it. */
export const ENTITY_TYPES = [
  'campaign',
  'annotationRequest',
  'pool',
  'task',
  'annotationHistory',
] as const satisfies readonly EntityType[];

/** Whether the id of a type is text, which Helix chose, and not a number. */
export function hasTextId(type: EntityType): boolean {
  return type === 'campaign' || type === 'annotationRequest';
}
