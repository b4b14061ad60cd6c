import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestGateway } from '../support/gateway.ts';
import {
  createMillion,
  RECORDS,
  RECORDS_OF_CAMPAIGN,
  requestIds,
  TASKS,
  type Million,
} from '../support/million.ts';
import { measureRecords, type SentStatement } from '../support/plans.ts';

let million: Million;
let gateway: TestGateway;
let client: pg.Client;
let sent: SentStatement[];
let requests: string[];

beforeAll(async () => {
  million = await createMillion();
  ({ gateway, client, sent } = million);
  // Something for reconciliation to show.
  await client.query("UPDATE task SET frame_num = 2 WHERE campaign_id = 'c-42'");
  requests = await requestIds(client, 1001, 1050);
});
afterAll(() => million?.close());

const CAMPAIGN = '"c-42"';
const INSTANT = '"2026-06-01T00:00:00Z"';
const RECORDS_OF_REQUEST = TASKS * RECORDS;

const QUALITY = `firstPassYield { ratio reworkedTasks(first: 2) { nodes { taskId } } } review { passed } qc { passed }
  rework { instances records(first: 2) { nodes { recordId } } } rejections { total records(first: 2) { nodes { recordId } } }`;
const FLOW = `cycleTime { p50 } timeInPool { total { p50 } } moves { count records(first: 2) { nodes { recordId } } }
  throughput { tasks completions(first: 2) { nodes { recordId } } } workInProgress { tasks }`;

/**
 * The heaviest questions: what they ask, how many records of the million they are about, and how often they may read each,
 * its look-ups by others included.
 */
const QUESTIONS: [string, (requests: string[]) => string, number, number][] = [
  [
    'workload of a campaign by operator and day',
    () => `{ campaign(campaignId: ${CAMPAIGN}) { workload(groupBy: [POOL_ASSIGNEE_ID, DAY], first: 1000) {
      totalCount nodes { recordCount frames workingDays returnsReceived } } } }`,
    RECORDS_OF_CAMPAIGN,
    5,
  ],
  [
    'the records behind it',
    () => `{ campaign(campaignId: ${CAMPAIGN}) { workload(groupBy: [POOL_ASSIGNEE_ID], first: 5) {
      nodes { records(first: 5) { totalCount nodes { recordId } } receivedRecords { totalCount nodes { recordId } } } } } }`,
    RECORDS_OF_CAMPAIGN,
    7,
  ],
  [
    'workload of every request of some',
    (
      ids,
    ) => `{ annotationRequests(first: 50, filter: { annotationRequestId: { in: ${JSON.stringify(ids)} } }) { nodes {
      workload(groupBy: [ACTION]) { nodes { recordCount instances rejectionsReceived } } } } }`,
    50 * RECORDS_OF_REQUEST,
    3,
  ],
  [
    'workload of an operator in a week',
    () => `{ workload(groupBy: [DAY], timeZone: "Asia/Shanghai", filter: { poolAssigneeId: { eq: "421" },
      createdTime: { gte: "2025-02-01T00:00:00Z", lt: "2025-02-08T00:00:00Z" } }) { nodes { recordCount instances } } }`,
    7 * 1440,
    1,
  ],
  [
    'workload of everybody in a day',
    () => `{ workload(groupBy: [POOL_ASSIGNEE_ID], filter: { createdTime: { gte: "2025-02-01T00:00:00Z",
      lt: "2025-02-02T00:00:00Z" } }) { nodes { recordCount taskCount rejectionsReceived } } }`,
    1440,
    2,
  ],
  [
    'the ranking of a campaign',
    () =>
      `{ campaign(campaignId: ${CAMPAIGN}) { operatorRanking(by: INSTANCES) { nodes { rank } } } }`,
    RECORDS_OF_CAMPAIGN,
    3,
  ],
  [
    'working time of an operator',
    () =>
      '{ workingTime(filter: { poolAssigneeId: { eq: "421" } }) { totalCount nodes { durationSeconds } } }',
    RECORDS_OF_CAMPAIGN / 10,
    5,
  ],
  [
    "working time of a campaign's operators",
    () =>
      `{ workingTime(filter: { annotationRequest: { campaign: { campaignId: { eq: ${CAMPAIGN} } } } }) { nodes { durationSeconds } } }`,
    RECORDS_OF_CAMPAIGN,
    3,
  ],
  [
    'the reconciliation of a campaign',
    () => `{ campaign(campaignId: ${CAMPAIGN}) { reconciliation { kind count } } }`,
    RECORDS_OF_CAMPAIGN,
    2,
  ],
  [
    'its tasks and records',
    () => `{ campaign(campaignId: ${CAMPAIGN}) { reconciliation { kind
      tasks(first: 5) { totalCount nodes { sceneId } } records(first: 5) { totalCount nodes { recordId } } } } }`,
    RECORDS_OF_CAMPAIGN,
    3,
  ],
  [
    'the reconciliation of every request of some',
    (
      ids,
    ) => `{ annotationRequests(first: 50, filter: { annotationRequestId: { in: ${JSON.stringify(ids)} } }) { nodes {
      reconciliation { kind count } } } }`,
    50 * RECORDS_OF_REQUEST,
    2,
  ],
  [
    'progress and delivery of a campaign and a pool at an instant',
    () => `{ campaign(campaignId: ${CAMPAIGN}) { ...Past } pool(poolId: 421) { ...PastOfPool } }
      fragment Past on Campaign { progress(asOf: ${INSTANT}) { percent } delivery(asOf: ${INSTANT}) { all { frames } } }
      fragment PastOfPool on Pool { progress(asOf: ${INSTANT}) { percent } delivery(asOf: ${INSTANT}) { all { frames } } }`,
    RECORDS_OF_CAMPAIGN,
    1,
  ],
  [
    'progress of every request of some at an instant',
    (
      ids,
    ) => `{ annotationRequests(first: 50, filter: { annotationRequestId: { in: ${JSON.stringify(ids)} } }) { nodes {
      progress(asOf: ${INSTANT}) { percent } } } }`,
    // The last record of each task.
    50 * TASKS,
    1,
  ],
  [
    'the estimated completion of a campaign',
    () => `{ campaign(campaignId: ${CAMPAIGN}) { estimatedCompletion { expectedAt } } }`,
    RECORDS_OF_CAMPAIGN,
    1,
  ],
  [
    'the estimated completion of a pool',
    () => '{ pool(poolId: 421) { estimatedCompletion { expectedAt } } }',
    RECORDS_OF_CAMPAIGN,
    2,
  ],
  [
    'the quality of a campaign, with the rows behind it',
    () => `{ campaign(campaignId: ${CAMPAIGN}) { quality { ${QUALITY} } } }`,
    RECORDS_OF_CAMPAIGN,
    8,
  ],
  [
    'the quality of a pool',
    () => '{ pool(poolId: 421) { quality { review { passed } rework { submissions } } } }',
    RECORDS_OF_CAMPAIGN,
    4,
  ],
  [
    'the quality of every request of some, in a time range',
    (
      ids,
    ) => `{ annotationRequests(first: 50, filter: { annotationRequestId: { in: ${JSON.stringify(ids)} } }) { nodes {
      quality(timeRange: { from: ${INSTANT} }) { firstPassYield { ratio } review { passed } rework { instances } rejections { total } } } } }`,
    50 * RECORDS_OF_REQUEST,
    5,
  ],
  [
    'the flow of a campaign, with the rows behind it',
    () => `{ campaign(campaignId: ${CAMPAIGN}) { flow(timeZone: "Asia/Shanghai") { ${FLOW} } } }`,
    RECORDS_OF_CAMPAIGN,
    10,
  ],
  [
    'the flow of a pool',
    () => '{ pool(poolId: 421) { flow { timeInPool { visits } moves { count } } } }',
    RECORDS_OF_CAMPAIGN,
    4,
  ],
  [
    'the flow of every request of some',
    (
      ids,
    ) => `{ annotationRequests(first: 50, filter: { annotationRequestId: { in: ${JSON.stringify(ids)} } }) { nodes {
      flow { cycleTime { p50 } timeInPool { visits } moves { count } } } } }`,
    50 * RECORDS_OF_REQUEST,
    4,
  ],
];

describe.each(['force_custom_plan', 'force_generic_plan'] as const)('with %s', (mode) => {
  it.each(QUESTIONS)('%s reads what it is about', async (_name, query, records, times) => {
    sent.length = 0;
    await gateway.gql(query(requests));
    const work = await measureRecords(client, sent, mode);
    expect(work.wholeTables).not.toContain('annotation_history');
    expect(work.wholeTables).not.toContain('task');
    expect(work.records).toBeLessThanOrEqual(times * records);
  });
});
