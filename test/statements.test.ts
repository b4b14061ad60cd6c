import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCursor } from '../src/domain/lists/cursor.ts';
import { readOrder } from '../src/domain/lists/order.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { grid, importEntities } from './support/rows.ts';

let gateway: TestGateway;
beforeAll(async () => {
  // The statements of the resolvers: where they are not asked, there is one.
  gateway = await createTestGateway({ environment: { GATEWAY_COMPILED: 'off' } });
  await importEntities(
    gateway.database,
    grid({ requests: 60, tasksPerRequest: 55, recordsPerTask: 2, operators: 55 }),
  );
  // Something for reconciliation to show: rows that changed without a record.
  await gateway.database.prisma.task.updateMany({ data: { frameNum: 3 } });
  await gateway.database.prisma.campaign.createMany({
    data: Array.from({ length: 60 }, (_, index) => ({
      id: `x-${index}`,
      name: `x-${index}`,
      projectId: BigInt(index),
      campaignType: 'POC' as const,
    })),
  });
  await gateway.database.prisma.pool.createMany({
    data: Array.from({ length: 60 }, (_, index) => ({
      id: BigInt(index),
      name: 'p',
      poolType: 1,
      campaignId: 'c-1',
    })),
  });
  await gateway.database.prisma.annotationHistory.createMany({
    // Of every other request, so that some have nothing to show.
    data: Array.from({ length: 30 }, (_, index) => sentBackAndCompleted(2 * index)).flat(),
  });
});
afterAll(() => gateway.close());

/** What happened to the first task of a request: submitted, sent back twice and completed, from pool to pool. */
function sentBackAndCompleted(request: number) {
  const task = 466917967054114817n + BigInt(request);
  return [7, 17, 7, 10, 6].map((actionType, index) => ({
    id: BigInt(request * 10 + index),
    taskId: task,
    annotationRequestId: `ar-${String(request + 1).padStart(2, '0')}`,
    campaignId: 'c-1',
    poolId: index % 2 === 0 ? 3001n : BigInt(request),
    status: 3,
    actionType,
    createdTime: new Date(Date.UTC(2025, 3, 2 + index)),
    instanceInfo: {},
    instanceNum: 0,
    instanceSum: 0,
    attributesNum: 0,
    attributesSum: 0,
    frameCount: 1,
  }));
}

const REQUEST_IDS = JSON.stringify(
  Array.from({ length: 60 }, (_, i) => `ar-${String(i + 1).padStart(2, '0')}`),
);
const BY_ID = readOrder('Task', undefined);
const AFTER_TASK = encodeCursor('Task', BY_ID, { id: 466917967054114818n });
const BEFORE_RECORD = encodeCursor('AnnotationHistory', BY_ID, { id: 9000000000000000000n });

/** Operations by their shape: with `n` rows on the level that varies, and how many SQL statements they take, always. */
const SHAPES: [string, (n: number) => string, number][] = [
  ['a flat list', (n) => `{ tasks(first: ${n}) { nodes { id taskId status instanceInfo } } }`, 1],
  [
    'rows with their parents',
    (n) => `{ annotationHistory(first: ${n}) { nodes {
      recordId pool { name campaign { name } } annotationRequest { campaign { projectId } }
      task { taskId viewUrl pool { poolId } } } } }`,
    1,
  ],
  ['a count alone', () => '{ tasks { totalCount } }', 1],
  ['a list and its count', (n) => `{ tasks(first: ${n}) { totalCount nodes { taskId } } }`, 2],
  [
    'three levels of lists',
    (n) => `{ campaigns { nodes { annotationRequests(first: ${n}) { nodes {
      tasks(first: ${Math.min(n, 5)}) { edges { cursor node { annotationHistory(first: 2) { nodes {
        recordId pool { name } } } } } } } } } } }`,
    1,
  ],
  [
    'three levels of lists, each counted',
    (
      n,
    ) => `{ campaigns(first: ${n}) { totalCount nodes { annotationRequests(first: ${n}) { totalCount nodes {
      tasks(first: ${Math.min(n, 5)}) { totalCount nodes { annotationHistory { totalCount } } } } } } } }`,
    5,
  ],
  [
    'counts of every relation',
    (n) =>
      `{ campaigns(first: ${n}) { nodes { annotationRequests { totalCount } pools { totalCount } tasks { totalCount } } } }`,
    4,
  ],
  [
    'nested pages by cursor, forward and backward',
    (
      n,
    ) => `{ annotationRequests(first: ${n}) { nodes { tasks(first: 3, after: "${AFTER_TASK}") { nodes {
      annotationHistory(last: 1, before: "${BEFORE_RECORD}") { pageInfo { hasPreviousPage } nodes { recordId } } } } } } }`,
    1,
  ],
  [
    'the same list twice with other arguments',
    (n) => `{ annotationRequests(first: ${n}) { nodes {
      first: tasks(first: 1) { nodes { taskId } } last: tasks(last: 1) { nodes { taskId sceneId } } } } }`,
    2,
  ],
  [
    'pools of a campaign with their tasks',
    (n) =>
      `{ campaign(campaignId: "c-1") { pools(first: ${n}) { nodes { name tasks(first: 2) { nodes { sceneId } } } } } }`,
    1,
  ],
  [
    'rows of one request',
    (n) =>
      `{ tasks(annotationRequestIds: ["ar-01"], first: ${n}) { totalCount nodes { taskId pool { name } } } }`,
    2,
  ],
  [
    'rows of several requests',
    (n) =>
      `{ annotationHistory(annotationRequestIds: ${REQUEST_IDS}, first: ${n}) { totalCount nodes { recordId task { taskId } } } }`,
    3,
  ],
  [
    'filtered and ordered lists on every level, counted',
    (
      n,
    ) => `{ annotationRequests(first: ${n}, filter: { tasks: { statusCode: { eq: 2 } } }, orderBy: [{ field: NAME, direction: DESC }]) {
      totalCount nodes { tasks(first: ${Math.min(n, 5)}, filter: { instanceNum: { gte: 1 } }, orderBy: [{ field: SCENE_ID }]) {
        totalCount nodes { annotationHistory(first: 1, filter: { teamId: { isNull: true } }, orderBy: [{ field: CREATED_TIME, direction: DESC }]) {
          totalCount nodes { recordId } } } } } } }`,
    4,
  ],
  [
    'a filter through several nouns',
    (n) =>
      `{ tasks(first: ${n}, filter: { campaign: { name: { startsWith: "Gr" } }, pool: { type: { in: [ANNOTATION] } }, annotationHistory: { createdTime: { gte: "2025-01-01T00:00:00Z" } } }) { nodes { taskId } } }`,
    1,
  ],
  ['an aggregate alone', () => '{ tasks { aggregate { count sum { instanceNum } } } }', 1],
  [
    'a list with its aggregate and its groups, some of them with rows',
    (n) => `{ tasks(first: ${n}) { totalCount aggregate { count } nodes { taskId }
      groupBy(keys: [STATUS, POOL]) { statusCode pool { name campaign { name } } aggregate { count } } } }`,
    5,
  ],
  [
    'aggregates of every relation, filtered',
    (n) => `{ campaigns(first: ${n}) { nodes {
      annotationRequests { aggregate { max { createdAt } } } pools { groupBy(keys: [TYPE]) { typeCode } }
      tasks(filter: { pool: { name: { eq: "pool" } } }) { aggregate { sum { frameNum } } } } } }`,
    4,
  ],
  [
    'aggregates and groups with rows on three levels',
    (n) => `{ annotationRequests(first: ${n}) { aggregate { count } nodes {
      tasks(first: ${Math.min(n, 5)}) { aggregate { count } groupBy(keys: [POOL]) { pool { name } }
        nodes { annotationHistory { aggregate { count }
          groupBy(keys: [TASK, ACTION]) { actionCode task { taskId pool { name } } } } } } } } }`,
    8,
  ],
  [
    'aggregates and groups of some requests',
    (n) => `{ annotationHistory(annotationRequestIds: ${REQUEST_IDS}, first: ${n}) {
      aggregate { count } groupBy(keys: [ANNOTATION_REQUEST]) { annotationRequest { name } } } }`,
    3,
  ],
  [
    'the progress of every request',
    (n) =>
      `{ annotationRequests(first: ${n}) { nodes { progress { percent byStatus { count } byPoolType { count } } } } }`,
    2,
  ],
  [
    'the delivery of every request',
    (n) =>
      `{ annotationRequests(first: ${n}) { nodes { delivery { all { instances } completed { frames } } } } }`,
    2,
  ],
  [
    'the delivery of every pool, by operation key',
    (n) => `{ pools(first: ${n}) { nodes { delivery {
      all { byOperationKey { key instances } } completed { byOperationKey { key instances } } } } } }`,
    3,
  ],
  [
    'progress and delivery of campaigns and their requests',
    (n) => `{ campaigns(first: ${n}) { nodes {
      progress { percent } delivery { all { byOperationKey { key } } }
      annotationRequests(first: ${n}) { nodes { progress { percent } delivery { all { byOperationKey { key } } } } } } } }`,
    7,
  ],
  [
    'the workload, with its rows, their keys and the records behind them',
    (
      n,
    ) => `{ workload(first: ${n}, groupBy: [ANNOTATION_REQUEST, POOL, DAY]) { totalCount nodes { recordCount frames
      annotationRequest { name campaign { name } } pool { name }
      records(first: 2) { totalCount aggregate { sum { instanceNum } } nodes { recordId task { taskId } } } } } }`,
    7,
  ],
  [
    'the workload of every request, with the records behind it',
    (n) => `{ annotationRequests(first: ${n}) { nodes { workload(groupBy: [ACTION]) { totalCount
      nodes { actionCode taskCount records(first: 1) { nodes { recordId } } receivedRecords { totalCount } } } } } }`,
    6,
  ],
  [
    'the ranking of every campaign',
    (
      n,
    ) => `{ campaigns(first: ${n}) { nodes { operatorRanking(by: INSTANCES, first: ${n}) { totalCount
      nodes { rank workload { instances records(first: 1) { nodes { recordId } } } } } } } }`,
    5,
  ],
  [
    'working time, with the records behind it',
    (n) =>
      `{ workingTime(first: ${n}) { totalCount nodes { durationSeconds records(first: 1) { totalCount nodes { recordId } } } } }`,
    5,
  ],
  [
    'progress and delivery of every request and pool, now and at two instants',
    (
      n,
    ) => `{ annotationRequests(first: ${n}) { nodes { ...OfRequest } } pools(first: ${n}) { nodes { ...OfPool } } }
      fragment OfRequest on AnnotationRequest { progress { percent }
        a: progress(asOf: "2025-04-01T10:00:00Z") { percent } b: progress(asOf: "2025-04-01T10:00:01Z") { percent }
        c: delivery(asOf: "2025-04-01T10:00:01Z") { all { byOperationKey { key } } } }
      fragment OfPool on Pool { delivery { all { frames } } a: delivery(asOf: "2025-04-01T10:00:00Z") { all { frames } } }`,
    7,
  ],
  [
    'the estimated completion of every request and pool, seen from now and from an instant',
    (n) => `{ annotationRequests(first: ${n}) { nodes {
      estimatedCompletion { reason } a: estimatedCompletion(asOf: "2025-04-01T10:00:00Z") { reason } } }
      pools(first: ${n}) { nodes { estimatedCompletion(timeZone: "Asia/Shanghai") { reason } } } }`,
    5,
  ],
  [
    'the reconciliation of every request',
    (n) => `{ annotationRequests(first: ${n}) { nodes { reconciliation { kind count } } } }`,
    2,
  ],
  [
    'the reconciliation of campaigns and requests, with tasks and records',
    (n) => `{ campaigns(first: ${n}) { nodes { reconciliation { ...Rows }
      annotationRequests(first: ${n}) { nodes { reconciliation { ...Rows } } } } } }
      fragment Rows on Discrepancy { kind count
        tasks(first: 2) { totalCount nodes { sceneId pool { name } } } records(first: 2) { totalCount nodes { recordId } } }`,
    15,
  ],
  [
    'the quality of every request, with the rows behind it',
    (n) => `{ annotationRequests(first: ${n}) { nodes { quality {
      firstPassYield { ratio tasks { totalCount nodes { taskId } } reworkedTasks { totalCount } }
      review { passed rejectedRecords { totalCount nodes { recordId pool { name } } } } qc { rejectionRate }
      rework { submissions records { groupBy(keys: [POOL]) { pool { name } } } }
      rejections { total records(first: 1) { nodes { recordId } } } } } } }`,
    16,
  ],
  [
    'the quality of every campaign, without what nobody asks for',
    (n) => `{ campaigns(first: ${n}) { nodes { quality { review { passed } } } } }`,
    2,
  ],
  [
    'the quality of every pool, in a time range',
    (n) => `{ pools(first: ${n}) { nodes { quality(timeRange: { from: "2025-01-01T00:00:00Z" }) {
      firstPassYield { completed } review { passed } qc { passed } rework { instances } rejections { total } } } } }`,
    5,
  ],
  [
    'the flow of every request, with the rows behind it',
    (n) => `{ annotationRequests(first: ${n}) { nodes { flow {
      cycleTime { p50 } timeInPool { visits total { p90 } working { p90 } waiting { p90 } }
      moves { count from { name } to { poolId campaign { name } } records { totalCount nodes { recordId } } }
      throughput { tasks completions(first: 1) { nodes { recordId } } } workInProgress { tasks } } } } }`,
    13,
  ],
  [
    'the flow of every campaign, without what nobody asks for',
    (n) => `{ campaigns(first: ${n}) { nodes { flow { cycleTime { count } } } } }`,
    2,
  ],
  [
    'the flow of every pool, in a time range',
    (
      n,
    ) => `{ pools(first: ${n}) { nodes { flow(timeRange: { from: "2025-01-01T00:00:00Z" }, timeZone: "Europe/Berlin") {
      cycleTime { count } timeInPool { visits } moves { count } throughput { tasks } workInProgress { tasks } } } } }`,
    6,
  ],
  [
    'changes with their rows and what these belong to',
    (
      n,
    ) => `{ changes(first: ${n}, types: [TASK]) { watermark hasMore entries { type kind key node { id ...Row } } } }
      fragment Row on Node { ... on Campaign { name } ... on Task { sceneId pool { name } campaign { name } } }`,
    2,
  ],
  [
    'changes without their rows',
    (n) =>
      `{ changes(first: ${n}, types: [TASK], filter: { campaignIds: ["c-1"] }) { entries { key } } }`,
    1,
  ],
  [
    'a numbered page',
    (n) => `{ taskPage(annotationRequestIds: ${REQUEST_IDS}, page: 2, pageSize: ${n}) {
      totalCount unknownAnnotationRequestIds nodes { taskId campaign { campaignId } pool { name } } } }`,
    4,
  ],
];

describe('the number of SQL statements', () => {
  it.each(SHAPES)('does not depend on the rows: %s', async (_name, query, expected) => {
    for (const rows of [1, 50]) {
      gateway.statements.length = 0;
      await gateway.gql(query(rows));
      expect(gateway.statements.length, `${rows} rows:\n${gateway.statements.join('\n')}`).toBe(
        expected,
      );
    }
  });

  it('is one a type for nodes', async () => {
    const lists = await gateway.gql<Record<string, { nodes: { id: string }[] }>>(
      '{ a: tasks(first: 50) { nodes { id } } b: pools(first: 50) { nodes { id } } }',
    );
    const ids = Object.values(lists).flatMap((list) => list.nodes.map((node) => node.id));
    for (const some of [[ids[0], ids[50]], ids]) {
      gateway.statements.length = 0;
      await gateway.gql(
        'query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Task { pool { name } annotationHistory(first: 1) { nodes { recordId } } } } }',
        { ids: some },
      );
      expect(gateway.statements).toHaveLength(2);
    }
  });

  it('is one a type for the rows of changes', async () => {
    for (const first of [200, 1000]) {
      gateway.statements.length = 0;
      const { changes } = await gateway.gql<{ changes: { entries: { node: unknown }[] } }>(
        `{ changes(first: ${first}) { entries { type node { id ... on Task { pool { name } } ... on Pool { name } } } } }`,
      );
      const types = new Set(changes.entries.map((entry) => (entry as { type?: string }).type));
      expect(changes.entries).toHaveLength(first);
      expect(gateway.statements).toHaveLength(1 + types.size);
    }
  });

  it('is one for a scene that exists', async () => {
    gateway.statements.length = 0;
    await gateway.gql(
      '{ taskByScene(campaignId: "c-1", annotationRequestId: "ar-01", sceneId: "scene-1") { viewUrl statusCode } }',
    );
    expect(gateway.statements).toHaveLength(1);
  });
});

describe('a statement', () => {
  it('reads no more rows of a nested list than its page needs', async () => {
    // Every list of the operation is limited in SQL; a page that were cut in memory would have no such limit.
    gateway.statements.length = 0;
    await gateway.gql(
      `{ annotationRequests(first: 2) { nodes { tasks(first: 3, after: "${AFTER_TASK}") { nodes {
        annotationHistory(last: 4) { nodes { recordId } } } } } } }`,
    );
    const [sql] = gateway.statements;
    const lists = sql!.match(/FROM "public"\."(annotation_request|task|annotation_history)"/g)!;
    expect(lists).toHaveLength(3);
    expect(sql!.match(/LIMIT \$\d+/g)).toHaveLength(3);
  });
});
