import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createMillion, RECORDS_OF_CAMPAIGN, type Million } from '../support/million.ts';
import { measureRecords, type SentStatement } from '../support/plans.ts';

let million: Million;
let gateway: TestGateway;
let client: pg.Client;
let sent: SentStatement[];

beforeAll(async () => {
  million = await createMillion();
  ({ client, sent } = million);
  gateway = await createTestGateway({
    database: million.gateway.database,
    anybody: { name: 'test', role: 'reader', campaigns: ['c-42'], people: 'shown' },
  });
});
afterAll(async () => {
  await gateway?.close();
  await million?.close();
});

/** What asks about everything, and how often it may read each record of the one campaign that there is. */
const QUESTIONS: [string, number][] = [
  ['{ campaigns { totalCount nodes { name tasks(first: 3) { totalCount } } } }', 0],
  ['{ tasks(first: 5) { totalCount aggregate { count } nodes { taskId } } }', 0],
  ['{ annotationHistory(first: 5) { totalCount nodes { recordId } } }', 2.1],
  [
    '{ annotationHistory(last: 5) { aggregate { count sum { instanceNum } } nodes { recordId } } }',
    2.1,
  ],
  [
    '{ workload(groupBy: [POOL_ASSIGNEE_ID, DAY], first: 5) { totalCount nodes { instances returnsReceived } } }',
    5,
  ],
  ['{ workingTime(first: 5) { totalCount nodes { durationSeconds } } }', 4],
  [
    '{ task(taskId: "41001") { taskId } annotationRequests(first: 5) { totalCount } pools { totalCount } }',
    0,
  ],
];

describe.each(['force_custom_plan', 'force_generic_plan'] as const)('with %s', (mode) => {
  it.each(QUESTIONS)('a viewer of one campaign reads no other: %s', async (query, times) => {
    sent.length = 0;
    await gateway.gql(query);
    const work = await measureRecords(client, sent, mode);
    expect(work.wholeTables).not.toContain('annotation_history');
    expect(work.wholeTables).not.toContain('task');
    expect(work.records).toBeLessThanOrEqual(times * RECORDS_OF_CAMPAIGN);
  });
});
