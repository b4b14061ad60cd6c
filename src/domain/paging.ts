import { GatewayError } from './errors.ts';
import type { ListName } from './lists/fields.ts';
import { decodeCursor, encodeCursor } from './lists/cursor.ts';
import {
  afterPosition,
  readOrder,
  reverseOrder,
  type OrderArgument,
  type OrderKey,
  type Position,
} from './lists/order.ts';
import { allOf, type Filter, type Where } from './lists/where.ts';

/** Rows on a page that does not say how many it wants. */
export const DEFAULT_PAGE_SIZE = 20;

/** Rows a page may have at most. */
export const MAX_PAGE_SIZE: Readonly<Record<ListName, number>> = {
  Campaign: 100,
  AnnotationRequest: 100,
  Pool: 100,
  Task: 100,
  AnnotationHistory: 1000,
  Workload: 1000,
  WorkingTime: 1000,
};

const MAX_PAGE_NUMBER = 2_147_483_647;

/** The arguments of a list: those of a Relay connection, and which rows in which order. */
export interface ConnectionArguments {
  first?: number | null | undefined;
  last?: number | null | undefined;
  after?: string | null | undefined;
  before?: string | null | undefined;
  filter?: Filter | null | undefined;
  orderBy?: readonly OrderArgument[] | null | undefined;
}

/** A page of a list by keyset: the rows after one position of its order and before another. */
export interface KeysetPage {
  /** The list's order, in which the rows are shown. */
  order: readonly OrderKey[];
  after: Position | undefined;
  before: Position | undefined;
  /** Rows wanted. One more is read, to know whether another page follows. */
  size: number;
  /** Whether the rows are taken from the end. */
  backward: boolean;
  /** What its positions depend on beside the order: a time zone, say. Cursors are good for this only. */
  variant: string;
}

function checkSize(list: ListName, name: string, size: number, minimum: number): void {
  const maximum = MAX_PAGE_SIZE[list];
  if (size < minimum || size > maximum) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `The argument "${name}" is ${size}; it may be from ${minimum} to ${maximum}.`,
    );
  }
}

/**
 * Reads the arguments of a connection.
 * @param identity the keys that tell any two rows apart, where it is not the id.
 * @throws GatewayError (BAD_USER_INPUT) for a size out of range, `first` together with `last`, or a foreign cursor.
 */
export function readKeysetPage(
  list: ListName,
  args: ConnectionArguments,
  identity?: readonly OrderKey[],
  variant = '',
): KeysetPage {
  const { first, last, after, before } = args;
  if (typeof first === 'number' && typeof last === 'number') {
    throw new GatewayError(
      'BAD_USER_INPUT',
      'The arguments "first" and "last" exclude each other: give one of them.',
    );
  }
  if (typeof first === 'number') checkSize(list, 'first', first, 0);
  if (typeof last === 'number') checkSize(list, 'last', last, 0);
  const order = readOrder(list, args.orderBy, identity);
  return {
    order,
    after:
      typeof after === 'string' ? decodeCursor(list, order, 'after', after, variant) : undefined,
    before:
      typeof before === 'string' ? decodeCursor(list, order, 'before', before, variant) : undefined,
    size: first ?? last ?? DEFAULT_PAGE_SIZE,
    backward: typeof last === 'number',
    variant,
  };
}

/** The condition that rows stand between the positions of a page. */
export function boundsOf({ order, after, before }: KeysetPage): Where | undefined {
  return allOf(
    after && afterPosition(order, after),
    before && afterPosition(reverseOrder(order), before),
  );
}

/** The order in which the rows of a page are read. */
export function readingOrder({ order, backward }: KeysetPage): readonly OrderKey[] {
  return backward ? reverseOrder(order) : order;
}

/** A page of a list by its number. */
export interface NumberedPage {
  /** Rows before the page; may exceed 2^31. */
  skip: number;
  size: number;
}

/** @throws GatewayError (BAD_USER_INPUT) for a number or size out of range. */
export function readNumberedPage(list: ListName, page: number, pageSize: number): NumberedPage {
  if (page < 1) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `The argument "page" is ${page}; it may be from 1 to ${MAX_PAGE_NUMBER}.`,
    );
  }
  checkSize(list, 'pageSize', pageSize, 1);
  return { skip: (page - 1) * pageSize, size: pageSize };
}

/** A page of rows as Relay wants it. */
export interface Connection<Row> {
  edges: Edge<Row>[];
  pageInfo: PageInfo;
}

/** A row in its place on a page. Most who ask for rows do not ask for their cursors, which take a hash each. */
export class Edge<Row> {
  readonly #makeCursor: () => string;

  constructor(
    readonly node: Row,
    makeCursor: () => string,
  ) {
    this.#makeCursor = makeCursor;
  }

  get cursor(): string {
    return this.#makeCursor();
  }
}

class PageInfo {
  readonly #edges: readonly Edge<unknown>[];

  constructor(
    edges: readonly Edge<unknown>[],
    readonly hasPreviousPage: boolean,
    readonly hasNextPage: boolean,
  ) {
    this.#edges = edges;
  }

  get startCursor(): string | null {
    return this.#edges[0]?.cursor ?? null;
  }

  get endCursor(): string | null {
    return this.#edges.at(-1)?.cursor ?? null;
  }
}

/** Makes a connection of the rows that were read for a page, in the order they were read. */
export function toConnection<Row extends object>(
  list: ListName,
  page: KeysetPage,
  rows: readonly Row[],
): Connection<Row> {
  const hasMore = rows.length > page.size;
  const kept = rows.slice(0, page.size);
  if (page.backward) kept.reverse();
  const { order, variant } = page;
  const cursorOf = (node: Row) =>
    encodeCursor(list, order, node as Record<string, unknown>, variant);
  const edges = kept.map((node) => new Edge(node, () => cursorOf(node)));
  // At the end where the page begins, the cursor's own row stands outside the page.
  const hasPrevious = page.backward ? hasMore : page.after !== undefined;
  const hasNext = page.backward ? page.before !== undefined : hasMore;
  return { edges, pageInfo: new PageInfo(edges, hasPrevious, hasNext) };
}
