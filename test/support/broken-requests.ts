import fc, { type GeneratorValue } from 'fast-check';
import type { RandomOperation } from './random-operations.ts';
import { HOSTILE_TEXTS, IMPOSSIBLE_TEXTS } from './random-values.ts';

/** Pieces of the language, and of what is none, to put where they do not belong. */
const TOKENS: readonly string[] = [
  ...['{', '}', '(', ')', '[', ']', '!', '$', '@', '...', ':', '=', '|', '&', '#', '"', '"""', ','],
  ...['$x', '$__proto__', '@skip', '@defer', '@stream(initialCount: -1)', '@oneOf', '@specifiedBy'],
  ...['query', 'mutation', 'subscription', 'fragment', 'on', 'null', 'true', '__schema', '__type'],
  ...[
    'fragment Loop on Task { ...Loop }',
    '...Loop',
    '...Missing',
    '... on String',
    '... on Nothing',
  ],
  ...['1e400', '-0', '00', '0x1', '.5', '99999999999999999999999', '9223372036854775808', '-1'],
  ...[
    '"\\ud800"',
    '"\\u{110000}"',
    '"\\x"',
    '"\\u0000"',
    '\0',
    '\ud800',
    '\ufeff',
    '\u2028',
    'é',
    '😀',
  ],
  ...[
    'then: __typename',
    '__proto__: __typename',
    'constructor',
    'toString',
    'task',
    'nodes',
    'id',
  ],
  ...['first: 2147483648', 'first: 1.5', 'filter: {and: []}', 'filter: "x"', 'orderBy: {field: X}'],
];

/** JSON, as its text, that is seldom what a variable wants. */
const MISFITS: readonly string[] = [
  ...['null', 'true', '[]', '{}', '""', '"x"', '0', '-0', '1.5', '1e999', '-1e999', '1e-999'],
  ...['9007199254740993', '9223372036854775808', '1e21', '"NaN"', '"Infinity"', '[[[[[]]]]]'],
  ...['{"__proto__":{"eq":"a"}}', '{"constructor":{"prototype":{"polluted":true}}}', '{"then":1}'],
  ...[
    '{"eq":{}}',
    '{"in":[null]}',
    '{"and":[{"or":[{"not":{}}]}]}',
    '[{"task":null}]',
    '"\\ud800"',
  ],
  ...['"2025-13-01T00:00:00Z"', '"+275760-09-13T00:00:00.001Z"', '"0000-01-01T00:00:00Z"'],
  ...[...HOSTILE_TEXTS, ...IMPOSSIBLE_TEXTS].map((text) => JSON.stringify(text)),
  '['.repeat(5000) + ']'.repeat(5000),
  JSON.stringify(Array.from({ length: 3000 }, (_, n) => String(n))),
];

/** Whole bodies that are no request. */
const BODIES: readonly string[] = [
  ...['', ' ', '{', '[]', 'null', '1', '"x"', '{}', '[{}]', '{"query":null}', '{"query":1}'],
  ...['{"query":{}}', '{"query":[]}', '{"query":""}', '{"query":" "}', '{"query":"#"}'],
  ...['{"query":"{__typename}","variables":[]}', '{"query":"{__typename}","variables":"{}"}'],
  ...['{"query":"{__typename}","variables":1}', '{"query":"{__typename}","operationName":{}}'],
  ...[
    '{"query":"{__typename}","operationName":"__proto__"}',
    '{"query":"{__typename}","__proto__":1}',
  ],
  ...['{"query":"{__typename}","extensions":[]}', '{"query":"{__typename}","extensions":"x"}'],
  '{"query":"{__typename}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"\\u0000"}}}',
  '{"query":"{__typename}","query":"{x}"}',
  '\ufeff{"query":"{__typename}"}',
  '{"query":"{__typename}"}x',
  `{"query":"{__typename}","variables":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`,
  `[${'{"query":"{__typename}"},'.repeat(50)}{"query":"{__typename}"}]`,
  JSON.stringify({ query: `{${'__typename '.repeat(20_000)}}` }),
  JSON.stringify({ query: `{campaigns{nodes{${'tasks{nodes{campaign{'.repeat(60)}name` }),
  JSON.stringify({ query: `{${'...{'.repeat(5000)}__typename${'}'.repeat(5001)}` }),
  JSON.stringify({ query: `query(${'$a: Int '.repeat(2000)}) {__typename}` }),
  JSON.stringify({ query: `{__typename ${'@skip(if: false)'.repeat(2000)}}` }),
  JSON.stringify({ query: `query Q {...F} ${'fragment F on Query {__typename}'.repeat(500)}` }),
  JSON.stringify({
    query: Array.from({ length: 300 }, (_, n) => `fragment F${n} on Query {...F${n + 1}}`).join(
      ' ',
    ),
  }),
];

/** Replaces some of the values in JSON text by others. */
function replaceLeaves(json: string, at: number, by: string): string {
  const leaves = [...json.matchAll(/"(?:[^"\\]|\\.)*"(?!\s*:)|true|false|null|-?\d+(?:\.\d+)?/g)];
  const leaf = leaves[at % Math.max(leaves.length, 1)];
  return leaf ? json.slice(0, leaf.index) + by + json.slice(leaf.index + leaf[0].length) : json;
}

/** The body of a request that somebody has spoilt, in one way or several. */
export function brokenBody(g: GeneratorValue, operation: RandomOperation): string {
  const pick = <T>(values: readonly T[]): T => values[g(fc.nat, { max: values.length - 1 })]!;
  const place = (length: number) => g(fc.nat, { max: length });
  let { query } = operation;
  let variables = JSON.stringify(operation.variables);
  let cut = 0;
  for (let times = g(fc.integer, { min: 1, max: 3 }); times > 0; times--) {
    switch (g(fc.nat, { max: 9 })) {
      case 0:
        return pick(BODIES);
      case 1:
      case 2: {
        const at = place(query.length);
        query = `${query.slice(0, at)} ${pick(TOKENS)} ${query.slice(at)}`;
        break;
      }
      case 3: {
        const at = place(query.length);
        query = query.slice(0, at) + query.slice(at + 1 + place(8));
        break;
      }
      case 4: {
        const words = [...query.matchAll(/\w+/g)];
        if (words.length === 0) break;
        const [{ index, 0: old }, { 0: word }] = [pick(words), pick(words)];
        query = query.slice(0, index) + word + query.slice(index + old.length);
        break;
      }
      case 5: {
        const at = place(query.length);
        const length = place(60);
        query = query.slice(0, at + length) + query.slice(at);
        break;
      }
      case 6:
        query = query.slice(0, place(query.length));
        break;
      case 7:
      case 8:
        variables = replaceLeaves(variables, place(20), pick(MISFITS));
        break;
      case 9:
        cut = place(30);
        break;
    }
  }
  const name = JSON.stringify(
    g(fc.nat, { max: 9 }) === 0 ? pick(HOSTILE_TEXTS) : operation.operationName,
  );
  const body = `{"query":${JSON.stringify(query)},"operationName":${name},"variables":${variables}}`;
  return cut > 0 ? body.slice(0, -cut) : body;
}
