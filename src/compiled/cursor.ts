import { Prisma } from '../database/generated/client/client.ts';
import { columnOf } from '../database/where.ts';
import { kindOf, sealName } from '../domain/lists/cursor.ts';
import { LISTS, type FieldKind, type ListName } from '../domain/lists/fields.ts';
import type { OrderKey } from '../domain/lists/order.ts';
import type { KeysetPage } from '../domain/paging.ts';
import { CHECKSUM_LENGTH } from '../domain/seal.ts';
import { base64url, concat, utf8, value, type Piece, type ValueKind } from './json.ts';

/** How a position writes the value of each kind of field. */
const KINDS: Readonly<Record<FieldKind, ValueKind>> = {
  text: 'text',
  campaignType: 'text',
  bigint: 'digits',
  instant: 'instant',
  int: 'number',
  float: 'number',
  taskStatus: 'number',
  taskAction: 'number',
  poolType: 'number',
};

const isNullable = (list: ListName, column: string) =>
  Object.values(LISTS[list].fields).some((field) => field.column === column && field.nullable);

/** What a cursor says of a row's place: its value for each key of the order. */
export function positionSql(list: ListName, order: readonly OrderKey[], alias: string): Prisma.Sql {
  const values = order.map(({ column }): Piece[] =>
    value(
      KINDS[kindOf(list, column)],
      Prisma.raw(`${alias}.${columnOf(column)}`),
      isNullable(list, column),
    ),
  );
  return concat([
    '[',
    ...values.flatMap((pieces, n) => (n === 0 ? pieces : [',', ...pieces])),
    ']',
  ]);
}

/** The cursor of a position; null of none. Its bytes are those that the domain's own cursors have. */
export function cursorSql(
  list: ListName,
  { order, variant }: Pick<KeysetPage, 'order' | 'variant'>,
  position: Prisma.Sql,
): Prisma.Sql {
  const name = `${sealName(list, order, variant)}\n`;
  const hash = Prisma.sql`sha256(${utf8(Prisma.sql`(${name}::text || ${position})`)})`;
  const length = Prisma.raw(String(CHECKSUM_LENGTH));
  return base64url(utf8(Prisma.sql`(left(${base64url(hash)}, ${length}) || ${position})`));
}
