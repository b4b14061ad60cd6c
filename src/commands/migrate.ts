import type { Config } from '../config/config.ts';
import { migrateDatabase } from '../database/database.ts';
import { withDatabase } from './database.ts';

/** Brings the database's tables up to date. */
export function runMigrate(config: Config): Promise<number> {
  return withDatabase(config, async (database) => {
    const applied = await migrateDatabase(database);
    process.stdout.write(
      applied.length > 0 ? `Applied: ${applied.join(', ')}\n` : 'The database is up to date.\n',
    );
    return 0;
  });
}
