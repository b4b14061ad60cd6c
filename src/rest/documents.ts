import { parse } from 'graphql';

/**
 * The GraphQL documents behind the routes, each with the shape of its data. A 64-bit id arrives as a decimal string, an
 * instant as ISO text with `Z`.
 */

export const TASK_DOCUMENT = parse(/* GraphQL */ `
  query RestTask($campaignId: String!, $annotationRequestId: String!, $sceneId: String!) {
    taskByScene(
      campaignId: $campaignId
      annotationRequestId: $annotationRequestId
      sceneId: $sceneId
    ) {
      viewUrl
      statusCode
    }
  }
`);

export interface TaskData {
  taskByScene: { viewUrl: string; statusCode: number };
}

export const STATISTICS_DOCUMENT = parse(/* GraphQL */ `
  query RestStatistics($annotationRequestIds: [String!]!, $page: Int!, $pageSize: Int!) {
    taskPage(annotationRequestIds: $annotationRequestIds, page: $page, pageSize: $pageSize) {
      unknownAnnotationRequestIds
      totalCount
      nodes {
        taskId
        statusCode
        campaign {
          campaignId
        }
        pool {
          name
          typeCode
        }
        instanceInfo
        instanceNum
        attributeNum
        frameNum
      }
    }
  }
`);

export interface StatisticsData {
  taskPage: {
    unknownAnnotationRequestIds: string[];
    totalCount: number;
    nodes: {
      taskId: string;
      statusCode: number;
      campaign: { campaignId: string };
      pool: { name: string; typeCode: number };
      instanceInfo: Record<string, number>;
      instanceNum: number;
      attributeNum: number;
      frameNum: number;
    }[];
  };
}

export const STATISTICS_RECORD_DOCUMENT = parse(/* GraphQL */ `
  query RestStatisticsRecord($annotationRequestIds: [String!]!, $page: Int!, $pageSize: Int!) {
    annotationHistoryPage(
      annotationRequestIds: $annotationRequestIds
      page: $page
      pageSize: $pageSize
    ) {
      nodes {
        recordId
        statusCode
        annotationRequest {
          campaign {
            projectId
          }
        }
        task {
          taskId
        }
        pool {
          poolId
          typeCode
        }
        teamId
        poolAssigneeId
        creatorId
        createdTime
        actionCode
        instanceInfo
        instanceNum
        attributesNum
        instanceSum
        attributesSum
        frameCount
      }
    }
  }
`);

export interface StatisticsRecordData {
  annotationHistoryPage: {
    nodes: {
      recordId: string;
      statusCode: number;
      annotationRequest: { campaign: { projectId: string } };
      task: { taskId: string };
      pool: { poolId: string; typeCode: number };
      teamId: string | null;
      poolAssigneeId: string | null;
      creatorId: string | null;
      createdTime: string | Date;
      actionCode: number;
      instanceInfo: Record<string, number>;
      instanceNum: number;
      attributesNum: number;
      instanceSum: number;
      attributesSum: number;
      frameCount: number;
    }[];
  };
}

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
