import fc from 'fast-check';
import {
  getNamedType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  type GraphQLField,
  type GraphQLNamedType,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Noun } from '../src/domain/nouns.ts';
import {
  TIME_UNITS,
  WORKLOAD_KEYS,
  WORKLOAD_MEASURES,
  type WorkloadKey,
} from '../src/domain/workload.ts';
import { constantCase } from '../src/schema/enums.ts';
import { schema } from '../src/schema/index.ts';
import { askingBothWays, VIEWERS } from './support/both-ways.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { hostileRows, readVocabulary } from './support/graphql-fuzz.ts';
import { filterArbitrary, orderArbitrary } from './support/list-arbitraries.ts';
import { buildRows, FIELDS, NOUNS } from './support/list-rows.ts';
import { randomOperation } from './support/random-operations.ts';
import type { Vocabulary } from './support/random-values.ts';
import { importText } from './support/rows.ts';

let gateway: TestGateway;
let both: ReturnType<typeof askingBothWays>;
let vocabulary: Vocabulary;
beforeAll(async () => {
  gateway = await createTestGateway();
  await importText(gateway.database, buildRows() + hostileRows);
  both = askingBothWays(gateway.database);
  vocabulary = await readVocabulary(gateway);
});
afterAll(() => gateway.close());

it('leaves PostgreSQL few tables to find an order for, however often one is asked for', async () => {
  const before = gateway.statements.length;
  const campaigns = Array.from({ length: 95 }, (_, n) => `a${n}: campaign { name }`).join(' ');
  await gateway.gql(`{ tasks(first: 1) { nodes { ${campaigns} } } }`);
  const [statement] = gateway.statements.slice(before);
  const fixed = statement!.match(/ OFFSET 0\) AS/g);
  expect(fixed).toHaveLength(95 - 4);
});

it('reads no row of which the row that belongs to it tells all that is asked', async () => {
  const before = gateway.statements.length;
  const query = `{ annotationHistory(first: 1) { nodes { pool { id poolId } task { taskId annotationRequest { id } }
    annotationRequest { annotationRequestId campaign { projectId } } } } }`;
  await gateway.gql(query);
  const [statement] = gateway.statements.slice(before);
  const tables = [...statement!.matchAll(/FROM (\w+)/g)].map(([, table]) => table);
  expect(tables.toSorted()).toEqual(['annotation_history', 'campaign']);
  await both.expectSame({ query });
});

/** What is left to the resolvers, of the types whose fields statements are built of. */
const LEFT_TO_RESOLVERS: Readonly<Record<string, readonly string[]>> = {
  Query: ['node', 'nodes', 'workingTime', 'watermark', 'changes'],
  Campaign: ['estimatedCompletion', 'reconciliation', 'operatorRanking', 'quality', 'flow'],
  AnnotationRequest: ['estimatedCompletion', 'reconciliation', 'quality', 'flow'],
  Pool: ['estimatedCompletion', 'quality', 'flow'],
  Workload: ['records', 'receivedRecords'],
  ...Object.fromEntries(NOUNS.map((noun) => [`${noun}Connection`, ['aggregate', 'groupBy']])),
};

const isLeft = ({ name: type }: GraphQLNamedType, field: string) =>
  LEFT_TO_RESOLVERS[type]?.includes(field) ?? false;

const ARGUMENTS: Readonly<Record<string, string>> = {
  campaign: '(campaignId: "c-a")',
  annotationRequest: '(annotationRequestId: "a")',
  pool: '(poolId: 1)',
  task: '(taskId: 1)',
  taskByScene:
    '(campaignId: "__proto__", annotationRequestId: "toString", sceneId: "\\r\\n\\u001b[31m")',
  taskPage: '(annotationRequestIds: ["a"], page: 1, pageSize: 2)',
  annotationHistoryPage: '(annotationRequestIds: ["a"], page: 1, pageSize: 2)',
};

/** Operations that ask for each field that can be reached, each by the shortest way there. */
function everyField(): { coordinate: string; query: string; isLeft: boolean }[] {
  const found: { coordinate: string; query: string; isLeft: boolean }[] = [];
  const seen = new Set<string>();
  let level: { type: GraphQLNamedType; wrap: (inner: string) => string }[] = [
    { type: schema.getQueryType()!, wrap: (inner) => inner },
  ];
  while (level.length > 0) {
    const next: typeof level = [];
    for (const { type, wrap } of level) {
      if (!isObjectType(type) || seen.has(type.name)) continue;
      seen.add(type.name);
      for (const field of Object.values(type.getFields())) {
        const inner = getNamedType(field.type);
        const asked = `${field.name}${type.name === 'Query' ? (ARGUMENTS[field.name] ?? '') : ''}`;
        const left = isLeft(type, field.name);
        const coordinate = `${type.name}.${field.name}`;
        if (left && field.args.some(({ type }) => String(type).endsWith('!'))) continue;
        const text = wrap(isLeafType(inner) ? asked : `${asked} { __typename }`);
        found.push({ coordinate, query: `{ ${text} }`, isLeft: left });
        if (!left && !isLeafType(inner)) {
          next.push({ type: inner, wrap: (below) => wrap(`${asked} { ${below} }`) });
        }
      }
    }
    level = next;
  }
  return found;
}

describe('each field', () => {
  const fields = everyField();

  it('of every type of row is looked at', () => {
    const types = new Set(fields.map(({ coordinate }) => coordinate.split('.')[0]));
    for (const noun of NOUNS) {
      expect([...types]).toEqual(
        expect.arrayContaining([noun, `${noun}Connection`, `${noun}Edge`, 'PageInfo', 'Progress']),
      );
    }
  });

  it.each(fields)('$coordinate', async ({ query, isLeft }) => {
    const answer = await both.byStatement({ query });
    if (isLeft) expect(answer).toMatchObject({ left: 'field' });
    else expect(answer).toHaveProperty('text');
    if (!isLeft) await both.expectSame({ query });
  });
});

/** Expects an answer by a statement of most runs of a property, and tells why there was none of the others. */
function mostly(share: number) {
  const counts: Record<string, number> = {};
  return {
    note: (left = 'compiled') => (counts[left] = (counts[left] ?? 0) + 1),
    expect() {
      const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
      expect(counts.compiled, JSON.stringify(counts)).toBeGreaterThan(share * all);
    },
  };
}

describe('the same as the resolvers say', () => {
  const mayAsk = (type: GraphQLNamedType, field: GraphQLField<unknown, unknown>) =>
    !isInterfaceType(type) && !isLeft(type, field.name);

  it('of any operation', async () => {
    const compiled = mostly(0.4);
    await fc.assert(
      fc.asyncProperty(fc.gen(), fc.constantFrom(...VIEWERS), async (g, viewer) => {
        const operation = randomOperation(schema, g, vocabulary, { mayAsk, inParts: false });
        compiled.note(await both.expectSame(operation, viewer));
      }),
      { numRuns: 200 },
    );
    compiled.expect();
  });

  it.each(['ASC', 'DESC'])(
    'of campaigns by their type, which is no text: %s',
    async (direction) => {
      const query = `query ($after: String) { campaigns(first: 1, after: $after,
      orderBy: [{ field: CAMPAIGN_TYPE, direction: ${direction} }]) { pageInfo { endCursor } nodes { campaignType name } } }`;
      const types: string[] = [];
      for (let after: string | null = null; types.length < 5;) {
        const operation = { query, variables: { after } };
        expect(await both.expectSame(operation)).toBeUndefined();
        const { text } = (await both.byStatement(operation)) as { text: string };
        const { campaigns } = JSON.parse(text) as {
          campaigns: { pageInfo: { endCursor: string | null }; nodes: { campaignType: string }[] };
        };
        types.push(campaigns.nodes[0]!.campaignType);
        after = campaigns.pageInfo.endCursor;
      }
      expect(new Set(types)).toEqual(new Set(['POC', 'FORMAL']));
      expect(types).toEqual(
        types.toSorted((a, b) => (a === b ? 0 : (a === 'POC') === (direction === 'ASC') ? -1 : 1)),
      );
    },
  );

  it('of any page of any list, from either end, and of the same one twice below another', async () => {
    const compiled = mostly(0.7);
    const nested: Readonly<Record<Noun, string>> = {
      Campaign: 'tasks',
      AnnotationRequest: 'annotationHistory',
      Pool: 'tasks',
      Task: 'annotationHistory',
      AnnotationHistory: 'task { annotationHistory',
    };
    const list = fc.constantFrom(...NOUNS).chain((noun) =>
      fc.record({
        noun: fc.constant(noun),
        filter: filterArbitrary(noun, 2),
        orderBy: orderArbitrary(noun),
        isBackward: fc.boolean(),
        size: fc.integer({ min: 0, max: 4 }),
        other: fc.integer({ min: 1, max: 3 }),
        viewer: fc.constantFrom(...VIEWERS),
      }),
    );
    await fc.assert(
      fc.asyncProperty(list, async ({ noun, filter, orderBy, isBackward, size, other, viewer }) => {
        const { list: name, key } = FIELDS[noun];
        const [count, from] = isBackward ? ['last', 'before'] : ['first', 'after'];
        const inner = nested[noun];
        const close = inner.includes('{') ? '}' : '';
        const query = `query ($filter: ${noun}Filter, $orderBy: [${noun}Order!], $size: Int, $at: String, $other: Int) {
            ${name}(filter: $filter, orderBy: $orderBy, ${count}: $size, ${from}: $at) {
              totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
              edges { cursor node { id ${key}
                one: ${inner}(${count}: $other) { pageInfo { hasNextPage } nodes { id } } ${close}
                two: ${inner}(first: 2) { totalCount nodes { id } } ${close} } } } }`;
        const ask = (at: string | null) => {
          const keys = orderBy.map((one) => ({ ...one, field: constantCase(one.field) }));
          const variables = { filter, orderBy: keys, size, at, other };
          return {
            query,
            variables: JSON.parse(JSON.stringify(variables)) as Record<string, unknown>,
          };
        };
        for (let at: string | null = null, pages = 0; pages < 3; pages++) {
          const left = await both.expectSame(ask(at), viewer);
          compiled.note(left);
          const answer = await both.byStatement(ask(at), viewer);
          if (!('text' in answer)) break;
          const page = (
            JSON.parse(answer.text) as Record<string, { pageInfo: Record<string, string | null> }>
          )[name]!;
          at = page.pageInfo[isBackward ? 'startCursor' : 'endCursor']!;
          if (at === null) break;
        }
      }),
      { numRuns: 100 },
    );
    compiled.expect();
  });

  it('of any page of the workload, however it is grouped', async () => {
    const compiled = mostly(0.5);
    let groups = 0;
    const keys = Object.keys(WORKLOAD_KEYS) as WorkloadKey[];
    const group = `${WORKLOAD_MEASURES.join(' ')} poolAssigneeId teamId creatorId action actionCode poolType poolTypeCode
      operationKey time { label start end __typename } campaign { campaignId } annotationRequest { id name campaign { name } }
      pool { poolId poolType: type tasks(first: 1) { totalCount } } __typename`;
    const question = fc
      .record({
        scope: fc.constantFrom(
          '',
          'campaign(campaignId: "c-a")',
          'annotationRequest(annotationRequestId: "a")',
          'campaigns { nodes',
          'pools(first: 3) { nodes',
        ),
        keys: fc.shuffledSubarray(keys, { maxLength: 3 }),
        unit: fc.constantFrom(...TIME_UNITS, undefined),
        timeZone: fc.constantFrom('UTC', 'Asia/Shanghai', 'Asia/Kathmandu', 'America/St_Johns'),
        filter: filterArbitrary('AnnotationHistory', 1),
        having: fc.constantFrom(undefined, { recordCount: { gt: 1 } }, { frames: { gte: '0' } }),
        measure: fc.constantFrom(undefined, 'RECORD_COUNT', 'LAST_RECORD_AT', 'INSTANCES'),
        isBackward: fc.boolean(),
        size: fc.integer({ min: 0, max: 3 }),
        isWritten: fc.boolean(),
        viewer: fc.constantFrom(...VIEWERS),
      })
      .map(({ keys, unit, ...rest }) => {
        const groupBy = [...keys, ...(unit ? [unit] : [])].map(constantCase);
        return { ...rest, groupBy };
      });
    await fc.assert(
      fc.asyncProperty(question, async (asked) => {
        const { scope, groupBy, timeZone, filter, having, measure, isBackward, size } = asked;
        const [count, from] = isBackward ? ['last', 'before'] : ['first', 'after'];
        const orderBy = measure ? [{ field: measure, direction: 'DESC' }] : [];
        // What is written in the document is read once, and what variables have each time.
        const written = asked.isWritten
          ? `groupBy: [${groupBy.join(' ')}], timeZone: "${timeZone}", ${count}: ${size}`
          : `groupBy: $groupBy, timeZone: $timeZone, ${count}: $size`;
        const declared = asked.isWritten
          ? ''
          : '$groupBy: [WorkloadKey!]!, $timeZone: String, $size: Int,';
        const close = scope.replace(/[^{]/g, '').replaceAll('{', '}');
        const open = scope === '' ? '{' : `{ ${scope} {`;
        const query = `query (${declared} $at: String, $filter: AnnotationHistoryFilter, $having: WorkloadHaving, $orderBy: [WorkloadOrder!]) ${open}
          workload(${written}, ${from}: $at, filter: $filter, having: $having, orderBy: $orderBy) {
            totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { ${group} } } nodes { taskCount }
          } ${close} ${scope === '' ? '}' : '} }'}`;
        for (let at: string | null = null, pages = 0; pages < 2; pages++) {
          const variables = { groupBy, timeZone, size, filter, having, orderBy, at };
          const operation = {
            query,
            variables: JSON.parse(JSON.stringify(variables)) as Record<string, unknown>,
          };
          compiled.note(await both.expectSame(operation, asked.viewer));
          const answer = await both.byStatement(operation, asked.viewer);
          if (!('text' in answer)) break;
          groups += answer.text.split('"recordCount"').length - 1;
          const cursor = isBackward ? 'startCursor' : 'endCursor';
          at = new RegExp(`"${cursor}":"([^"]+)"`).exec(answer.text)?.[1] ?? null;
          if (at === null) break;
        }
      }),
      { numRuns: 150 },
    );
    compiled.expect();
    expect(groups).toBeGreaterThan(100);
  });
});
