import fc, { type GeneratorValue } from 'fast-check';
import { Kind, parse, print, validate, visit, type DocumentNode } from 'graphql';
import { describe, expect, it } from 'vitest';
import { costOf } from '../src/cost/cost.ts';
import { schema } from '../src/schema/index.ts';
import { randomOperation } from './support/random-operations.ts';

/** What an operation costs, in points. */
function pointsOf(
  document: DocumentNode,
  variableValues: Record<string, unknown> = {},
  operationName?: string,
): number {
  return costOf({ schema, document, operationName, variableValues })!.points;
}

function points(query: string, variables?: Record<string, unknown>): number {
  const document = parse(query);
  expect(validate(schema, document), query).toEqual([]);
  return pointsOf(document, variables);
}

/** Fields of a task under names of 84 characters, which with their values count as a hundred. */
const wide = (count: number) =>
  Array.from({ length: count }, (_, n) => `${'n'.repeat(82)}${10 + n}: statusCode`).join(' ');

describe('what an object has at no cost', () => {
  it.each([
    ['is a thousand characters', `{ tasks(first: 10) { nodes { ${wide(9)} } } }`, 11 + 10],
    ['is a point for each thousand', `{ tasks(first: 10) { nodes { ${wide(30)} } } }`, 11 + 10 * 4],
    [
      'is added up over fragments',
      `{ tasks(first: 10) { edges { node { ...A ...B ... on Task { ${wide(5)} } } } } }
       fragment A on Task { ${wide(8)} } fragment B on Task { pool { name } ${wide(7)} }`,
      11 + 10 * (1 + 1 + 2),
    ],
    [
      'counts more where it is JSON',
      `{ task(taskId: 1) { ${Array.from({ length: 10 }, (_, n) => `i${n}: instanceInfo`).join(' ')} } }`,
      11 + 3,
    ],
    [
      'counts what hangs on it',
      `{ annotationHistory(first: 10) { pageInfo { ${wide(1).replace('statusCode', 'endCursor')} } nodes { task { ${wide(20)} } ${wide(9)} } } }`,
      11 + 10 * (1 + 1 + 2),
    ],
  ])('%s', (_, query, expected) => {
    expect(points(query)).toBe(expected);
  });
});

describe('an operation costs', () => {
  it.each([
    ['nothing for what it is', '{ __typename }', 0],
    [
      '100 for the schema, however much of it',
      '{ __schema { types { name fields { name } } } }',
      100,
    ],
    ['a statement and a row', '{ campaign(campaignId: "c-1") { name projectId } }', 10 + 1],
    [
      '1 for each further row',
      '{ task(taskId: 1) { pool { name } campaign { name } } }',
      10 + 1 + 2,
    ],
    ['a point for each row of a page', '{ tasks(first: 100) { nodes { taskId } } }', 11 + 100],
    [
      'the same by the edges',
      '{ tasks(last: 100) { edges { cursor node { taskId } } } }',
      11 + 100,
    ],
    ['20 rows unless told', '{ tasks { nodes { taskId } pageInfo { hasNextPage } } }', 11 + 20],
    [
      'a page that is read, if not shown',
      '{ tasks(first: 50) { pageInfo { hasNextPage } } }',
      11 + 50,
    ],
    [
      'what is shown twice',
      '{ tasks(first: 100) { nodes { taskId } again: nodes { taskId } } }',
      11 + 2 * 100,
    ],
    ['nothing for no rows', '{ tasks(first: 0) { nodes { pool { name } } } }', 11],
    [
      'what each row of a page costs',
      '{ tasks(first: 5) { nodes { pool { name } } } }',
      11 + 5 * 2,
    ],
    [
      'pages in pages',
      '{ campaigns(first: 3) { nodes { tasks(first: 4) { nodes { annotationHistory(last: 5) { nodes { pool { name } } } } } } } }',
      11 + 3 * (1 + 1 + 4 * (1 + 1 + 5 * 2)),
    ],
    ['a count', '{ tasks(first: 0) { totalCount } }', 11 + 500],
    [
      'less for a count of less',
      '{ task(taskId: 1) { annotationHistory(first: 0) { totalCount } } }',
      11 + 1 + 1,
    ],
    ['sums', '{ tasks(first: 0) { aggregate { sum { instanceNum } } } }', 11 + 3 * 500],
    [
      'another order',
      '{ tasks(first: 0, orderBy: [{ field: INSTANCE_NUM }]) { totalCount } }',
      11 + 2 * 500,
    ],
    [
      'what can be asked of a thousand groups',
      '{ tasks(first: 0) { groupBy(keys: [STATUS, POOL]) { pool { name } aggregate { count } } } }',
      11 + 3 * 500 + 1000,
    ],
    ['a measure', '{ campaign(campaignId: "c-1") { progress { percent } } }', 11 + 50],
    [
      'less for the measure of less, for each',
      '{ annotationRequests(first: 10) { nodes { progress { percent } } } }',
      11 + 10 * (1 + 5),
    ],
    [
      'the parts of a measure',
      '{ campaign(campaignId: "c-1") { quality { review { passed } qc { passed } } flow { cycleTime { p50 } } } }',
      11 + 2 * 6 * 50 + 10 * 50,
    ],
    [
      'the rows behind a number',
      '{ campaign(campaignId: "c-1") { quality { rework { records(first: 7) { totalCount nodes { recordId } } } } } }',
      11 + 6 * 50 + 5 + 7 + 10,
    ],
    [
      'a report',
      '{ workload(groupBy: [POOL_ASSIGNEE_ID], first: 30) { nodes { instances records(first: 2) { nodes { recordId } } } } }',
      10 + 20 * 500 + 30 * (1 + 5 + 2),
    ],
    [
      'a page by its number',
      '{ taskPage(annotationRequestIds: ["a"], page: 9, pageSize: 30) { nodes { taskId } } }',
      10 + 30 + 5,
    ],
    [
      'what such a page skips, of each request',
      '{ annotationHistoryPage(annotationRequestIds: ["a", "b", "c"], page: 9, pageSize: 30) { totalCount nodes { recordId } } }',
      10 + 30 + 2 * 3 * 10,
    ],
    [
      'rows that are gone through to find one',
      '{ tasks(first: 1, filter: { instanceNum: { gte: 0, lt: 5 } }) { nodes { taskId } } }',
      11 + 1 + 500 + 2 * 50,
    ],
    [
      'the same to count them',
      '{ tasks(first: 0, filter: { statusCode: { eq: 0 } }) { totalCount } }',
      11 + 500 + 50 + 500 + 50,
    ],
    [
      'nothing for no condition',
      '{ tasks(first: 1, filter: { and: [{}] }) { nodes { taskId } } }',
      12,
    ],
    [
      'what it takes to search texts',
      '{ tasks(first: 0, filter: { sceneId: { contains: "a" } }) { nodes { taskId } } }',
      11 + 2 * 500,
    ],
    [
      'more to search longer ones',
      `{ tasks(first: 0, filter: { sceneId: { contains: "${'a'.repeat(1000)}" } }) { nodes { taskId } } }`,
      11 + 500 + 5 * 500,
    ],
    [
      'what conditions on other rows take',
      '{ tasks(first: 0, filter: { pool: { typeCode: { eq: 1 } } }) { nodes { taskId } } }',
      11 + 500 + 500 + 50,
    ],
    [
      'more where they decide nothing alone',
      '{ tasks(first: 0, filter: { or: [{ statusCode: { eq: 1 } }, { pool: { typeCode: { eq: 1 } } }] }) { nodes { taskId } } }',
      11 + 500 + 50 + 10 * (500 + 50),
    ],
    [
      'so much more for what these hang together with',
      '{ tasks(first: 0, filter: { not: { annotationHistory: { pool: { typeCode: { eq: 1 } } } } }) { nodes { taskId } } }',
      11 + 500 + 10 * (500 + 10 * (500 + 50)),
    ],
    [
      'less where ids say which',
      '{ tasks(first: 0, filter: { pool: { poolId: { in: [1, 2] } } }) { nodes { taskId } } }',
      11 + (2 / 10) * (500 + 500 + 50),
    ],
    [
      'less where requests are named',
      '{ tasks(first: 0, annotationRequestIds: ["a"], filter: { statusCode: { eq: 1 } }) { nodes { taskId } } }',
      11 + (1 / 10) * (500 + 50),
    ],
    [
      'as much where ids are one of several ways',
      '{ tasks(first: 0, filter: { or: [{ taskId: { eq: 1 } }, { statusCode: { eq: 1 } }] }) { nodes { taskId } } }',
      11 + 500 + 2 * 50,
    ],
    [
      'what conditions take in each of many lists',
      '{ campaigns(first: 10) { nodes { tasks(first: 1, filter: { statusCode: { eq: 1 } }) { nodes { taskId } } } } }',
      11 + 10 * (1 + 1 + 1 + 50 + 5),
    ],
    [
      'what the conditions of a report take',
      '{ workload(first: 0, filter: { statusCode: { eq: 1 } }) { totalCount } }',
      10 + 20 * 500 + 200 + 20 * 500 + 200,
    ],
    [
      'as many rows as there are ids',
      '{ nodes(ids: ["a", "b", "c"]) { id ... on Task { pool { name } } } }',
      10 + 3 * 2,
    ],
    [
      'the most that one of the types can',
      '{ node(id: "a") { ... on Task { pool { name } campaign { name } } ... on Pool { campaign { name } } ... on Node { id } } }',
      10 + 1 + 2,
    ],
    ['changes', '{ changes(first: 8) { entries { node { id } } } }', 10 + 8 * 2],
    [
      '10 for each entity',
      'mutation { ingest(entities: [{ pool: { id: 1, name: "a", poolType: 1, campaignId: "c" } }, { pool: { id: 2, name: "b", poolType: 1, campaignId: "c" } }]) { created } }',
      10 + 2 * 10,
    ],
    [
      'an event of a subscription',
      'subscription { taskChanged { task { pool { name } } } }',
      10 + 1 + 1,
    ],
  ])('%s: %s', (_name, query, expected) => {
    expect(points(query)).toBe(expected);
  });

  it.each<[string, Record<string, unknown>, number]>([
    ['what variables say', { n: 7 }, 7],
    ['their defaults', {}, 3],
    ['the default of the page, for null', { n: null }, 20],
    ['the largest page, for what is no size', { n: 'x' }, 100],
    ['the largest page, for less than nothing', { n: -1 }, 100],
    ['the largest page, for more', { n: 1e9 }, 100],
  ])('%s', (_name, variables, rows) => {
    const query = 'query ($n: Int = 3) { tasks(first: $n) { nodes { taskId } } }';
    expect(points(query, variables)).toBe(11 + rows);
  });

  it.each<[string, unknown, number]>([
    ['what its variables say', { or: [{ statusCode: { eq: 1 } }, { statusCode: { eq: 2 } }] }, 2],
    ['what one says that stands for a list', { or: { statusCode: { in: [1, 2] } } }, 1],
    ['their defaults', undefined, 1],
    ['nothing for null', null, 0],
    [
      'nothing for what is no filter',
      [['x'], 1, { toString: { eq: 1 }, or: 7, statusCode: 'x' }],
      0,
    ],
  ])('for a filter %s', (_name, filter, conditions) => {
    const expected = conditions === 0 ? 11 : 11 + 500 + 50 * conditions;
    const query = (text: string) =>
      `query ($f: TaskFilter = { statusCode: { gt: 1 } }) { tasks(first: 0, filter: ${text}) { nodes { taskId } } }`;
    const variables = filter === undefined ? {} : { f: filter };
    expect(points(query('$f'), variables)).toBe(expected);
    expect(points(query('{ and: [{ and: [$f] }] }'), variables)).toBe(expected);
  });

  it('a number for a filter, however deep or long', () => {
    const query = 'query ($f: TaskFilter) { tasks(first: 0, filter: $f) { nodes { taskId } } }';
    let deep: object = { pool: { typeCode: { eq: 1 } } };
    for (let level = 0; level < 50_000; level++) deep = { not: deep };
    expect(points(query, { f: deep })).toBe(11);
    const lookUp = (levels: number): object =>
      levels === 0 ? { statusCode: { eq: 1 } } : { not: { pool: { tasks: lookUp(levels - 1) } } };
    const long = { or: Array.from({ length: 20_000 }, () => lookUp(6)) };
    expect(points(query, { f: long })).toBeGreaterThan(1_000_000_000);
  });

  it('nothing for what @skip and @include leave out', () => {
    const query = `query ($yes: Boolean!, $no: Boolean = false) {
      a: tasks(first: 1) @include(if: $yes) { nodes { taskId } }
      b: tasks(first: 2) @skip(if: $yes) { nodes { taskId } }
      ... @include(if: $no) { c: tasks(first: 4) { nodes { taskId } } }
      d: tasks(first: 8) @skip(if: true) { nodes { taskId } }
      ...E @skip(if: $no)
    }
    fragment E on Query { e: tasks(first: 16) { nodes { taskId } } }`;
    expect(points(query, { yes: true })).toBe(2 * 11 + 1 + 16);
    expect(points(query, { yes: false, no: true })).toBe(2 * 11 + 2 + 4);
    // What is no boolean is counted with both.
    expect(points(query, { yes: 'x' })).toBe(3 * 11 + 1 + 2 + 16);
  });

  it('as much with @defer and @stream', () => {
    const plain = '{ tasks(first: 5) { nodes { ... { pool { name } } } } }';
    const inParts =
      '{ tasks(first: 5) { nodes @stream(initialCount: 1) { ... @defer { pool { name } } } } }';
    expect(points(inParts)).toBe(points(plain));
  });

  it('as much as the operation that is named', () => {
    const document = parse(
      'query A { __typename } query B { tasks(first: 1) { nodes { taskId } } }',
    );
    expect(pointsOf(document, {}, 'A')).toBe(0);
    expect(pointsOf(document, {}, 'B')).toBe(12);
    expect(costOf({ schema, document, operationName: 'C', variableValues: {} })).toBeUndefined();
  });

  it('a number, however large', () => {
    const levels = 100;
    const query = `{ campaigns { nodes { ${'tasks(first: 100) { nodes { campaign { '.repeat(levels)} name ${'} } }'.repeat(levels)} } } }`;
    expect(points(query)).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('most at the field that is named', () => {
    const dearest = (query: string) => {
      const { most, path } = costOf({ schema, document: parse(query), variableValues: {} })!;
      return [path, most];
    };
    expect(
      dearest(
        '{ a: campaigns { nodes { tasks { totalCount b: nodes { taskId } } progress { total } } } }',
      ),
    ).toEqual(['a.nodes.tasks.totalCount', 20 * 50]);
    expect(
      dearest(
        '{ workload(first: 5) { nodes { recordCount } } ...A } fragment A on Query { tasks { nodes { taskId } } }',
      ),
    ).toEqual(['workload', 10 + 20 * 500]);
  });
});

it('fragments within fragments are counted in no time', () => {
  const levels = 300;
  const fragments = Array.from(
    { length: levels },
    (_, n) => `fragment F${n} on Campaign { ...F${n + 1} ...F${n + 1} }`,
  );
  const query = `{ campaigns(first: 1) { nodes { ...F0 } } } ${fragments.join(' ')} fragment F${levels} on Campaign { progress { total } }`;
  // Written out, it would have 2^300 fields.
  expect(pointsOf(parse(query))).toBe(Number.MAX_SAFE_INTEGER);
});

describe('of operations of any kind', () => {
  const vocabulary = {
    texts: ['a'],
    bigints: ['1'],
    globalIds: ['VGFzazox'],
    cursors: ['x'],
  };
  const random = (g: GeneratorValue) => {
    const { query, operationName, variables } = randomOperation(schema, g, vocabulary);
    return { document: parse(query), operationName, variables };
  };
  const forAll = (check: (operation: ReturnType<typeof random>) => void) =>
    fc.assert(
      fc.property(fc.gen(), (g) => check(random(g))),
      { numRuns: 200 },
    );
  const of = ({ document, operationName, variables }: ReturnType<typeof random>) =>
    pointsOf(document, variables, operationName);

  it('fragments cost what they stand for', () =>
    forAll((operation) => {
      const writeOut = (document: DocumentNode): DocumentNode =>
        visit(document, {
          FragmentSpread: {
            leave({ name, directives }) {
              for (const definition of operation.document.definitions) {
                if (
                  definition.kind !== Kind.FRAGMENT_DEFINITION ||
                  definition.name.value !== name.value
                )
                  continue;
                const { typeCondition, selectionSet } = definition;
                return { kind: Kind.INLINE_FRAGMENT, typeCondition, selectionSet, directives };
              }
              return undefined;
            },
          },
        });
      let document = operation.document;
      while (/\.\.\.\s*(?!on\b)\w/.test(print(document))) document = writeOut(document);
      expect(of({ ...operation, document }), print(operation.document)).toBe(of(operation));
    }));

  it('what is asked twice costs twice as much', () =>
    forAll((operation) => {
      const document = visit(operation.document, {
        OperationDefinition: (definition) => {
          const { selections } = definition.selectionSet;
          const again = selections.map((one) =>
            one.kind === Kind.FIELD
              ? {
                  ...one,
                  alias: {
                    kind: Kind.NAME,
                    value: `again_${(one.alias ?? one.name).value}`,
                  } as const,
                }
              : one,
          );
          return {
            ...definition,
            selectionSet: { ...definition.selectionSet, selections: [...selections, ...again] },
          };
        },
      });
      expect(of({ ...operation, document })).toBe(2 * of(operation));
    }));

  it('larger pages cost no less', () =>
    forAll((operation) => {
      const document = visit(operation.document, {
        Argument: ({ name, value, ...argument }) => {
          if (
            !/^(first|last|pageSize)$/.test(name.value) ||
            value.kind !== Kind.INT ||
            Number(value.value) < 0
          )
            return undefined;
          return { ...argument, name, value: { ...value, value: String(Number(value.value) + 1) } };
        },
      });
      expect(of({ ...operation, document })).toBeGreaterThanOrEqual(of(operation));
    }));
});
