import { Prisma } from './generated/client/client.ts';
import type { Snapshot } from './snapshot.ts';

/** Characters that a batch is to have, about: as many rows as come to that are read at once. */
const BATCH_LENGTH = 65_536;
const FIRST_ROWS = 10;
const MAX_ROWS = 500;

const NAME = Prisma.raw('row_cursor');

const lengthOf = (texts: readonly (string | null)[]) =>
  texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);

/**
 * Reads the rows of a statement, each a text or null, batch by batch: while one is dealt with the next is read, and no more than
 * these two are held, however many there are. One statement of a snapshot at a time can be read so.
 */
export async function* readByCursor(
  snapshot: Snapshot,
  statement: Prisma.Sql,
): AsyncGenerator<readonly (string | null)[]> {
  await snapshot.rows(Prisma.sql`DECLARE ${NAME} NO SCROLL CURSOR FOR ${statement}`);
  const fetch = (rows: number) => {
    const batch = snapshot.rows(Prisma.sql`FETCH ${Prisma.raw(String(rows))} FROM ${NAME}`);
    // It is awaited later; until then a failure is not unhandled.
    batch.catch(() => {});
    return batch;
  };
  let asked = FIRST_ROWS;
  for (let next = fetch(asked); ;) {
    const rows = await next;
    if (rows.length === 0) break;
    const texts = rows.map(([text]) => text as string | null);
    // Rows become longer without notice: the number grows step by step, and falls at once.
    const fitting = Math.floor((rows.length * BATCH_LENGTH) / Math.max(1, lengthOf(texts)));
    asked = Math.max(1, Math.min(fitting, asked * 2, MAX_ROWS));
    next = fetch(asked);
    yield texts;
  }
  await snapshot.rows(Prisma.sql`CLOSE ${NAME}`);
}
