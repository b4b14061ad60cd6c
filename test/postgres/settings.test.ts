import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase } from '../../src/database/database.ts';
import { createEmptyDatabase, type EmptyDatabase } from '../support/empty-database.ts';

let empty: EmptyDatabase;
beforeAll(async () => {
  empty = await createEmptyDatabase();
});
afterAll(() => empty?.close());

it.each([
  [undefined, { pages: '1.1', jit: 'off' }],
  ['-c geqo=off', { pages: '1.1', jit: 'off' }],
  ['-c random_page_cost=3 -c jit=on', { pages: '3', jit: 'off' }],
])('what every session is set to, with the options %s of an address', async (options, settings) => {
  const url = new URL(empty.url);
  if (options !== undefined) url.searchParams.set('options', options);
  const { database: config } = readConfig({ DATABASE_URL: url.href });
  const database = await openDatabase(config, pino({ level: 'silent' }));
  try {
    const rows = await database.prisma.$queryRaw`
      SELECT current_setting('random_page_cost') AS pages, current_setting('jit') AS jit`;
    expect(rows).toEqual([settings]);
  } finally {
    await database.close();
  }
});
