import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFuzzedGateway, type FuzzedGateway } from './support/graphql-fuzz.ts';

let gateway: FuzzedGateway;
beforeAll(async () => {
  gateway = await createFuzzedGateway();
});
afterAll(() => gateway.close());

describe('whatever is asked', () => {
  it('an operation that is right by the schema gets what it asks for, or is told why not', () =>
    fc.assert(fc.asyncProperty(fc.gen(), gateway.askAnything), { numRuns: 100 }));

  it('an answer in parts comes to the same', () =>
    fc.assert(fc.asyncProperty(fc.gen(), gateway.askForParts), { numRuns: 50 }));

  it('nonsense is answered, and called so', () =>
    fc.assert(fc.asyncProperty(fc.gen(), gateway.askNonsense), { numRuns: 200 }));
});

describe('a name that the executor would misunderstand is refused', () => {
  it.each([
    ['then', '{ then: __typename }'],
    ['then', '{ campaigns { nodes { then: name } } }'],
    ['then', 'query { ...Part } fragment Part on Query { then: __typename }'],
    ['__proto__', 'query ($__proto__: TaskFilter) { tasks(filter: $__proto__) { totalCount } }'],
  ])('%s in %s', async (name, query) => {
    const [error] = await gateway.gqlErrors(query);
    expect(error!.extensions?.code).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(error!.message).toContain(`cannot be called "${name}"`);
  });
});
