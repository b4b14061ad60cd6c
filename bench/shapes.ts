/**
 * What the servers are asked. Of each shape all give the same rows, fields and order.
 */
import type { Population } from './data.ts';

/** A request as a load generator sends it. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
}

export type Variables = Readonly<Record<string, unknown>>;

/** What a server is asked, and how its answer becomes the one that all are to give. */
export interface Form {
  readonly request: (variables: Variables) => HttpRequest;
  readonly read: (answer: unknown) => unknown;
}

export interface Shape {
  readonly name: string;
  /** The arguments of one request, drawn over the whole data set. */
  readonly draw: (from: Population, random: () => number) => Variables;
  readonly gateway: Form;
  /** Absent for the routes that it does not have. */
  readonly postgraphile?: Form;
  /** Absent where no SQL is needed for it. */
  readonly floor?: Form;
}

/** Positions behind which a page of the long list begins, with the cursors that each server knows them by. */
export interface Positions {
  readonly gateway: readonly string[];
  readonly postgraphile: readonly string[];
  /** By time and id, as the floor's SQL compares them. */
  readonly floor: readonly (readonly [createdTime: string, id: string])[];
}

const pick = <T>(items: readonly T[], random: () => number): T =>
  items[Math.floor(random() * items.length)]!;

/** @throws what a GraphQL server says is wrong. */
export const dataOf = (answer: unknown) => {
  const { data, errors } = answer as { data: unknown; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
};

/** Of a REST envelope all but what differs by request. */
const sameEnvelope = (answer: unknown) => {
  const { date, requestId, ...envelope } = answer as Record<string, unknown>;
  if (!date || !requestId) throw new Error('The envelope lacks its date or its request id.');
  return envelope;
};

function graphql(query: string, read: Form['read'] = dataOf): Form {
  const text = query.replace(/\s+/g, ' ').trim();
  return {
    request: (variables) => ({
      method: 'POST',
      path: '/graphql',
      body: JSON.stringify({ query: text, variables }),
    }),
    read,
  };
}

/** The floor takes the name of a shape and its arguments. */
function floor(name: string, read: Form['read'] = dataOf): Form {
  return {
    request: (variables) => ({
      method: 'POST',
      path: `/${name}`,
      body: JSON.stringify(variables),
    }),
    read,
  };
}

const TASK = 'taskId sceneId statusCode instanceNum attributeNum frameNum';
const TASK_OF_TABLE = 'taskId: rowId sceneId statusCode: status instanceNum attributeNum frameNum';
const POOL = 'pool { poolId name typeCode }';
const POOL_OF_TABLE = 'pool: poolByPoolIdAndCampaignId { poolId: rowId name typeCode: poolType }';
const RECORD = `recordId actionCode statusCode poolAssigneeId createdTime instanceNum ${POOL}`;
const RECORD_OF_TABLE = `recordId: rowId actionCode: actionType statusCode: status poolAssigneeId createdTime instanceNum ${POOL_OF_TABLE}`;
const CAMPAIGN = 'campaign { campaignId name projectId }';
const CAMPAIGN_OF_TABLE = 'campaign: campaignByCampaignId { campaignId: rowId name projectId }';

/** Twenty tasks of a request, each with five of its records. */
const nested = (count: string): Pick<Shape, 'gateway' | 'postgraphile'> => ({
  gateway: graphql(`query ($request: String!) {
    tasks(annotationRequestIds: [$request], first: 20) { ${count} nodes { ${TASK} ${CAMPAIGN} ${POOL}
      annotationHistory(first: 5) { ${count} nodes { ${RECORD} } } } } }`),
  postgraphile: graphql(`query ($request: String!) {
    tasks: allTasks(condition: { annotationRequestId: $request }, orderBy: ROW_ID_ASC, first: 20) { ${count} nodes { ${TASK_OF_TABLE} ${CAMPAIGN_OF_TABLE} ${POOL_OF_TABLE}
      annotationHistory: annotationHistoriesByTaskIdAndAnnotationRequestIdAndCampaignId(orderBy: ROW_ID_ASC, first: 5) { ${count} nodes { ${RECORD_OF_TABLE} } } } } }`),
});

const WORK = `recordCount taskCount submissions checks rejectionsGiven returnsGiven rejectionsReceived returnsReceived
  instances attributes frames`;
const PROGRESS = 'progress { total completed percent byStatus { statusCode count } }';
const COUNTS = '{ tasks instances attributes frames }';
const DELIVERY = `delivery { all ${COUNTS} completed ${COUNTS} }`;

/** The zone whose days the workload is asked for by: that of the gateway's roll-ups unless told. */
export const WORKLOAD_ZONE = 'UTC';

/** Which records the long list has, and which of its pages are asked for: so many around that one. */
export const LONG_LIST = { actionType: 7, pageSize: 20, page: 500, pages: 20 };

const get = (path: string, parameters: Record<string, string>): HttpRequest => ({
  method: 'GET',
  path: `${path}?${new URLSearchParams(parameters).toString()}`,
});

function rest(
  name: string,
  request: Form['request'],
  draw: Shape['draw'],
): Pick<Shape, 'name' | 'draw' | 'gateway' | 'floor'> {
  return {
    name,
    draw,
    gateway: { request, read: sameEnvelope },
    floor: { request, read: sameEnvelope },
  };
}

const oneRequest: Shape['draw'] = ({ requests }, random) => ({ request: pick(requests, random) });
const oneCampaign: Shape['draw'] = ({ campaigns }, random) => ({
  campaign: pick(campaigns, random),
});

export function createShapes(positions: Positions): Shape[] {
  const place = ({ place }: Variables) => place as number;
  return [
    {
      name: '{ __typename }',
      draw: () => ({}),
      gateway: graphql('{ __typename }'),
      postgraphile: graphql('{ __typename }'),
    },
    {
      name: 'a task by scene',
      draw: ({ scenes }, random) => ({ ...pick(scenes, random) }),
      gateway:
        graphql(`query ($campaignId: String!, $annotationRequestId: String!, $sceneId: String!) {
        task: taskByScene(campaignId: $campaignId, annotationRequestId: $annotationRequestId, sceneId: $sceneId) { ${TASK} instanceInfo } }`),
      postgraphile: graphql(`query ($annotationRequestId: String!, $sceneId: String!) {
        task: taskByAnnotationRequestIdAndSceneId(annotationRequestId: $annotationRequestId, sceneId: $sceneId) { ${TASK_OF_TABLE} instanceInfo } }`),
      floor: floor('task-by-scene'),
    },
    {
      name: '100 tasks with their pool',
      draw: oneCampaign,
      gateway: graphql(`query ($campaign: String!) {
        tasks(filter: { campaign: { campaignId: { eq: $campaign } } }, first: 100) { nodes { ${TASK} ${POOL} } } }`),
      postgraphile: graphql(`query ($campaign: String!) {
        tasks: allTasks(condition: { campaignId: $campaign }, orderBy: ROW_ID_ASC, first: 100) { nodes { ${TASK_OF_TABLE} ${POOL_OF_TABLE} } } }`),
      floor: floor('flat'),
    },
    { name: '20 tasks × 5 records', draw: oneRequest, ...nested(''), floor: floor('nested') },
    {
      name: 'the same with counts',
      draw: oneRequest,
      ...nested('totalCount'),
      floor: floor('nested-counted'),
    },
    {
      name: 'page 500 of an ordered list',
      draw: (_, random) => ({ place: Math.floor(random() * positions.floor.length) }),
      ...deepPage(positions, place),
    },
    {
      name: 'campaign dashboard',
      draw: oneCampaign,
      gateway: graphql(`query ($campaign: String!) {
        campaign(campaignId: $campaign) { name annotationRequests(first: 10) { nodes { annotationRequestId name ${PROGRESS} ${DELIVERY} } } } }`),
      postgraphile: graphql(`query ($campaign: String!) {
        campaign: campaignByRowId(rowId: $campaign) { name annotationRequests: annotationRequestsByCampaignId(orderBy: ROW_ID_ASC, first: 10) {
          nodes { annotationRequestId: rowId name ${PROGRESS} ${DELIVERY} } } } }`),
      floor: floor('dashboard'),
    },
    {
      name: 'workload by operator and day',
      draw: oneCampaign,
      gateway: graphql(
        `query ($campaign: String!) { campaign(campaignId: $campaign) {
          workload(groupBy: [POOL_ASSIGNEE_ID, DAY], timeZone: "${WORKLOAD_ZONE}", first: 100) { nodes { poolAssigneeId time { label } ${WORK} } } } }`,
      ),
      postgraphile: graphql(
        `query ($campaign: String!) { campaign: campaignByRowId(rowId: $campaign) {
          workload(timeZone: "${WORKLOAD_ZONE}", first: 100) { nodes { poolAssigneeId day ${WORK} } } } }`,
        (answer) => {
          const data = dataOf(answer) as {
            campaign: { workload: { nodes: { poolAssigneeId: string; day: string }[] } };
          };
          const nodes = data.campaign.workload.nodes.map(
            ({ poolAssigneeId, day, ...measures }) => ({
              poolAssigneeId,
              time: { label: day },
              ...measures,
            }),
          );
          return { campaign: { workload: { nodes } } };
        },
      ),
      floor: floor('workload'),
    },
    rest(
      'POST /task/get',
      (variables) => ({ method: 'POST', path: '/task/get', body: JSON.stringify(variables) }),
      ({ scenes }, random) => ({ ...pick(scenes, random) }),
    ),
    ...[10, 100].map((limit) =>
      rest(
        `GET /statistics, ${limit} rows`,
        ({ request }) =>
          get('/statistics', { annotationRequestId: request as string, limit: String(limit) }),
        oneRequest,
      ),
    ),
    ...[10, 1000].map((pageSize) =>
      rest(
        `GET /statistics/record, ${pageSize} rows`,
        ({ ids }) =>
          get('/statistics/record', {
            annotationRequestId: (ids as string[]).join(','),
            pageSize: String(pageSize),
          }),
        // Three requests have a thousand records or more, as a rule.
        ({ requests }, random) => ({
          ids: Array.from({ length: pageSize > 100 ? 3 : 1 }, () => pick(requests, random)),
        }),
      ),
    ),
  ];
}

function deepPage(
  positions: Positions,
  place: (variables: Variables) => number,
): Pick<Shape, 'gateway' | 'postgraphile' | 'floor'> {
  const { pageSize, actionType } = LONG_LIST;
  const after = (form: Form, cursors: readonly unknown[]): Form => ({
    ...form,
    request: (variables) => form.request({ after: cursors[place(variables)] }),
  });
  return {
    gateway: after(
      graphql(`query ($after: String!) { records: annotationHistory(filter: { actionCode: { eq: ${actionType} } },
        orderBy: [{ field: CREATED_TIME, direction: DESC }, { field: RECORD_ID, direction: DESC }], first: ${pageSize}, after: $after) { nodes { ${RECORD} } } }`),
      positions.gateway,
    ),
    postgraphile: after(
      graphql(`query ($after: Cursor!) { records: allAnnotationHistories(condition: { actionType: ${actionType} },
        orderBy: [CREATED_TIME_DESC, ROW_ID_DESC], first: ${pageSize}, after: $after) { nodes { ${RECORD_OF_TABLE} } } }`),
      positions.postgraphile,
    ),
    floor: after(floor('deep-page'), positions.floor),
  };
}
