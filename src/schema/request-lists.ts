import type { GraphQLResolveInfo } from 'graphql';
import type { PrismaClient } from '../database/generated/client/client.ts';
import { pageOfRanges, unknownRequestIds } from '../database/ranges.ts';
import { GatewayError } from '../domain/errors.ts';
import { isTextId } from '../domain/ids.ts';
import {
  MAX_PAGE_SIZE,
  readNumberedPage,
  type ConnectionArguments,
  type KeysetPage,
  type NumberedPage,
} from '../domain/paging.ts';
import { builder } from './builder.ts';
import type { GatewayContext } from './context.ts';
import { keysetQuery, resolveList } from './lists.ts';

/** How many annotation requests one list may be asked for. */
const MAX_REQUESTS = 1000;

interface Row {
  id: bigint;
}

/** The rows that hang on annotation requests: the tasks, or the history. */
export interface RequestRows {
  noun: 'Task' | 'AnnotationHistory';
  range: 'tasksOfRequest' | 'historyOfRequest';
  findMany(prisma: PrismaClient, query: object): Promise<Row[]>;
  count(prisma: PrismaClient): Promise<number>;
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

function readRequestIds(ids: readonly string[]): string[] {
  const distinct = new Set(ids);
  if (distinct.size > MAX_REQUESTS) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `The argument "annotationRequestIds" has ${distinct.size} ids; it may have at most ${MAX_REQUESTS}.`,
    );
  }
  return [...distinct];
}

/**
 * The Prisma query for one page of the rows of the given requests (undefined: of all). One request is an equality, which
 * PostgreSQL answers from one range of an index; of several, the page's ids are merged first.
 */
async function pageQuery(
  { prisma }: GatewayContext,
  { range }: RequestRows,
  requestIds: readonly string[] | undefined,
  page: KeysetPage<bigint> | NumberedPage,
) {
  const byNumber = 'skip' in page;
  const query: { where?: object; orderBy: { id: 'asc' | 'desc' }; skip?: number; take: number } =
    byNumber ? { orderBy: { id: 'asc' }, skip: page.skip, take: page.size } : keysetQuery(page);
  if (requestIds === undefined) return query;
  // No request can have another kind of id, and the driver would mistake some of those for ids that exist.
  const [only, ...others] = requestIds.filter(isTextId);
  if (only !== undefined && others.length === 0) {
    return { ...query, where: { ...query.where, annotationRequestId: only } };
  }
  const ids =
    only === undefined
      ? []
      : await pageOfRanges(prisma, range, [only, ...others], {
          ...(byNumber ? { backward: false } : page),
          skip: byNumber ? page.skip : 0,
          take: query.take,
        });
  return { where: { id: { in: ids } }, orderBy: query.orderBy };
}

async function countRows(
  { loaders, prisma }: GatewayContext,
  rows: RequestRows,
  requestIds: readonly string[] | undefined,
): Promise<number> {
  if (requestIds === undefined) return rows.count(prisma);
  const counts = await loaders.count(rows.range).loadMany(requestIds.filter(isTextId));
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
  const requestIds = ids ? readRequestIds(ids) : undefined;
  return resolveList(
    {
      noun: rows.noun,
      findMany: (query) => rows.findMany(context.prisma, query),
      pageQuery: (page) => pageQuery(context, rows, requestIds, page),
      count: () => countRows(context, rows, requestIds),
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
        ...(await pageQuery(context, rows, requestIds, page)),
      }),
    totalCount: () => countRows(context, rows, requestIds),
    unknownAnnotationRequestIds: async () => {
      const unknown = await unknownRequestIds(context.prisma, requestIds.filter(isTextId));
      return requestIds.filter((id) => !isTextId(id) || unknown.has(id));
    },
  };
}
