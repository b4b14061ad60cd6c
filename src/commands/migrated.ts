import { migrateDatabase, pendingMigrations, type Database } from '../database/database.ts';

/** Brings the tables up to date, or makes sure that they are. */
export async function ensureMigrated(database: Database, migrate: boolean): Promise<void> {
  if (migrate) {
    await migrateDatabase(database);
    return;
  }
  const pending = await pendingMigrations(database.prisma);
  if (pending.length > 0) {
    throw new Error(
      `The database lacks the migrations ${pending.join(', ')}, and GATEWAY_MIGRATE is off: run "npm run migrate" first.`,
    );
  }
}
