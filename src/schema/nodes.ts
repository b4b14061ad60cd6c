import { brandWithType } from '@pothos/core';
import { queryFromInfo } from '@pothos/plugin-prisma';
import type { GraphQLResolveInfo } from 'graphql';
import type { PrismaClient } from '../database/generated/client/client.ts';
import { GatewayError } from '../domain/errors.ts';
import { readId, type Noun, type NounIds } from '../domain/nouns.ts';
import type { GatewayContext } from './context.ts';

/** How many global ids `nodes` takes. */
export const MAX_NODES = 100;

type FindMany = (query: { where: { id: { in: never[] } } }) => Promise<{ id: string | bigint }[]>;

const FIND_MANY: { readonly [N in Noun]: (prisma: PrismaClient) => FindMany } = {
  Campaign: (prisma) => (query) => prisma.campaign.findMany(query),
  AnnotationRequest: (prisma) => (query) => prisma.annotationRequest.findMany(query),
  Pool: (prisma) => (query) => prisma.pool.findMany(query),
  Task: (prisma) => (query) => prisma.task.findMany(query),
  AnnotationHistory: (prisma) => (query) => prisma.annotationHistory.findMany(query),
};

/**
 * Where a field stands in an operation, whatever the row. A deferred fragment may ask once more for what was asked for
 * before, and for other things of it: its selections are told apart by where they stand in the document.
 */
export function pathOf(info: GraphQLResolveInfo): string {
  const parts = info.fieldNodes.map(({ loc }) => String(loc?.start));
  for (let at: typeof info.path | undefined = info.path; at; at = at.prev) {
    if (typeof at.key === 'string') parts.push(`${at.typename ?? ''}.${at.key}`);
  }
  return parts.join(' ');
}

/** What an operation selects of a noun's rows at a place; noting there that these need not be read again. */
export function selectionOf(noun: Noun, context: GatewayContext, info: GraphQLResolveInfo): object {
  return queryFromInfo({ context, info, typeName: noun, select: { id: true } });
}

/** Reads the rows of one type, in one statement, by key; gives them by the text of it. */
export async function loadType<N extends Noun>(
  noun: N,
  ids: readonly NounIds[N][],
  { prisma }: GatewayContext,
  selection: object,
): Promise<Map<string, object>> {
  const rows = await FIND_MANY[noun](prisma)({
    ...selection,
    where: { id: { in: ids as never[] } },
  });
  return new Map(
    rows.map((row) => {
      brandWithType(row, noun as never);
      return [String(row.id), row];
    }),
  );
}

/** Resolves `nodes`: one statement a type, where Pothos would send one a row. */
export async function resolveNodes(
  globalIds: readonly { typename: string; id: string }[],
  context: GatewayContext,
  info: GraphQLResolveInfo,
): Promise<(object | null)[]> {
  if (globalIds.length > MAX_NODES) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `The argument "ids" has ${globalIds.length} entries; it may have at most ${MAX_NODES}.`,
    );
  }
  const nouns = [...new Set(globalIds.map(({ typename }) => typename as Noun))];
  const loaded = new Map<string, Map<string, object>>(
    await Promise.all(
      [...nouns].map(async (noun) => {
        const ids = globalIds
          .filter(({ typename }) => typename === noun)
          .map(({ id }) => readId(noun, id)!);
        return [
          noun,
          await loadType(noun, ids, context, selectionOf(noun, context, info)),
        ] as const;
      }),
    ),
  );
  return globalIds.map(({ typename, id }) => loaded.get(typename)?.get(id) ?? null);
}
