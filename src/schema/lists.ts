import { queryFromInfo } from '@pothos/plugin-prisma';
import { selectedFieldNames } from '@pothos/selection-mapper';
import type { GraphQLResolveInfo } from 'graphql';
import { getDatamodel } from '../database/generated/pothos.ts';
import type { Range } from '../database/ranges.ts';
import type { Noun, NounIds } from '../domain/nouns.ts';
import {
  readKeysetPage,
  toConnection,
  type ConnectionArguments,
  type KeysetPage,
} from '../domain/paging.ts';
import type { GatewayContext } from './context.ts';

/** Where the rows stand below a connection or a numbered page. */
const ROW_PATHS = [[{ name: 'edges' }, { name: 'node' }], [{ name: 'nodes' }]];

/** The part of a Prisma query that makes it one page of a list in the order of the ids. */
export function keysetQuery<Id>({ after, before, size, backward }: KeysetPage<Id>) {
  return {
    ...((after !== undefined || before !== undefined) && {
      where: { id: { gt: after, lt: before } },
    }),
    orderBy: { id: backward ? ('desc' as const) : ('asc' as const) },
    take: size + 1,
  };
}

/** Whether an operation asks a connection for more than its count. */
function wantsRows(selectedFields: Iterable<string>): boolean {
  return [...selectedFields].some((name) => name !== 'totalCount' && name !== '__typename');
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
 * statement; the page is cut by `id > …`, since Prisma's own cursors read every row of every parent.
 */
export function relatedList<Parent extends Noun, Child extends Noun>(
  parent: Parent,
  relation: string,
  child: Child,
  range: Range,
) {
  type Row = { id: NounIds[Child] };
  type ParentRow = { id: NounIds[Parent] };

  const select = (
    args: ConnectionArguments,
    _context: GatewayContext,
    nestedSelection: NestedSelection,
    selectedFields: () => ReadonlySet<string>,
  ) => {
    if (!wantsRows(selectedFields())) return { select: { id: true } };
    let page: KeysetPage<NounIds[Child]>;
    try {
      page = readKeysetPage(child, args);
    } catch {
      // The error belongs to this field, not to its parent: the resolver raises it.
      return { select: { id: true } };
    }
    const rows = nestedSelection(
      { select: { id: true }, ...keysetQuery(page) },
      { getType: () => child, paths: ROW_PATHS },
    );
    return { select: { id: true, [relation]: rows } };
  };

  return {
    description: describeRelation(parent, relation),
    extensions: { pothosPrismaSelect: select },
    resolve: (row: ParentRow, args: ConnectionArguments, context: GatewayContext) => {
      const rows = (row as unknown as Record<string, Row[] | undefined>)[relation] ?? [];
      return {
        ...toConnection(child, readKeysetPage(child, args), rows),
        totalCount: () => context.loaders.count(range).load(row.id),
      };
    },
  };
}

/** A list at the root: how to read a page of it, and how to count it. */
interface RootList<N extends Noun> {
  noun: N;
  findMany(query: object): Promise<{ id: NounIds[N] }[]>;
  /** The Prisma query for a page; unless given, that of a list over all rows. */
  pageQuery?(page: KeysetPage<NounIds[N]>): Promise<object>;
  count(): Promise<number>;
}

/** Resolves a connection at the root. */
export async function resolveList<N extends Noun>(
  list: RootList<N>,
  args: ConnectionArguments,
  context: GatewayContext,
  info: GraphQLResolveInfo,
) {
  const page = readKeysetPage(list.noun, args);
  const rows = wantsRows(selectedFieldNames(context, info))
    ? await list.findMany({
        ...queryFromInfo({ context, info, select: { id: true }, paths: ROW_PATHS }),
        ...(list.pageQuery ? await list.pageQuery(page) : keysetQuery(page)),
      })
    : [];
  return { ...toConnection(list.noun, page, rows), totalCount: () => list.count() };
}
