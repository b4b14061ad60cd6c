import pino from 'pino';
import type { Config } from '../config/config.ts';
import { openDatabase, type Database } from '../database/database.ts';

/** Runs a command on the configured database. What the database layer has to say goes to standard error. */
export async function withDatabase(
  config: Config,
  run: (database: Database) => Promise<number>,
): Promise<number> {
  const log = pino({ level: 'warn', base: undefined }, pino.destination({ dest: 2, sync: true }));
  const database = await openDatabase(config.database, log);
  try {
    return await run(database);
  } finally {
    await database.close();
  }
}
