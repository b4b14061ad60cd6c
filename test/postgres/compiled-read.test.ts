import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { CAMPAIGNS, createMillion, requestIds, type Million } from '../support/million.ts';
import { measureWork, type SentStatement } from '../support/plans.ts';

let million: Million;
let resolvers: TestGateway;
let client: pg.Client;
let sent: SentStatement[];
let requests: string[];
let cursor: string;

beforeAll(async () => {
  million = await createMillion();
  ({ client, sent } = million);
  resolvers = await createTestGateway({
    database: million.gateway.database,
    environment: { GATEWAY_COMPILED: 'off' },
  });
  requests = await requestIds(client, 1001, 1003);
  const { annotationHistory } = await million.gateway.gql<{
    annotationHistory: { pageInfo: { endCursor: string } };
  }>(`{ annotationHistory(${SUBMITTED}, first: 1000) { pageInfo { endCursor } } }`);
  cursor = annotationHistory.pageInfo.endCursor;
}, 120_000);
afterAll(async () => {
  await resolvers?.close();
  await million?.close();
});

const SUBMITTED = `filter: { actionCode: { eq: 7 } }, orderBy: [{ field: CREATED_TIME, direction: DESC }, { field: RECORD_ID, direction: DESC }]`;
const TASK = 'taskId sceneId statusCode viewUrl';
const POOL = 'pool { poolId name typeCode }';
const nested = (count: string, size: string) =>
  `tasks(annotationRequestIds: $ids, first: ${size}) { ${count} nodes { ${TASK} campaign { name } ${POOL}
    annotationHistory(first: 5) { ${count} nodes { recordId ${POOL} } } } }`;

/** What is asked, with which variables. */
const QUESTIONS: [string, string, () => Record<string, unknown>][] = [
  [
    'a task by its scene',
    'query ($id: String!) { taskByScene(campaignId: "c-1", annotationRequestId: $id, sceneId: "scene 7") { sceneId } }',
    () => ({ id: requests[0] }),
  ],
  [
    'a flat list',
    `query ($id: String!) { tasks(filter: { campaign: { campaignId: { eq: $id } } }, first: 100) { nodes { ${TASK} ${POOL} } } }`,
    () => ({ id: 'c-42' }),
  ],
  [
    'lists in a list',
    `query ($ids: [String!]) { ${nested('', '20')} }`,
    () => ({ ids: [requests[0]] }),
  ],
  [
    'lists in a list, counted, of several requests',
    `query ($ids: [String!]) { ${nested('totalCount', '20')} }`,
    () => ({ ids: requests }),
  ],
  [
    'as many as a variable says',
    `query ($ids: [String!], $first: Int) { ${nested('', '$first')} }`,
    () => ({ ids: [requests[1]], first: 20 }),
  ],
  [
    'a far page',
    `query ($after: String) { annotationHistory(${SUBMITTED}, first: 20, after: $after) {
      pageInfo { hasNextPage endCursor } nodes { recordId task { sceneId } ${POOL} } } }`,
    () => ({ after: cursor }),
  ],
  [
    'the same from its end, as many as a variable says',
    `query ($before: String, $last: Int) { annotationHistory(${SUBMITTED}, last: $last, before: $before) {
      pageInfo { hasPreviousPage startCursor } edges { cursor node { recordId task { sceneId } ${POOL} } } } }`,
    () => ({ before: cursor, last: 20 }),
  ],
  [
    'progress and delivery of requests',
    `query ($id: String!) { campaign(campaignId: $id) { annotationRequests(first: 10) { nodes {
      progress { percent byStatus { count } } delivery { completed { instances byOperationKey { key } } } } } } }`,
    () => ({ id: 'c-42' }),
  ],
  [
    'a numbered page',
    `query ($ids: [String!]!) { annotationHistoryPage(annotationRequestIds: $ids, page: 3, pageSize: 100) {
      totalCount nodes { recordId task { taskId } ${POOL} } } }`,
    () => ({ ids: requests }),
  ],
];

type Mode = 'force_custom_plan' | 'force_generic_plan';

/** Asks a gateway, and runs what it sent once more to see how many rows of each table that reads. */
async function rowsRead(gateway: TestGateway, query: string, variables: object, mode: Mode) {
  sent.length = 0;
  await gateway.gql(query, variables);
  const statements = [...sent];
  const rows: Record<string, number> = {};
  const wholeTables: string[] = [];
  for (const statement of statements) {
    const work = await measureWork(client, statement, mode);
    wholeTables.push(...work.wholeTables);
    for (const [table, read] of Object.entries(work.rows)) rows[table] = (rows[table] ?? 0) + read;
  }
  return { statements: statements.length, rows, wholeTables };
}

describe.each<Mode>(['force_custom_plan', 'force_generic_plan'])('with %s', (mode) => {
  it.each(QUESTIONS)(
    '%s reads no more rows than the resolvers do',
    async (_name, query, variables) => {
      const compiled = await rowsRead(million.gateway, query, variables(), mode);
      const resolved = await rowsRead(resolvers, query, variables(), mode);
      expect(compiled.statements).toBe(1);
      for (const table of ['annotation_request', 'task', 'annotation_history']) {
        expect(compiled.wholeTables).not.toContain(table);
        expect(compiled.rows[table] ?? 0, table).toBeLessThanOrEqual(resolved.rows[table] ?? 0);
      }
      // The rows that others belong to, each looked up for each at most, or all of the campaigns at once.
      const { campaign = 0, pool = 0, ...others } = compiled.rows;
      const all = Object.values(others).reduce((sum, read) => sum + read, 0);
      expect(pool).toBeLessThanOrEqual(all);
      expect(campaign).toBeLessThanOrEqual(Math.max(all, 2 * CAMPAIGNS));
    },
  );
});
