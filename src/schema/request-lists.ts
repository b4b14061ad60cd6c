import type { GraphQLResolveInfo } from 'graphql';
import type { PrismaClient } from '../database/generated/client/client.ts';
import { pageOfRanges, unknownRequestIds } from '../database/ranges.ts';
import { isTextId } from '../domain/ids.ts';
import { allOf, type Where } from '../domain/lists/where.ts';
import {
  MAX_PAGE_SIZE,
  readNumberedPage,
  type ConnectionArguments,
  type KeysetPage,
  type NumberedPage,
} from '../domain/paging.ts';
import { MAX_REQUESTS, possibleIds, readRequestIds } from '../domain/request-ids.ts';
import { builder } from './builder.ts';
import type { GatewayContext } from './context.ts';
import { keysetQuery, resolveList } from './lists.ts';

interface Row {
  id: bigint;
}

/** The rows that hang on annotation requests: the tasks, or the history. */
export interface RequestRows {
  noun: 'Task' | 'AnnotationHistory';
  range: 'tasksOfRequest' | 'historyOfRequest';
  findMany(prisma: PrismaClient, query: object): Promise<Row[]>;
  count(prisma: PrismaClient, where: Where | undefined): Promise<number>;
}

/** The argument of the lists. */
export const OPTIONAL_REQUEST_IDS = builder.args((t) => ({
  annotationRequestIds: t.stringList({
    description: `Only rows of these annotation requests, at most ${MAX_REQUESTS}; absent means all, an empty list none. Unknown ids contribute nothing.`,
  }),
}));

/** The arguments of the numbered pages. */
export function numberedPageArguments(noun: RequestRows['noun']) {
  return builder.args((t) => ({
    annotationRequestIds: t.stringList({
      required: true,
      description: `The annotation requests, at most ${MAX_REQUESTS}. Unknown ids contribute nothing; an empty list has no rows.`,
    }),
    page: t.int({ required: true, description: 'Which page, from 1.' }),
    pageSize: t.int({
      required: true,
      description: `How many rows a page has, from 1 to ${MAX_PAGE_SIZE[noun]}.`,
    }),
  }));
}

/** The condition of a Prisma query that keeps it to the rows of some requests; of one, it is an equality. */
function ofRequests(requestIds: readonly string[]): Where {
  const [only, ...others] = requestIds;
  return {
    annotationRequestId: only !== undefined && others.length === 0 ? only : { in: [...requestIds] },
  };
}

/**
 * The Prisma query for one page of the rows of some requests (undefined: of all). One request is an equality, which
 * PostgreSQL answers from one range of an index. Of several, in the order of the ids and without a filter, the ids of the
 * page are merged first; any other order has to look at all of the requests' rows.
 */
async function keysetOfRequests(
  { prisma }: GatewayContext,
  { range }: RequestRows,
  requestIds: readonly string[] | undefined,
  page: KeysetPage,
  where: Where | undefined,
) {
  const query = keysetQuery(page);
  if (requestIds === undefined) return { ...query, where: allOf(where, query.where) };
  const isById = page.order.length === 1 && page.order[0]!.direction === 'asc';
  if (requestIds.length < 2 || where !== undefined || !isById) {
    return { ...query, where: allOf(ofRequests(requestIds), where, query.where) };
  }
  const ids = await pageOfRanges(prisma, range, requestIds, {
    after: page.after?.[0] as bigint | undefined,
    before: page.before?.[0] as bigint | undefined,
    backward: page.backward,
    skip: 0,
    take: query.take,
  });
  return { where: { id: { in: ids } }, orderBy: query.orderBy };
}

/**
 * The same for a page by its number. What a page skips is passed over in the index, before anything is joined to it;
 * nothing is skipped by the first page of one request, which needs one statement only.
 */
async function numberedPageOfRequests(
  { prisma }: GatewayContext,
  { range }: RequestRows,
  requestIds: readonly string[],
  { skip, size }: NumberedPage,
) {
  const orderBy = { id: 'asc' };
  if (requestIds.length === 1 && skip === 0) {
    return { where: ofRequests(requestIds), orderBy, take: size };
  }
  const ids =
    requestIds.length === 0
      ? []
      : await pageOfRanges(prisma, range, requestIds, { backward: false, skip, take: size });
  return { where: { id: { in: ids } }, orderBy };
}

async function countRows(
  { loaders, prisma }: GatewayContext,
  rows: RequestRows,
  requestIds: readonly string[] | undefined,
  where: Where | undefined,
): Promise<number> {
  if (requestIds === undefined) return rows.count(prisma, where);
  const counts = await loaders.count(rows.range, where).loadMany(requestIds);
  return counts.reduce<number>((sum, count) => {
    if (count instanceof Error) throw count;
    return sum + count;
  }, 0);
}

/** Resolves a connection over the rows of some requests, or of all. */
export function resolveRequestConnection(
  rows: RequestRows,
  args: ConnectionArguments & { annotationRequestIds?: readonly string[] | null | undefined },
  context: GatewayContext,
  info: GraphQLResolveInfo,
) {
  const ids = args.annotationRequestIds;
  const requestIds = ids ? possibleIds(readRequestIds(ids)) : undefined;
  return resolveList(
    {
      noun: rows.noun,
      findMany: (query) => rows.findMany(context.prisma, query),
      pageQuery: (page, where) => keysetOfRequests(context, rows, requestIds, page, where),
      count: (where) => countRows(context, rows, requestIds, where),
      within: requestIds && ofRequests(requestIds),
    },
    args,
    context,
    info,
  );
}

/** Resolves a numbered page over the rows of some requests. */
export function resolveRequestPage(
  rows: RequestRows,
  args: { annotationRequestIds: readonly string[]; page: number; pageSize: number },
  context: GatewayContext,
) {
  const page = readNumberedPage(rows.noun, args.page, args.pageSize);
  const requestIds = readRequestIds(args.annotationRequestIds);
  return {
    nodes: async (selection: object) =>
      rows.findMany(context.prisma, {
        ...selection,
        ...(await numberedPageOfRequests(context, rows, possibleIds(requestIds), page)),
      }),
    totalCount: () => countRows(context, rows, possibleIds(requestIds), undefined),
    unknownAnnotationRequestIds: async () => {
      const unknown = await unknownRequestIds(context.prisma, possibleIds(requestIds));
      return requestIds.filter((id) => !isTextId(id) || unknown.has(id));
    },
  };
}
