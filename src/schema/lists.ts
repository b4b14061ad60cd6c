import { queryFromInfo } from '@pothos/plugin-prisma';
import { selectedFieldNames } from '@pothos/selection-mapper';
import type { GraphQLResolveInfo } from 'graphql';
import { getDatamodel } from '../database/generated/pothos.ts';
import type { Range } from '../database/ranges.ts';
import { comesFrom } from '../database/sources.ts';
import { orderBy } from '../domain/lists/order.ts';
import { allOf, filterWhere, type Where } from '../domain/lists/where.ts';
import type { Noun, NounIds } from '../domain/nouns.ts';
import {
  boundsOf,
  readingOrder,
  readKeysetPage,
  toConnection,
  type ConnectionArguments,
  type KeysetPage,
} from '../domain/paging.ts';
import { aggregateList, groupList } from '../loaders/measures.ts';
import type { WholeList } from './connections.ts';
import type { GatewayContext } from './context.ts';
import { relatedListCost } from './costs.ts';

/** Where the rows stand below a connection or a numbered page. */
export const ROW_PATHS = [[{ name: 'edges' }, { name: 'node' }], [{ name: 'nodes' }]];

/** The part of a Prisma query that makes it one page of a list. */
export function keysetQuery(page: KeysetPage) {
  return { where: boundsOf(page), orderBy: orderBy(readingOrder(page)), take: page.size + 1 };
}

/** The columns that a page's cursors are made of. */
function orderColumns({ order }: KeysetPage): Record<string, true> {
  return Object.fromEntries(order.map(({ column }) => [column, true]));
}

/** What a connection tells of its whole list, without its rows. */
const WHOLE_LIST: ReadonlySet<string> = new Set([
  'totalCount',
  'aggregate',
  'groupBy',
  '__typename',
]);

/** Whether an operation asks a connection for the rows of a page. */
export function wantsRows(context: GatewayContext, info: GraphQLResolveInfo): boolean {
  return [...selectedFieldNames(context, info)].some((name) => !WHOLE_LIST.has(name));
}

const MODELS = getDatamodel().datamodel.models;

/** The description that schema.prisma gives a relation. */
function describeRelation(noun: Noun, relation: string): string {
  const field = MODELS[noun]?.fields.find(({ name }) => name === relation);
  return field?.documentation ?? '';
}

type NestedSelection = (query: object, rows: { getType(): string; paths: object }) => object;

/**
 * The options of a field that lists the rows hanging on another row. Pothos folds one page of them into the parent's
 * statement; the page is cut by a condition on the order's keys, since Prisma's own cursors read every row of every
 * parent.
 */
export function relatedList<Parent extends Noun>(
  parent: Parent,
  relation: string,
  child: Noun,
  range: Range,
) {
  type ParentRow = { id: NounIds[Parent] };

  // A list of which only the count is wanted has its page read all the same: a field that selected no rows would count as
  // loaded by the rows of another field, which lists the same relation by other arguments.
  const { cost } = relatedListCost(child, range).extensions;

  const select = (
    args: ConnectionArguments,
    _context: GatewayContext,
    nestedSelection: NestedSelection,
  ) => {
    try {
      const page = readKeysetPage(child, args);
      const query = keysetQuery(page);
      const where = allOf(filterWhere(child, args.filter), query.where);
      const rows = nestedSelection(
        { select: orderColumns(page), ...query, ...(where && { where }) },
        { getType: () => child, paths: ROW_PATHS },
      );
      return { select: { id: true, [relation]: rows } };
    } catch {
      // The error belongs to this field, not to its parent: the resolver raises it.
      return { select: { id: true } };
    }
  };

  return {
    description: describeRelation(parent, relation),
    extensions: {
      pothosPrismaSelect: select,
      cost,
      ...comesFrom({ from: 'list', noun: child, range }),
    },
    resolve: (row: ParentRow, args: ConnectionArguments, context: GatewayContext) => {
      const page = readKeysetPage(child, args);
      const where = filterWhere(child, args.filter);
      const rows = (row as unknown as Record<string, { id: string | bigint }[] | undefined>)[
        relation
      ];
      if (!rows) throw new Error(`${parent}.${relation} was not loaded`);
      return {
        ...toConnection(child, page, rows),
        totalCount: () => context.loaders.count(range, where).load(row.id),
        aggregate: () => context.loaders.aggregate(child, range, where).load(row.id),
        groupBy: (keys: readonly string[]) =>
          context.loaders.groups(child, range, where, keys).load(row.id),
      };
    },
  };
}

/** A list at the root: how to read a page of it, and how to count it. */
interface RootList {
  noun: Noun;
  findMany(query: object): Promise<{ id: string | bigint }[]>;
  /** The Prisma query for a page, of those rows that fulfil a condition. */
  pageQuery?(page: KeysetPage, where: Where | undefined): Promise<object>;
  count(where: Where | undefined): Promise<number>;
  /** What keeps the list to some of all rows, beside its filter. */
  within?: Where | undefined;
}

/** Resolves a connection at the root. */
export async function resolveList(
  list: RootList,
  args: ConnectionArguments,
  context: GatewayContext,
  info: GraphQLResolveInfo,
) {
  const page = readKeysetPage(list.noun, args);
  const where = filterWhere(list.noun, args.filter);
  const read = async () => {
    const selection = queryFromInfo({
      context,
      info,
      select: orderColumns(page),
      paths: ROW_PATHS,
    });
    if (list.pageQuery)
      return list.findMany({ ...selection, ...(await list.pageQuery(page, where)) });
    const query = keysetQuery(page);
    return list.findMany({ ...selection, ...query, where: allOf(where, query.where) });
  };
  const rows = wantsRows(context, info) ? await read() : [];
  const { noun } = list;
  const whole: WholeList = {
    totalCount: () => list.count(where),
    aggregate: () => aggregateList(context.prisma, noun, allOf(list.within, where)),
    groupBy: (keys) => groupList(context.prisma, noun, allOf(list.within, where), keys),
  };
  return { ...toConnection(noun, page, rows), ...whole };
}
