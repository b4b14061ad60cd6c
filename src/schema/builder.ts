import SchemaBuilder from '@pothos/core';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import { GatewayError } from '../domain/errors.ts';
import { isNoun, readId } from '../domain/nouns.ts';
import type PrismaTypes from '../database/generated/pothos.ts';
import { getDatamodel } from '../database/generated/pothos.ts';
import { costs } from '../cost/declare.ts';
import type { GatewayContext } from './context.ts';
import { ROWS_OF_PAGE } from './costs.ts';
import { MAX_NODES, resolveNodes } from './nodes.ts';

export interface SchemaTypes {
  Context: GatewayContext;
  PrismaTypes: PrismaTypes;
  DefaultFieldNullability: false;
  DefaultEdgesNullability: { list: false; items: false };
  DefaultNodeNullability: false;
  Scalars: {
    BigInt: { Input: bigint; Output: bigint };
    DateTime: { Input: Date; Output: Date };
    JSON: { Input: unknown; Output: unknown };
  };
}

function decodeGlobalId(globalId: string): { typename: string; id: string } {
  const text = Buffer.from(globalId, 'base64url').toString();
  const colon = text.indexOf(':');
  const typename = text.slice(0, colon);
  const id = text.slice(colon + 1);
  if (
    !isNoun(typename) ||
    readId(typename, id) === undefined ||
    // Base64 has several spellings of the same bytes; we issue one.
    encodeGlobalId(typename, id) !== globalId
  ) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `${JSON.stringify(globalId.slice(0, 100))} is not a global id: take one from a field "id".`,
    );
  }
  return { typename, id };
}

function encodeGlobalId(typename: string, id: string | number | bigint): string {
  return Buffer.from(`${typename}:${id}`).toString('base64url');
}

export const builder = new SchemaBuilder<SchemaTypes>({
  plugins: [RelayPlugin, PrismaPlugin],
  defaultFieldNullability: false,
  prisma: {
    client: (context) => context.prisma,
    dmmf: getDatamodel(),
    exposeDescriptions: true,
  },
  relay: {
    encodeGlobalID: encodeGlobalId,
    decodeGlobalID: decodeGlobalId,
    cursorType: 'String',
    nodesOnConnection: {
      description: 'The rows of this page, without their edges.',
      ...ROWS_OF_PAGE,
    },
    nodeTypeOptions: { description: 'Anything that has a global id.' },
    idFieldOptions: {
      description: 'The global id: opaque, unique over all types, taken by `node`.',
    },
    pageInfoFieldOptions: { description: 'Where this page stands in the list.' },
    pageInfoTypeOptions: { description: 'Where a page stands in its list.' },
    hasNextPageFieldOptions: { description: 'Whether rows follow this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether rows stand before this page.' },
    startCursorFieldOptions: {
      description: 'The cursor of the first row, to give as `before`; null on an empty page.',
    },
    endCursorFieldOptions: {
      description: 'The cursor of the last row, to give as `after`; null on an empty page.',
    },
    edgesFieldOptions: {
      nullable: { list: false, items: false },
      description: 'The rows of this page, each with its cursor.',
      ...ROWS_OF_PAGE,
    },
    nodeFieldOptions: {
      nullable: false,
      description: 'The row.',
      // It is counted with its edge.
      ...costs({ price: 0 }),
    },
    cursorFieldOptions: {
      description: 'Where the row stands in its list, to give as `after` or `before`.',
    },
    beforeArgOptions: { description: 'Only rows before this cursor.' },
    afterArgOptions: { description: 'Only rows after this cursor.' },
    firstArgOptions: {
      description:
        'How many rows, from the start: 20 unless told, at most 100 (records of the history, and groups of them: 1,000). Not together with `last`.',
    },
    lastArgOptions: {
      description:
        'How many rows, from the end: at most 100 (records of the history, and groups of them: 1,000). Not together with `first`.',
    },
    nodeQueryOptions: {
      description: 'Anything, by its global id; null if it does not exist.',
      args: { id: { description: 'A global id.' } },
    },
    nodesQueryOptions: {
      description:
        'Any number of things, by their global ids, in the order of the ids; null where one does not exist.',
      args: { ids: { description: `Global ids, at most ${MAX_NODES}.` } },
      ...costs({ page: { from: ['ids'], unless: 0, max: MAX_NODES }, items: 'own' }),
      resolve: (_root, { ids }, context, info) => resolveNodes(ids, context, info),
    },
  },
});

builder.queryType({ description: 'Everything there is to ask.' });
