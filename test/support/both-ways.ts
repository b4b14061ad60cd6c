import { execute, parse, validate, type DocumentNode } from 'graphql';
import { expect } from 'vitest';
import { prepareQuery } from '../../src/compiled/answer.ts';
import { Left, type Reason } from '../../src/compiled/left.ts';
import type { Database } from '../../src/database/database.ts';
import { clientFor, textsFor } from '../../src/database/scoped.ts';
import { ANYBODY, type Viewer } from '../../src/domain/viewer.ts';
import { createLoaders } from '../../src/loaders/loaders.ts';
import { schema } from '../../src/schema/index.ts';

/** An operation with what belongs to it. */
interface Operation {
  readonly query: string;
  readonly operationName?: string;
  readonly variables?: Record<string, unknown>;
}

/** Viewers of whom each sees something else of the rows that tests have. */
export const VIEWERS: readonly Viewer[] = [
  ANYBODY,
  { ...ANYBODY, people: 'hidden' },
  { ...ANYBODY, campaigns: ['c-a', 'c-b%', 'nope'] },
  { ...ANYBODY, campaigns: ['c-A'], people: 'hidden' },
];

/** Asks a database by one statement, and by the resolvers under GraphQL's own executor. */
export function askingBothWays(database: Database) {
  const contextOf = (viewer: Viewer) => {
    const sight = { ...viewer, minGroup: 5 };
    const prisma = clientFor(database.prisma, sight);
    const loaders = createLoaders(prisma);
    const texts = textsFor(database.texts, sight);
    const rosettaDomain = 'rosetta.example.com';
    // What is read of roll-ups is the same as what the records say.
    return { viewer, prisma, loaders, texts, rosettaDomain, rollUpZone: 'UTC' };
  };
  /** Kept, as the gateway keeps them: what was made for one question must do for the next one. */
  const documents = new Map<string, DocumentNode>();
  const documentOf = ({ query }: Operation) => {
    let document = documents.get(query);
    if (!document) documents.set(query, (document = parse(query)));
    return document;
  };
  const argsOf = (document: DocumentNode, { operationName, variables = {} }: Operation) => ({
    schema,
    document,
    operationName,
    variableValues: variables,
  });

  /** @returns the text of the data, or why it is left to the resolvers. */
  const byStatement = async (
    document: DocumentNode,
    operation: Operation,
    viewer: Viewer,
  ): Promise<{ text: string } | { left: Reason; detail: string }> => {
    try {
      const text = await prepareQuery(argsOf(document, operation), contextOf(viewer))?.();
      return { text: text! };
    } catch (error) {
      if (error instanceof Left) return { left: error.reason, detail: error.message };
      throw error;
    }
  };

  return {
    byStatement: (operation: Operation, viewer: Viewer = ANYBODY) =>
      byStatement(documentOf(operation), operation, viewer),
    /** Expects the same answer, byte for byte but for white space. @returns why there was none by a statement. */
    async expectSame(operation: Operation, viewer: Viewer = ANYBODY): Promise<Reason | undefined> {
      const about = `${operation.query}\n${JSON.stringify(operation.variables)}\n${JSON.stringify(viewer)}`;
      const document = documentOf(operation);
      expect(validate(schema, document), about).toEqual([]);
      const answer = await byStatement(document, operation, viewer);
      if ('left' in answer) {
        // What cannot go wrong must not.
        expect(answer.left, `${about}\n${answer.detail}`).not.toBe('statement');
        return answer.left;
      }
      const { data, errors } = await execute({
        ...argsOf(document, operation),
        contextValue: contextOf(viewer),
      });
      expect(errors, about).toBeUndefined();
      expect(JSON.stringify(JSON.parse(answer.text)), about).toBe(JSON.stringify(data));
      return undefined;
    },
  };
}
