import { parse } from 'graphql';

/**
 * The GraphQL documents behind the routes, each with the shape of its answer. Of the platform's own routes they say what the
 * rows are, whose keys are theirs in their order: they are answered in the plain form, where what a related row has stands
 * among a row's own members, ids are numbers with all their digits, and instants are what the clocks of a zone show.
 */

export const TASK_DOCUMENT = parse(/* GraphQL */ `
  query RestTask($campaignId: String!, $annotationRequestId: String!, $sceneId: String!) {
    taskByScene(
      campaignId: $campaignId
      annotationRequestId: $annotationRequestId
      sceneId: $sceneId
    ) {
      viewUrl
      status: statusCode
    }
  }
`);

/** JSON texts, as those of the other plain answers are. */
export interface TaskTexts {
  /** A row. */
  taskByScene: string;
}

export const STATISTICS_DOCUMENT = parse(/* GraphQL */ `
  query RestStatistics($annotationRequestIds: [String!]!, $page: Int!, $pageSize: Int!) {
    taskPage(annotationRequestIds: $annotationRequestIds, page: $page, pageSize: $pageSize) {
      unknownAnnotationRequestIds
      count: totalCount
      data: nodes {
        id: taskId
        status: statusCode
        campaign {
          campaignId
        }
        pool {
          poolName: name
          poolType: typeCode
        }
        instanceInfo
        instanceNum
        attributeNum
        frameNum
      }
    }
  }
`);

export interface StatisticsTexts {
  unknownAnnotationRequestIds: string;
  count: string;
  /** A list of rows. */
  data: string;
}

export const STATISTICS_RECORD_DOCUMENT = parse(/* GraphQL */ `
  query RestStatisticsRecord($annotationRequestIds: [String!]!, $page: Int!, $pageSize: Int!) {
    annotationHistoryPage(
      annotationRequestIds: $annotationRequestIds
      page: $page
      pageSize: $pageSize
    ) {
      data: nodes {
        id: recordId
        status: statusCode
        annotationRequest {
          campaign {
            project_id: projectId
          }
        }
        task {
          task_id: taskId
        }
        pool {
          pool_id: poolId
          pool_type: typeCode
        }
        team_id: teamId
        pool_assignee_id: poolAssigneeId
        creator_id: creatorId
        created_time: createdTime
        action_type: actionCode
        instance_info: instanceInfo
        instance_num: instanceNum
        attributes_num: attributesNum
        instance_sum: instanceSum
        attributes_sum: attributesSum
        frame_count: frameCount
      }
    }
  }
`);

export interface StatisticsRecordTexts {
  /** A list of rows. */
  data: string;
}

/** What it answers is GraphQL's own: a 64-bit id as a decimal string, an instant as ISO text with `Z`. */
export const CHANGES_DOCUMENT = parse(/* GraphQL */ `
  query RestChanges(
    $after: String
    $types: [EntityType!]
    $campaignIds: [String!]
    $annotationRequestIds: [String!]
    $pageSize: Int!
  ) {
    changes(
      after: $after
      types: $types
      filter: { campaignIds: $campaignIds, annotationRequestIds: $annotationRequestIds }
      first: $pageSize
    ) {
      watermark
      hasMore
      entries {
        type
        kind
        key
        node {
          __typename
          ... on Campaign {
            campaignId
            projectId
            name
            campaignType
            workflowType
            folderName
            taxonomyVersionName
          }
          ... on AnnotationRequest {
            annotationRequestId
            name
            campaign {
              campaignId
            }
            createdAt
          }
          ... on Pool {
            poolId
            name
            typeCode
            campaign {
              campaignId
            }
          }
          ... on Task {
            taskId
            annotationRequest {
              annotationRequestId
            }
            sceneId
            statusCode
            pool {
              poolId
            }
            instanceInfo
            instanceNum
            attributeNum
            frameNum
            lastRecordId
          }
          ... on AnnotationHistory {
            recordId
            task {
              taskId
            }
            statusCode
            pool {
              poolId
            }
            teamId
            poolAssigneeId
            creatorId
            createdTime
            actionCode
            instanceInfo
            instanceNum
            instanceSum
            attributesNum
            attributesSum
            frameCount
          }
        }
      }
    }
  }
`);

/** A row of any type, as far as the document asks for it. */
export type ChangedRow =
  | {
      __typename: 'Campaign';
      campaignId: string;
      projectId: string;
      name: string;
      campaignType: 'POC' | 'FORMAL';
      workflowType: string | null;
      folderName: string | null;
      taxonomyVersionName: string | null;
    }
  | {
      __typename: 'AnnotationRequest';
      annotationRequestId: string;
      name: string;
      campaign: { campaignId: string };
      createdAt: string | Date;
    }
  | {
      __typename: 'Pool';
      poolId: string;
      name: string;
      typeCode: number;
      campaign: { campaignId: string };
    }
  | {
      __typename: 'Task';
      taskId: string;
      annotationRequest: { annotationRequestId: string };
      sceneId: string;
      statusCode: number;
      pool: { poolId: string };
      instanceInfo: Record<string, number>;
      instanceNum: number;
      attributeNum: number;
      frameNum: number;
      lastRecordId: string | null;
    }
  | {
      __typename: 'AnnotationHistory';
      recordId: string;
      task: { taskId: string };
      statusCode: number;
      pool: { poolId: string };
      teamId: string | null;
      poolAssigneeId: string | null;
      creatorId: string | null;
      createdTime: string | Date;
      actionCode: number;
      instanceInfo: Record<string, number>;
      instanceNum: number;
      instanceSum: number;
      attributesNum: number;
      attributesSum: number;
      frameCount: number;
    };

export interface ChangesData {
  changes: {
    watermark: string;
    hasMore: boolean;
    entries: { type: string; kind: string; key: string; node: ChangedRow | null }[];
  };
}
