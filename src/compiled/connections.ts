import type { GraphQLObjectType } from 'graphql';
import { Prisma } from '../database/generated/client/client.ts';
import { orderSql } from '../database/report.ts';
import type { Source } from '../database/sources.ts';
import { reverseOrder } from '../domain/lists/order.ts';
import { readingOrder, type KeysetPage } from '../domain/paging.ts';
import {
  joinsOf,
  objectTypeOf,
  type Asking,
  type Compilation,
  type Field,
  type Row,
} from './compilation.ts';
import { cursorSql, positionSql } from './cursor.ts';
import { concat, object, overAll, type Piece } from './json.ts';
import { Left } from './left.ts';
import {
  countSql,
  listed,
  pageSql,
  unknownIdsSql,
  type List,
  type Listed,
  type Paged,
} from './pages.ts';
import type { Selected } from './selection.ts';

type ListSource = Extract<Source, { from: 'list' | 'requests' | 'page' }>;

/** Makes the object of a row. */
export type ObjectOf = (
  compilation: Compilation,
  type: GraphQLObjectType,
  selected: Selected,
  row: Row,
) => Piece[];

/** A list in the making. */
interface Listing<Asked extends Paged> {
  readonly list: Listed<Asked>;
  readonly asking: Asking<Asked>;
  /** The rows of its page. */
  readonly row: Pick<Row, 'alias' | 'joins'>;
  /** Whether one more is read than the page has, to know whether others follow. */
  readonly oneMore: boolean;
}

/** Keeps what is gathered over the rows that are read to those of the page. */
function filterSql<Asked extends Paged>(
  { oneMore, row, asking }: Listing<Asked>,
  { size }: KeysetPage,
): Prisma.Sql {
  if (!oneMore) return Prisma.empty;
  return Prisma.sql`FILTER (WHERE ${Prisma.raw(row.alias)}.place <= ${asking.number(size)})`;
}

/** A text for each row of a page, in the order of the list. */
function gathered<Asked extends Paged>(listing: Listing<Asked>, pieces: readonly Piece[]): Piece[] {
  const { asking, row } = listing;
  const order = asking.of(({ page }) => orderSql(page.order, row.alias));
  const filter = asking.of(({ page }) => filterSql(listing, page));
  return ['[', Prisma.sql`string_agg(${concat(pieces)}, ',' ${order}) ${filter}`, ']'];
}

function cursorOf<Asked extends Paged>({
  list: { name },
  asking,
  row,
}: Listing<Asked>): Prisma.Sql {
  return asking.of(({ page }) => cursorSql(name, page, positionSql(name, page.order, row.alias)));
}

/** The cursor of the first row of a page, or of the last; null on an empty one. */
function endCursor<Asked extends Paged>(listing: Listing<Asked>, isLast: boolean): Piece[] {
  const { name } = listing.list;
  const { alias } = listing.row;
  const cursor = listing.asking.of(({ page }) => {
    const { order } = page;
    const position = positionSql(name, order, alias);
    const ends = orderSql(isLast ? reverseOrder(order) : order, alias);
    const filter = filterSql(listing, page);
    return cursorSql(name, page, Prisma.sql`(array_agg(${position} ${ends}) ${filter})[1]`);
  });
  return [Prisma.sql`coalesce('"' || ${cursor} || '"', 'null')`];
}

function pageInfoValue<Asked extends Paged>(
  listing: Listing<Asked>,
  type: GraphQLObjectType,
  name: string,
): Piece[] {
  const { number, of } = listing.asking;
  const isMore = (size: number) => Prisma.sql`(count(*) > ${number(size)})::text`;
  // At the end where the page begins, the cursor's own row stands outside the page.
  const isOutside = (position: unknown) =>
    Prisma.raw(position === undefined ? `'false'` : `'true'`);
  switch (name) {
    case '__typename':
      return [`"${type.name}"`];
    case 'hasNextPage':
      return [of(({ page }) => (page.backward ? isOutside(page.before) : isMore(page.size)))];
    case 'hasPreviousPage':
      return [of(({ page }) => (page.backward ? isMore(page.size) : isOutside(page.after)))];
    case 'startCursor':
      return endCursor(listing, false);
    case 'endCursor':
      return endCursor(listing, true);
    default:
      throw new Left('field', `${type.name}.${name}`);
  }
}

/** The rows that a page is made of: one more, where it tells whether others follow. */
function rowsSql<Asked extends Paged>(listing: Listing<Asked>): Prisma.Sql {
  const { list, oneMore, asking } = listing;
  const { of, number } = asking;
  return of((question) => {
    const { size } = question.page;
    if (!oneMore) return list.rows(question, number(size));
    const page = list.rows(question, number(size + 1));
    return Prisma.sql`SELECT *, row_number() OVER (${orderSql(readingOrder(question.page))}) AS place
      FROM (${page}) AS t0`;
  });
}

/** Whether anything is asked of a page that is known only when one more row is read than it has. */
function looksOn(compilation: Compilation, type: GraphQLObjectType, fields: readonly Selected[]) {
  return fields
    .filter(({ name }) => name === 'pageInfo')
    .flatMap((info) => compilation.below(objectTypeOf(compilation.field(type, info.name)), info))
    .some(({ name }) => name === 'hasNextPage' || name === 'hasPreviousPage');
}

/** A page of a list of rows as Relay wants it. @param parent where the id of the row is that it hangs on, if it does. */
export function rowConnection(
  compilation: Compilation,
  source: ListSource,
  field: Field,
  selected: Selected,
  objectOf: ObjectOf,
  parent?: string,
): Prisma.Sql {
  const { noun, range } = source;
  const asking = compilation.question(source, field, selected);
  const row = compilation.row(noun);
  const nodeOf: NodeOf = (type, one) => objectOf(compilation, type, one, row);
  return connection(
    compilation,
    listed({ noun, range, parent }),
    asking,
    field,
    selected,
    nodeOf,
    row,
  );
}

/** Makes the object of one of a page's rows. */
type NodeOf = (type: GraphQLObjectType, selected: Selected) => Piece[];

/** A page of a list as Relay wants it. */
export function connection<Asked extends Paged>(
  compilation: Compilation,
  list: Listed<Asked>,
  asking: Asking<Asked>,
  field: Field,
  selected: Selected,
  nodeOf: NodeOf,
  row: Pick<Row, 'alias' | 'joins'>,
): Prisma.Sql {
  const type = objectTypeOf(field);
  const fields = compilation.below(type, selected);
  const oneMore = looksOn(compilation, type, fields);
  const listing: Listing<Asked> = { list, asking, row, oneMore };

  const edgeValue = (edge: GraphQLObjectType, one: Selected): readonly Piece[] => {
    switch (one.name) {
      case '__typename':
        return [`"${edge.name}"`];
      case 'cursor':
        return ['"', cursorOf(listing), '"'];
      case 'node':
        return nodeOf(objectTypeOf(compilation.field(edge, one.name)), one);
      default:
        throw new Left('field', `${edge.name}.${one.name}`);
    }
  };
  const value = (one: Selected): readonly Piece[] => {
    if (one.name === '__typename') return [`"${type.name}"`];
    const inner = objectTypeOf(compilation.field(type, one.name));
    switch (one.name) {
      case 'totalCount':
        return [asking.of((question) => list.count(question))];
      case 'nodes':
        return gathered(listing, nodeOf(inner, one));
      case 'edges':
        return gathered(
          listing,
          object(compilation.below(inner, one).map((part) => [part.key, edgeValue(inner, part)])),
        );
      case 'pageInfo':
        return object(
          compilation
            .below(inner, one)
            .map(({ key, name }) => [key, pageInfoValue(listing, inner, name)]),
        );
      default:
        throw new Left('field', `${type.name}.${one.name}`);
    }
  };
  const pieces = object(fields.map((one) => [one.key, value(one)]));
  const readsRows = fields.some(({ name }) => name !== 'totalCount' && name !== '__typename');
  if (!readsRows) return concat(pieces);
  return overAll(
    pieces,
    Prisma.sql`(${rowsSql(listing)}) AS ${Prisma.raw(row.alias)} ${joinsOf(row)}`,
  );
}

/** The parts of a page of a list by its number. */
export function numberedPage(
  compilation: Compilation,
  source: ListSource,
  field: Field,
  selected: Selected,
  objectOf: ObjectOf,
): (readonly [key: string, value: readonly Piece[]])[] {
  const type = objectTypeOf(field);
  const list: List = { noun: source.noun, range: source.range };
  const asking = compilation.question(source, field, selected);
  const value = (one: Selected): readonly Piece[] => {
    switch (one.name) {
      case '__typename':
        return [`"${type.name}"`];
      case 'totalCount':
        return [asking.of((question) => countSql(list, question))];
      case 'unknownAnnotationRequestIds':
        return [asking.of(unknownIdsSql)];
      case 'nodes': {
        const row = compilation.row(source.noun);
        const inner = objectTypeOf(compilation.field(type, one.name));
        const pieces = objectOf(compilation, inner, one, row);
        const alias = Prisma.raw(row.alias);
        const rows = asking.of((question) =>
          pageSql(list, question, asking.number(question.page.size)),
        );
        return [
          '[',
          Prisma.sql`(SELECT string_agg(${concat(pieces)}, ',' ORDER BY ${alias}.id)
            FROM (${rows}) AS ${alias} ${joinsOf(row)})`,
          ']',
        ];
      }
      default:
        throw new Left('field', `${type.name}.${one.name}`);
    }
  };
  return compilation.below(type, selected).map((one) => [one.key, value(one)]);
}
