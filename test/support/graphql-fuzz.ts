import fc, { type GeneratorValue } from 'fast-check';
import { parse, validate } from 'graphql';
import { expect } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { expectAnswerFits, expectCallersErrors } from './answers.ts';
import { brokenBody } from './broken-requests.ts';
import { createTestGateway, type GraphQLAnswer, type TestGateway } from './gateway.ts';
import { buildRows } from './list-rows.ts';
import { mergeParts } from './parts.ts';
import { randomOperation, type RandomOperation } from './random-operations.ts';
import type { Vocabulary } from './random-values.ts';
import { importText } from './rows.ts';

/** A gateway to be asked anything. */
export interface FuzzedGateway extends TestGateway {
  /**
   * Random operations that are right by the schema get what they ask for, or are told what is wrong with their values; no
   * more rows than they cost points.
   */
  askAnything: (g: GeneratorValue) => Promise<void>;
  /** The same, where answers come in parts. */
  askForParts: (g: GeneratorValue) => Promise<void>;
  /** Requests that are spoilt get an answer that says so. */
  askNonsense: (g: GeneratorValue) => Promise<void>;
}

/** Operation keys that are something else to JavaScript. */
const HOSTILE_INFO =
  '{"then":1,"toJSON":2,"__proto__":3,"constructor":4,"toString":5,"\\u2028":6,"\\"":7}';

export const hostileRows = `
{"type":"campaign","id":"__proto__","projectId":7,"name":"constructor","campaignType":"POC"}
{"type":"annotationRequest","id":"toString","name":"then","campaignId":"__proto__"}
{"type":"pool","id":77,"name":"'; DROP TABLE task; --","poolType":1,"campaignId":"__proto__"}
{"type":"task","id":777,"annotationRequestId":"toString","sceneId":"\\r\\n\\u001b[31m","status":2,"poolId":77,"instanceInfo":${HOSTILE_INFO},"instanceNum":28,"attributeNum":0,"frameNum":0}
{"type":"annotationHistory","id":7777,"taskId":777,"status":2,"poolId":77,"createdTime":"2025-04-01T10:00:00Z","actionType":5,"instanceInfo":${HOSTILE_INFO},"instanceNum":28,"instanceSum":28,"attributesNum":0,"attributesSum":0,"frameCount":0}
`;

const VOCABULARY = `{
  campaigns(first: 5) { edges { cursor node { id text: campaignId name } } }
  annotationRequests(first: 5) { edges { cursor node { id text: annotationRequestId name } } }
  pools(first: 3) { edges { cursor node { id number: poolId name } } }
  tasks(first: 4) { edges { cursor node { id number: taskId name: sceneId } } }
  annotationHistory(first: 4) { edges { cursor node { id number: recordId } } }
  watermark
}`;

interface CostTold {
  extensions?: { cost: { requested: number } };
}

type Pages = Record<string, { edges: { cursor: string; node: Record<string, string> }[] }>;

export async function readVocabulary(gateway: TestGateway): Promise<Vocabulary> {
  const { watermark, ...pages } = await gateway.gql<Pages & { watermark: string }>(VOCABULARY);
  const edges = Object.values(pages).flatMap((page) => page.edges);
  const all = (name: string) => edges.flatMap(({ node }) => node[name] ?? []);
  return {
    texts: [...all('text'), ...all('name')],
    bigints: [...all('number'), '0', '1', '2'],
    globalIds: all('id'),
    cursors: [...edges.map(({ cursor }) => cursor), watermark],
  };
}

export async function createFuzzedGateway(): Promise<FuzzedGateway> {
  const gateway = await createTestGateway({ environment: { GATEWAY_INGEST: 'on' } });
  await importText(gateway.database, buildRows() + hostileRows);
  const vocabulary = await readVocabulary(gateway);
  const post = (payload: string, accept = 'application/json') =>
    gateway.inject({
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json', accept },
      payload,
    });

  const expectNoFault = (status: number, answer: GraphQLAnswer<unknown>, about: string) => {
    expect(status, about).toBeLessThan(500);
    expectCallersErrors(answer.errors, about);
    // Nor has a statement failed that the resolvers then did without.
    const isFault = ({ level, resolved = '' }: Record<string, unknown>) =>
      Number(level) >= 50 || (resolved as string).startsWith('statement');
    expect(gateway.logged.splice(0).filter(isFault), about).toEqual([]);
  };
  const textOf = ({ query, variables }: RandomOperation) =>
    `${query}\n${JSON.stringify(variables)}`;

  return {
    ...gateway,
    async askAnything(g) {
      const operation = randomOperation(schema, g, vocabulary);
      const about = textOf(operation);
      expect(validate(schema, parse(operation.query)), about).toEqual([]);
      const { statusCode, payload } = await post(JSON.stringify(operation));
      const answer = JSON.parse(payload) as GraphQLAnswer<unknown> & CostTold;
      expectNoFault(statusCode, answer, about);
      const { rows } = expectAnswerFits(schema, operation, answer.data);
      const { requested } = answer.extensions!.cost;
      expect(requested, about).toBeGreaterThanOrEqual(rows);
    },
    async askForParts(g) {
      const operation = randomOperation(schema, g, vocabulary);
      const about = textOf(operation);
      const accept = g(fc.boolean) ? 'multipart/mixed' : 'text/event-stream';
      const { statusCode, payload } = await post(JSON.stringify(operation), accept);
      const answer = mergeParts(payload);
      expectNoFault(statusCode, answer, about);
      // What failed in a late part is not there at all.
      if (!answer.errors) expectAnswerFits(schema, operation, answer.data);
    },
    async askNonsense(g) {
      const body = brokenBody(g, randomOperation(schema, g, vocabulary));
      const { statusCode, payload } = await post(body);
      const answer = JSON.parse(payload) as GraphQLAnswer<unknown>;
      expectNoFault(statusCode, answer, body.slice(0, 3000));
      expect(answer.data ?? answer.errors, body.slice(0, 3000)).toBeDefined();
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    },
  };
}
