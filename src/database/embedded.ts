import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { PrismaPGlite } from 'pglite-prisma-adapter';
import { createClient, type DatabaseOptions } from './client.ts';
import type { Database } from './database.ts';
import { lockDirectory } from './directory-lock.ts';
import { CHANGED_CHANNEL } from './listen.ts';
import { migrateAlone } from './migrate.ts';
import { embeddedSnapshots } from './snapshot.ts';
import { supervisePGlite } from './statements.ts';
import { embeddedTexts } from './texts.ts';

/** A database on an embedded PostgreSQL that is already running; closing it ends that too. */
export function embeddedDatabase(pglite: PGlite, options: DatabaseOptions = {}): Database {
  const adapterFactory = new PrismaPGlite(supervisePGlite(pglite, options.watch));
  const prisma = createClient(adapterFactory, options);
  return {
    kind: 'embedded',
    prisma,
    texts: embeddedTexts(pglite, options),
    snapshot: embeddedSnapshots(pglite),
    connections: () => undefined,
    // One process at a time has the directory.
    exclusively: (run) =>
      run(() =>
        migrateAlone({ adapterFactory, runScript: (script) => pglite.exec(script) }, (sql) =>
          pglite.query(sql),
        ),
      ),
    listen(wake) {
      const listening = pglite.listen(CHANGED_CHANNEL, wake);
      // What it fails with is told to who stops it; nobody has asked before.
      listening.catch(() => {});
      return async () => (await listening)();
    },
    async close() {
      await prisma.$disconnect();
      await pglite.close();
    },
  };
}

/**
 * Starts the embedded PostgreSQL of a directory.
 * @throws DirectoryInUseError if another process has it open.
 */
export async function openEmbedded(directory: string, options: DatabaseOptions): Promise<Database> {
  const unlock = await lockDirectory(directory);
  try {
    const pglite = await PGlite.create(join(directory, 'postgres'));
    const database = embeddedDatabase(pglite, options);
    return {
      ...database,
      async close() {
        await database.close();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}
