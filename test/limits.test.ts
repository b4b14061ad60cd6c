import fc from 'fast-check';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { createTestGateway, type GraphQLAnswer, type TestGateway } from './support/gateway.ts';
import { subscribe } from './support/subscriptions.ts';

let database: TestDatabase;
let gateway: TestGateway;
beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await createTestGateway({ database });
});
afterAll(async () => {
  await gateway.close();
  await database.close();
});

const JSON_TYPE = 'application/json';
const RESPONSE_TYPE = 'application/graphql-response+json';

async function post(query: string, accept = RESPONSE_TYPE, asked = gateway) {
  const { statusCode, payload } = await asked.inject({
    method: 'POST',
    url: '/graphql',
    headers: { 'content-type': JSON_TYPE, accept },
    payload: JSON.stringify({ query }),
  });
  return { statusCode, answer: JSON.parse(payload) as GraphQLAnswer<unknown> };
}

const times = (count: number, one: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => one(n)).join(' ');

/** Fields inside one another: as many as the number says. */
const nested = (depth: number) => {
  const [hops, rest] = [Math.floor((depth - 3) / 3), (depth - 3) % 3];
  const last = ['name', 'tasks { totalCount }', 'tasks { nodes { taskId } }'][rest]!;
  return `{ campaigns { nodes { ${'tasks { nodes { campaign { '.repeat(hops)}${last}${' } } }'.repeat(hops)} } } }`;
};

const root = (count: number, one: (n: number) => string) => `{ ${times(count, one)} }`;

/** A filter that takes 66 tokens beside its values. */
const conditions = (values: number) => {
  const lists = times(5, (n) => {
    const part = Math.floor((values + n) / 5);
    return `{ taskId: { in: [${times(part, () => '1')}] } }`;
  });
  return `{ tasks(filter: { or: [${lists}] }) { totalCount } }`;
};

/** Documents that fragments make longer than they look. */
const byFragments = (levels: number, twice: (name: string) => string, last: string) =>
  `{ campaigns { nodes { ...F0 } } } ${times(
    levels,
    (n) => `fragment F${n} on Campaign { ${twice(`F${n + 1}`)} }`,
  )} fragment F${levels} on Campaign { ${last} }`;

describe('an operation of the largest size is answered, and a larger one is refused', () => {
  it.each([
    [
      'tokens',
      conditions(4934),
      conditions(4935),
      'GRAPHQL_PARSE_FAILED',
      'The document has more than 5000 tokens: that is the limit here (GATEWAY_MAX_TOKENS).',
    ],
    [
      'characters',
      `{ __typename } #${'x'.repeat(100_000 - 16)}`,
      `{ __typename } #${'x'.repeat(100_000 - 15)}`,
      'GRAPHQL_PARSE_FAILED',
      'The document has more than 100000 characters: that is the limit here (GATEWAY_MAX_CHARACTERS).',
    ],
    [
      'depth',
      nested(20),
      nested(21),
      'GRAPHQL_VALIDATION_FAILED',
      'The operation has more than 20 fields inside one another, fragments written out: that is the limit here (GATEWAY_MAX_DEPTH).',
    ],
    [
      'root fields',
      `{ ...A ... { ...A } ${times(30, () => '__typename')} } fragment A on Query { ${times(10, () => '__typename')} }`,
      `{ ...A ... { ...A } ${times(31, () => '__typename')} } fragment A on Query { ${times(10, () => '__typename')} }`,
      'GRAPHQL_VALIDATION_FAILED',
      'The operation has more than 50 fields at its root, fragments written out: that is the limit here (GATEWAY_MAX_ROOT_FIELDS).',
    ],
    [
      'aliases',
      `{ campaigns { nodes { ${times(200, (n) => `a${n}: name`)} } } }`,
      `{ campaigns { nodes { ${times(201, (n) => `a${n}: name`)} } } }`,
      'GRAPHQL_VALIDATION_FAILED',
      'The operation has more than 200 aliases, fragments written out: that is the limit here (GATEWAY_MAX_ALIASES).',
    ],
    [
      'directives',
      `query { campaigns { nodes { ${times(200, () => 'name @include(if: true)')} } } }`,
      `query { campaigns { nodes { ${times(201, () => 'name @include(if: true)')} } } }`,
      'GRAPHQL_VALIDATION_FAILED',
      'The operation has more than 200 directives, fragments written out: that is the limit here (GATEWAY_MAX_DIRECTIVES).',
    ],
    [
      'fields',
      `{ campaigns { nodes { ...A ... @include(if: true) { ...A } ...A ...A name } } } fragment A on Campaign { ${times(124, () => 'name')} }`,
      `{ campaigns { nodes { ...A ... @include(if: true) { ...A } ...A ...A name name name } } } fragment A on Campaign { ${times(124, () => 'name')} }`,
      'GRAPHQL_VALIDATION_FAILED',
      'The operation has more than 500 fields, fragments written out: that is the limit here (GATEWAY_MAX_FIELDS).',
      { GATEWAY_MAX_FIELDS: '500' },
    ],
  ] as [string, string, string, string, string, Record<string, string>?][])(
    '%s',
    async (_name, largest, larger, code, message, environment = {}) => {
      const asked = await createTestGateway({ database, environment });
      const taken = await post(largest, RESPONSE_TYPE, asked);
      expect(taken.answer.errors, JSON.stringify(taken.answer)).toBeUndefined();
      // What is kept of the first answer is told the second time.
      for (let time = 0; time < 2; time++) {
        const { statusCode, answer } = await post(larger, RESPONSE_TYPE, asked);
        expect(statusCode).toBe(400);
        expect(answer).toEqual({ errors: [{ message, extensions: { code } }] });
      }
      // The older media type has 200 for whatever is in GraphQL's own form.
      expect((await post(larger, JSON_TYPE, asked)).statusCode).toBe(200);
      await asked.close();
    },
  );
});

describe('what is made to be expensive is refused', () => {
  const startsWith = (text: string) => expect.stringMatching(new RegExp(`^${text}`)) as string;

  it.each([
    ['5,000 aliases', root(5000, (n) => `a${n}: __typename`), 'The document has more than'],
    ['a query 3,000 deep', '{a'.repeat(3000) + '}'.repeat(3000), 'The document has more than 120'],
    ['an unfinished query', '{a'.repeat(2400), 'The document has more than 120 brackets'],
    ['lists in lists', `{a(b:${'['.repeat(2000)}`, 'The document has more than 120 brackets'],
    ['fragments in fragments', '{...'.repeat(900), 'The document has more than 120 brackets'],
    ['types of lists', `query($a:${'['.repeat(2000)}`, 'The document has more than 120 brackets'],
    [
      'directives on nothing',
      `{ __typename ${times(300, () => '@a')} }`,
      'The operation has more than 200 directives',
    ],
    [
      'directives of the operation',
      `query ($a: Int ${times(150, () => '@a')}) ${times(51, () => '@a')} { __typename }`,
      'The operation has more than 200 directives',
    ],
    [
      'fragments that double',
      byFragments(400, (name) => `...${name} ...${name}`, 'name'),
      'The operation has more than 5000 fields',
    ],
    [
      'aliases that double by fragments',
      byFragments(
        5,
        (name) =>
          `a: tasks { nodes { campaign { ...${name} } } } b: tasks { nodes { campaign { ...${name} } } }`,
        ['c: name', 'd: name', 'e: name', 'f: name', 'g: name'].join(' '),
      ),
      'The operation has more than 200 aliases',
    ],
    [
      'fields that double without aliases',
      byFragments(
        5,
        (name) =>
          `tasks { nodes { campaign { ...${name} } } } annotationRequests { nodes { campaign { ...${name} } } } pools { nodes { campaign { ...${name} } } }`,
        times(30, () => 'name'),
      ),
      'The operation has more than 5000 fields',
    ],
    [
      'the second of two operations',
      `query A { __typename } query B { ${times(51, () => '__typename')} }`,
      'The operation has more than 50 fields at its root',
    ],
  ])('%s', async (_name, query, message) => {
    const { statusCode, answer } = await post(query);
    expect(statusCode).toBe(400);
    expect(answer.errors![0]!.message).toEqual(startsWith(message));
    expect(answer.errors![0]!.extensions!.code).toMatch(/^GRAPHQL_(PARSE|VALIDATION)_FAILED$/);
  });

  it('over GET and in subscriptions too', async () => {
    const { url } = await gateway.listen();
    const query = `{ taskChanged { ${times(201, (n) => `a${n}: taskId`)} } }`;
    const message =
      'The operation has more than 200 aliases, fragments written out: that is the limit here (GATEWAY_MAX_ALIASES).';
    for (const transport of ['sse', 'websocket'] as const) {
      const subscription = subscribe(transport, url, query);
      const end = await subscription.ended;
      const told = JSON.stringify([end instanceof Error ? end.message : end, subscription.errors]);
      expect(told).toContain('200 aliases');
      await subscription.stop();
    }
    const { payload } = await gateway.inject({
      url: `/graphql?query=${encodeURIComponent(root(201, (n) => `a${n}: __typename`).replace('{', '{ campaigns { nodes {') + '}}')}`,
    });
    expect(payload).toContain(message);
  });

  it('whatever is spread in itself, by its own rule', async () => {
    const { answer } = await post(
      '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
    );
    expect(answer.errors![0]!.message).toMatch(/^Cannot spread fragment "A" within itself/);
  });

  it('several operations in a list', async () => {
    const { statusCode, payload } = await gateway.inject({
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': JSON_TYPE },
      payload: JSON.stringify([{ query: '{ __typename }' }]),
    });
    expect(statusCode).toBe(400);
    expect(JSON.parse(payload)).toEqual({
      errors: [{ message: 'Batching is not supported.', extensions: { code: 'BAD_USER_INPUT' } }],
    });
  });
});

it('what tools ask about the schema is answered', async () => {
  const query = getIntrospectionQuery({
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    schemaDescription: true,
    inputValueDeprecation: true,
    oneOf: true,
  });
  expect((await post(query)).answer.errors).toBeUndefined();
});

describe('fragments count as what they stand for', () => {
  interface Selection {
    /** The text with fragments, and with all of them written out. */
    text: string;
    whole: string;
  }
  const { selection } = fc.letrec<{ selection: Selection }>((tie) => ({
    selection: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constant({ text: 'name', whole: 'name' }),
      fc.constant({ text: 'a: name', whole: 'a: name' }),
      tie('selection').map(({ text, whole }) => ({
        text: `... on Campaign { ${text} }`,
        whole,
      })),
      tie('selection').map(({ text, whole }) => ({
        text: `tasks { nodes { b: campaign { ${text} } } }`,
        whole: `tasks { nodes { b: campaign { ${whole} } } }`,
      })),
      fc.array(tie('selection'), { minLength: 1, maxLength: 4 }).map((parts) => ({
        text: parts.map(({ text }) => text).join(' '),
        whole: parts.map(({ whole }) => whole).join(' '),
      })),
    ),
  }));

  /** Puts a selection into a fragment, and spreads that several times. */
  const documents = fc
    .array(fc.tuple(selection, fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 4 })
    .map((fragments) => {
      let text = 'name';
      let whole = 'name';
      let definitions = '';
      fragments.forEach(([part, count], n) => {
        definitions += ` fragment F${n} on Campaign { ${text} ${part.text} }`;
        whole = times(count, () => `${whole} ${part.whole}`);
        text = times(count, () => `...F${n}`);
      });
      const operation = (inside: string) => `{ campaigns { nodes { ${inside} } } }`;
      return { text: operation(text) + definitions, whole: operation(whole) };
    });

  it.each([
    ['GATEWAY_MAX_DEPTH', 8],
    ['GATEWAY_MAX_ALIASES', 6],
    ['GATEWAY_MAX_FIELDS', 40],
  ])('%s', async (variable, limit) => {
    const asked = await createTestGateway({ database, environment: { [variable]: `${limit}` } });
    const errorsOf = async (query: string) => {
      const { answer } = await post(query, RESPONSE_TYPE, asked);
      return answer.errors?.map(({ message }) => message);
    };
    await fc.assert(
      fc.asyncProperty(documents, async ({ text, whole }) => {
        expect(await errorsOf(text)).toEqual(await errorsOf(whole));
      }),
      { numRuns: 60 },
    );
    await asked.close();
  });
});
