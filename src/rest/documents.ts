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
