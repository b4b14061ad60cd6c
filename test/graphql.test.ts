import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpuMs } from './support/cpu.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { importText } from './support/rows.ts';

// The import format's example in the contract, and rows beside it: unknown codes, nulls, other campaigns.
const CONTRACT_EXAMPLE = `
{"type":"campaign","id":"c-1","projectId":1234,"name":"Helix 3D","campaignType":"POC"}
{"type":"annotationRequest","id":"ar-1","name":"AR 1","campaignId":"c-1"}
{"type":"pool","id":3001,"name":"ar annotation pool name","poolType":1,"campaignId":"c-1"}
{"type":"task","id":466917967054114816,"annotationRequestId":"ar-1","sceneId":"550e8400-e29b-41d4-a716-446655440000","status":2,"poolId":3001,"instanceInfo":{"select-[e000f]":44,"0e767bcb-7480-4e85-bbe8-439fe7871104":11},"instanceNum":55,"attributeNum":5,"frameNum":1}
{"type":"annotationHistory","id":1,"taskId":466917967054114816,"status":2,"poolId":3001,"teamId":4001,"poolAssigneeId":5001,"creatorId":6001,"createdTime":"2025-04-01T10:00:00Z","actionType":5,"instanceInfo":{},"instanceNum":0,"instanceSum":55,"attributesNum":0,"attributesSum":5,"frameCount":1}
`;
const BESIDE_IT = `
{"type":"campaign","id":"c-2","projectId":9223372036854775807,"name":"Other","campaignType":"FORMAL","workflowType":"w","folderName":"f","taxonomyVersionName":"t"}
{"type":"annotationRequest","id":"ar-2","name":"AR 2","campaignId":"c-2","createdAt":"2025-04-01T10:00:00.5+08:00"}
{"type":"annotationRequest","id":"ar-empty","name":"empty","campaignId":"c-1"}
{"type":"pool","id":9007199254740993,"name":"odd pool","poolType":7,"campaignId":"c-2"}
{"type":"task","id":9223372036854775807,"annotationRequestId":"ar-2","sceneId":"场景 \\"1\\"","status":99,"poolId":9007199254740993,"instanceInfo":{"__proto__":1,"constructor":2147483647},"instanceNum":2147483647,"attributeNum":0,"frameNum":0}
{"type":"annotationHistory","id":9007199254740993,"taskId":9223372036854775807,"status":7,"poolId":9007199254740993,"createdTime":"2025-04-01T10:00:00.123456Z","actionType":18,"instanceInfo":{},"instanceNum":0,"instanceSum":0,"attributesNum":0,"attributesSum":0,"frameCount":0}
`;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway({ environment: { ROSETTA_DOMAIN: 'rosetta.test:8443' } });
  await importText(gateway.database, CONTRACT_EXAMPLE);
  await importText(gateway.database, BESIDE_IT);
});
afterAll(() => gateway.close());

describe('rows', () => {
  it("come out as the contract's example went in", async () => {
    const data = await gateway.gql(`{
      campaign(campaignId: "c-1") {
        campaignId projectId name campaignType workflowType folderName taxonomyVersionName
        annotationRequests { nodes { annotationRequestId } }
        pools { nodes { poolId name type typeCode campaign { campaignId } } }
        tasks { totalCount nodes { taskId } }
      }
      annotationRequest(annotationRequestId: "ar-1") { annotationRequestId name campaign { campaignId } }
      task(taskId: "466917967054114816") {
        taskId sceneId status statusCode instanceInfo instanceNum attributeNum frameNum viewUrl
        campaign { campaignId } annotationRequest { annotationRequestId } pool { poolId }
        annotationHistory { nodes {
          recordId status statusCode action actionCode teamId poolAssigneeId creatorId createdTime
          instanceInfo instanceNum instanceSum attributesNum attributesSum frameCount
          task { taskId } pool { poolId } annotationRequest { annotationRequestId }
        } }
      }
    }`);
    expect(data).toEqual({
      campaign: {
        campaignId: 'c-1',
        projectId: '1234',
        name: 'Helix 3D',
        campaignType: 'POC',
        workflowType: null,
        folderName: null,
        taxonomyVersionName: null,
        annotationRequests: {
          nodes: [{ annotationRequestId: 'ar-1' }, { annotationRequestId: 'ar-empty' }],
        },
        pools: {
          nodes: [
            {
              poolId: '3001',
              name: 'ar annotation pool name',
              type: 'ANNOTATION',
              typeCode: 1,
              campaign: { campaignId: 'c-1' },
            },
          ],
        },
        tasks: { totalCount: 1, nodes: [{ taskId: '466917967054114816' }] },
      },
      annotationRequest: {
        annotationRequestId: 'ar-1',
        name: 'AR 1',
        campaign: { campaignId: 'c-1' },
      },
      task: {
        taskId: '466917967054114816',
        sceneId: '550e8400-e29b-41d4-a716-446655440000',
        status: 'AWAITING_ANNOTATION',
        statusCode: 2,
        instanceInfo: { 'select-[e000f]': 44, '0e767bcb-7480-4e85-bbe8-439fe7871104': 11 },
        instanceNum: 55,
        attributeNum: 5,
        frameNum: 1,
        viewUrl: 'https://rosetta.test:8443/rosetta-open/task/1234/466917967054114816/viewOnly',
        campaign: { campaignId: 'c-1' },
        annotationRequest: { annotationRequestId: 'ar-1' },
        pool: { poolId: '3001' },
        annotationHistory: {
          nodes: [
            {
              recordId: '1',
              status: 'AWAITING_ANNOTATION',
              statusCode: 2,
              action: 'DISTRIBUTE',
              actionCode: 5,
              teamId: '4001',
              poolAssigneeId: '5001',
              creatorId: '6001',
              createdTime: '2025-04-01T10:00:00.000Z',
              instanceInfo: {},
              instanceNum: 0,
              instanceSum: 55,
              attributesNum: 0,
              attributesSum: 5,
              frameCount: 1,
              task: { taskId: '466917967054114816' },
              pool: { poolId: '3001' },
              annotationRequest: { annotationRequestId: 'ar-1' },
            },
          ],
        },
      },
    });
  });

  it('keep every digit, unknown codes, nulls, instants and odd keys, at the root and nested', async () => {
    const row = `recordId status statusCode action actionCode teamId poolAssigneeId creatorId createdTime`;
    const data = await gateway.gql<{
      task: { annotationHistory: { nodes: object[] }; instanceInfo: object };
      annotationHistory: { nodes: object[] };
    }>(`{
      task(taskId: "9223372036854775807") {
        status statusCode sceneId instanceInfo
        pool { poolId type typeCode }
        campaign { projectId }
        annotationRequest { createdAt }
        annotationHistory { nodes { ${row} } }
      }
      annotationHistory(annotationRequestIds: ["ar-2"]) { nodes { ${row} task { instanceInfo taskId } } }
    }`);
    const record = {
      recordId: '9007199254740993',
      status: null,
      statusCode: 7,
      action: null,
      actionCode: 18,
      teamId: null,
      poolAssigneeId: null,
      creatorId: null,
      createdTime: '2025-04-01T10:00:00.123Z',
    };
    const instanceInfo = JSON.parse('{"__proto__":1,"constructor":2147483647}') as object;
    expect(data).toEqual({
      task: {
        status: null,
        statusCode: 99,
        sceneId: '场景 "1"',
        instanceInfo,
        pool: { poolId: '9007199254740993', type: null, typeCode: 7 },
        campaign: { projectId: '9223372036854775807' },
        annotationRequest: { createdAt: '2025-04-01T02:00:00.500Z' },
        annotationHistory: { nodes: [record] },
      },
      annotationHistory: {
        nodes: [{ ...record, task: { instanceInfo, taskId: '9223372036854775807' } }],
      },
    });
    expect(Object.keys(data.task.instanceInfo)).toContain('__proto__');
  });
});

describe('look-ups', () => {
  it('find by the ids of Helix and Rosetta, and give null for unknown or impossible ones', async () => {
    const long = 'x'.repeat(256);
    const data = await gateway.gql(
      `query($nul: String!, $lone: String!, $long: String!) {
        a: campaign(campaignId: "nope") { id } b: campaign(campaignId: $nul) { id }
        c: campaign(campaignId: "") { id } d: campaign(campaignId: $long) { id }
        e: annotationRequest(annotationRequestId: $lone) { id }
        f: annotationRequest(annotationRequestId: "AR-1") { id }
        g: pool(poolId: 1) { id } h: pool(poolId: -1) { id }
        i: task(taskId: "-9223372036854775808") { id } j: task(taskId: 466917967054114817) { id }
        k: task(taskId: 466917967054114816) { taskId } l: pool(poolId: "3001") { poolId }
      }`,
      { nul: 'c-1\0', lone: 'ar-\ud800', long },
    );
    expect(data).toEqual({
      ...Object.fromEntries([...'abcdefghij'].map((alias) => [alias, null])),
      k: { taskId: '466917967054114816' },
      l: { poolId: '3001' },
    });
  });

  it.each([
    ['c-1', 'ar-1', '550e8400-e29b-41d4-a716-446655440000', undefined],
    ['nope', 'nope', 'nope', 'CAMPAIGN_NOT_FOUND'],
    ['c-1', 'nope', 'nope', 'ANNOTATION_REQUEST_NOT_FOUND'],
    ['c-1', 'ar-2', '场景 "1"', 'ANNOTATION_REQUEST_NOT_FOUND'],
    ['c-1', 'ar-1', 'nope', 'SCENE_NOT_FOUND'],
    ['c-1', 'ar-1', '550e8400-e29b-41d4-a716-44665544000\0', 'SCENE_NOT_FOUND'],
    ['', '', '', 'CAMPAIGN_NOT_FOUND'],
  ])('taskByScene of %j, %j, %j: %s', async (campaignId, annotationRequestId, sceneId, code) => {
    const query = `query($c: String!, $r: String!, $s: String!) {
      taskByScene(campaignId: $c, annotationRequestId: $r, sceneId: $s) { taskId }
    }`;
    const variables = { c: campaignId, r: annotationRequestId, s: sceneId };
    if (code === undefined) {
      expect(await gateway.gql(query, variables)).toEqual({
        taskByScene: { taskId: '466917967054114816' },
      });
    } else {
      const errors = await gateway.gqlErrors(query, variables);
      expect(errors.map((error) => error.extensions?.code)).toEqual([code]);
    }
  });
});

describe('global ids', () => {
  it('lead back to their rows, several types at once', async () => {
    const { campaigns, tasks } = await gateway.gql<{
      campaigns: { nodes: { id: string }[] };
      tasks: { nodes: { id: string }[] };
    }>('{ campaigns { nodes { id } } tasks { nodes { id } } }');
    const ids = [
      tasks.nodes[1]!.id,
      campaigns.nodes[0]!.id,
      tasks.nodes[0]!.id,
      tasks.nodes[1]!.id,
    ];
    const gone = Buffer.from('Task:1').toString('base64url');
    const { node, nodes } = await gateway.gql<{ node: object; nodes: object[] }>(
      `query($id: ID!, $ids: [ID!]!) {
        node(id: $id) { __typename id ... on Task { taskId pool { poolId } } }
        nodes(ids: $ids) { __typename ... on Task { taskId } ... on Campaign { campaignId } }
      }`,
      { id: ids[0], ids: [...ids, gone] },
    );
    expect(node).toEqual({
      __typename: 'Task',
      id: ids[0],
      taskId: '9223372036854775807',
      pool: { poolId: '9007199254740993' },
    });
    expect(nodes).toEqual([
      { __typename: 'Task', taskId: '9223372036854775807' },
      { __typename: 'Campaign', campaignId: 'c-1' },
      { __typename: 'Task', taskId: '466917967054114816' },
      { __typename: 'Task', taskId: '9223372036854775807' },
      null,
    ]);
  });

  it.each([
    '',
    'nonsense',
    '!!!',
    Buffer.from('Task:x').toString('base64url'),
    Buffer.from('Task:01').toString('base64url'),
    Buffer.from('Task:9223372036854775808').toString('base64url'),
    Buffer.from('Nothing:1').toString('base64url'),
    Buffer.from('__proto__:1').toString('base64url'),
    `${Buffer.from('Task:1').toString('base64url')}=`,
  ])('that we did not issue are refused: %j', async (id) => {
    for (const query of ['node(id: $id) { id }', 'nodes(ids: [$id]) { id }']) {
      const [error] = await gateway.gqlErrors(`query($id: ID!) { ${query} }`, { id });
      expect(error?.extensions?.code).toBe('BAD_USER_INPUT');
      expect(error?.message).toContain('is not a global id');
    }
  });

  it('are at most 100 in one call', async () => {
    const id = Buffer.from('Task:1').toString('base64url');
    const query = 'query($ids: [ID!]!) { nodes(ids: $ids) { id } }';
    expect((await gateway.gql(query, { ids: Array(100).fill(id) })).nodes).toHaveLength(100);
    const [error] = await gateway.gqlErrors(query, { ids: Array(101).fill(id) });
    expect(error?.extensions?.code).toBe('BAD_USER_INPUT');
  });
});

describe('BigInt', () => {
  const query = 'query($id: BigInt!) { task(taskId: $id) { taskId } }';

  it.each(['466917967054114816', '0', '-1', '9223372036854775807', 12, 9007199254740991])(
    'takes the variable %j',
    async (id) => {
      await gateway.gql(query, { id });
    },
  );

  it.each([
    9007199254740992,
    466917967054114816,
    1.5,
    true,
    null,
    '',
    ' 1',
    '1e3',
    '0x10',
    '1.0',
    '9223372036854775808',
    '-9223372036854775809',
    ['1'],
    {},
  ])('refuses the variable %j', async (id) => {
    const [error] = await gateway.gqlErrors(query, { id });
    expect(error?.extensions?.code).toBe('BAD_USER_INPUT');
  });

  it('refuses a very long number without working on it', async () => {
    const spent = await cpuMs(async () => {
      const [error] = await gateway.gqlErrors(query, { id: '9'.repeat(1_000_000) });
      expect(error?.extensions?.code).toBe('BAD_USER_INPUT');
    });
    expect(spent).toBeLessThan(2000);
  });

  it.each(['1.5', 'true', '"1.5"', '9223372036854775808', 'ENUM', '[1]', '{}'])(
    'refuses the literal %s',
    async (literal) => {
      const [error] = await gateway.gqlErrors(`{ task(taskId: ${literal}) { taskId } }`);
      expect(error?.extensions?.code).toBe('GRAPHQL_VALIDATION_FAILED');
    },
  );
});

describe('errors', () => {
  it.each([
    ['syntax', '{ tasks( }', undefined, 'GRAPHQL_PARSE_FAILED'],
    ['validation', '{ tasks { nope } }', undefined, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'a missing variable',
      'query($n: Int!) { tasks(first: $n) { totalCount } }',
      {},
      'BAD_USER_INPUT',
    ],
    [
      'a variable of the wrong type',
      'query($n: Int) { tasks(first: $n) { totalCount } }',
      { n: 'x' },
      'BAD_USER_INPUT',
    ],
    [
      'null for an argument with a default that must not be null',
      'query($n: String = "c-1") { campaign(campaignId: $n) { name } }',
      { n: null },
      'BAD_USER_INPUT',
    ],
  ])('tell the caller what is wrong: %s', async (_name, query, variables, code) => {
    const [error] = await gateway.gqlErrors(query, variables);
    expect(error?.extensions?.code).toBe(code);
    expect(error?.message).not.toContain('its log has the reason');
  });

  it('go under the fresh id of their request', async () => {
    const answers = await Promise.all(
      [1, 2].map(() => gateway.inject({ method: 'GET', url: '/graphql?query={__typename}' })),
    );
    const ids = answers.map((answer) => String(answer.headers['x-request-id']));
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(ids).size).toBe(2);
    for (const requestId of ids) {
      expect(gateway.logged).toContainEqual(
        expect.objectContaining({
          requestId,
          route: '/graphql',
          operation: '(query)',
          status: 200,
        }),
      );
    }
  });
});
