import fc from 'fast-check';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase, type Database } from '../../src/database/database.ts';
import { createEmptyDatabase, runSql, type EmptyDatabase } from '../support/empty-database.ts';

let empty: EmptyDatabase;
beforeAll(async () => {
  empty = await createEmptyDatabase();
});
afterAll(() => empty?.close());

const statement = (text: string, ...values: unknown[]) => ({ text, values, strings: [text] });

const value = fc.oneof(
  fc.constant(null),
  fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.integer(),
  fc.boolean(),
  fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
  fc.array(fc.constantFrom('a', 'b c', '"', '\\', ',', '{}', '', 'ü')),
  fc.jsonValue().filter((json) => typeof json === 'object' && !Array.isArray(json)),
);

describe.each(['on', 'off'])('a statement for texts, GATEWAY_NAMED_STATEMENTS=%s', (named) => {
  let database: Database;
  beforeAll(async () => {
    const { database: config } = readConfig({
      DATABASE_URL: empty.url,
      GATEWAY_NAMED_STATEMENTS: named,
      GATEWAY_POOL_SIZE: '1',
    });
    database = await openDatabase(config, pino({ level: 'silent' }));
  });
  afterAll(() => database?.close());

  it('is sent any values as the driver sends them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 9 }), async (values) => {
        const list = values.map((_, n) => `$${n + 1}::text`).join(', ');
        const [row] = await runSql<Record<string, string>>(
          empty.url,
          // Dates are written in the zone of this process by the driver, which both are spared.
          {
            text: `SELECT ${list}`,
            values: values.map((one) => (one instanceof Date ? one.toISOString() : one)),
            rowMode: 'array',
          } as never,
        );
        expect(await database.texts(statement(`SELECT ${list}`, ...values))).toEqual(row);
      }),
      { numRuns: 100 },
    );
  });

  it('says what is wrong with it, and nothing is wrong with the next one', async () => {
    const unsendable = {
      toPostgres() {
        throw new Error('no value');
      },
    };
    const wrong: [ReturnType<typeof statement>, RegExp][] = [
      [statement('SELECT $1::text', unsendable), /^no value$/],
      [statement('SELECT nothing'), /column "nothing" does not exist/],
      [statement('SELECT 1 / $1::int', 0), /division by zero/],
      [statement('SELECT 1 WHERE false'), /^The statement gave no row\.$/],
      [statement('SELECT $1::text', 'a\0b'), /invalid byte sequence/],
    ];
    for (let n = 0; n < 2; n++) {
      for (const [one, message] of wrong) {
        await expect(database.texts(one)).rejects.toThrow(message);
        expect(await database.texts(statement('SELECT $1::text', 'right'))).toEqual(['right']);
      }
    }
  });

  it('fails when its connection is lost, and the next one has another', async () => {
    const [pid] = await database.texts(statement('SELECT pg_backend_pid()::text'));
    const sleeping = database.texts(statement('SELECT pg_sleep(60)::text'));
    const lost = expect(sleeping).rejects.toThrow(/terminat/i);
    await runSql(empty.url, `SELECT pg_terminate_backend(${pid})`);
    await lost;
    const [other] = await database.texts(statement('SELECT pg_backend_pid()::text'));
    expect(other).not.toBe(pid);
  });
});
