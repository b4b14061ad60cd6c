import { Prisma } from '../database/generated/client/client.ts';
import { columnOf } from '../database/where.ts';
import { kindOf, sealName } from '../domain/lists/cursor.ts';
import { LISTS, type FieldKind } from '../domain/lists/fields.ts';
import type { OrderKey } from '../domain/lists/order.ts';
import type { Noun } from '../domain/nouns.ts';
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

const isNullable = (noun: Noun, column: string) =>
  Object.values(LISTS[noun].fields).some((field) => field.column === column && field.nullable);

/** What a cursor says of a row's place: its value for each key of the order. */
export function positionSql(noun: Noun, order: readonly OrderKey[], alias: string): Prisma.Sql {
  const values = order.map(({ column }): Piece[] =>
    value(
      KINDS[kindOf(noun, column)],
      Prisma.raw(`${alias}.${columnOf(column)}`),
      isNullable(noun, column),
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
  noun: Noun,
  order: readonly OrderKey[],
  position: Prisma.Sql,
): Prisma.Sql {
  const name = `${sealName(noun, order, '')}\n`;
  const hash = Prisma.sql`sha256(${utf8(Prisma.sql`(${name}::text || ${position})`)})`;
  const length = Prisma.raw(String(CHECKSUM_LENGTH));
  return base64url(utf8(Prisma.sql`(left(${base64url(hash)}, ${length}) || ${position})`));
}
