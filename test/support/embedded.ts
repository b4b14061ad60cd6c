import { openAsBlob } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import { embeddedDatabase } from '../../src/database/embedded.ts';
import type { Database, DatabaseOptions } from '../../src/database/database.ts';
import { CHANGED_CHANNEL } from '../../src/database/listen.ts';

/**
 * Embedded databases for tests. Loading one takes most of a second of the processor, emptying one a tenth of it: those that a
 * test has left as it has found them, but for their rows, are emptied and given to the next.
 */
const emptied: PGlite[] = [];

/** Everything but rows, and the rows that migrations make. */
const CONDITION = `
  SELECT md5(string_agg(part, ' ' ORDER BY part)) AS condition FROM (
    SELECT concat_ws(' ', relname, relkind, relpersistence) FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', attrelid::regclass, attname, atttypid, attnotnull, pg_get_expr(adbin, adrelid))
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    UNION ALL
    SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indexrelid >= 16384
    UNION ALL
    SELECT concat_ws(' ', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint WHERE oid >= 16384
    UNION ALL
    SELECT concat_ws(' ', tgenabled, pg_get_triggerdef(oid)) FROM pg_trigger
    UNION ALL
    SELECT pg_get_functiondef(oid) FROM pg_proc WHERE oid >= 16384 AND prokind <> 'a'
    UNION ALL
    SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'
    UNION ALL
    SELECT rolname FROM pg_roles
    UNION ALL
    SELECT setconfig::text FROM pg_db_role_setting
    UNION ALL
    SELECT row_to_json(_prisma_migrations)::text FROM _prisma_migrations
  ) AS parts (part)`;

/** That of the template. */
let pristine: string | undefined;

async function conditionOf(pglite: PGlite): Promise<string> {
  const { rows } = await pglite.query<{ condition: string }>(CONDITION);
  return rows[0]!.condition;
}

/** Undoes what a session leaves, and removes all rows. */
async function empty(pglite: PGlite): Promise<void> {
  await pglite.unlisten(CHANGED_CHANNEL);
  await pglite.exec('ROLLBACK');
  await pglite.exec('DISCARD ALL');
  await pglite.exec(`
    DO $$
    DECLARE
      tables TEXT := (SELECT string_agg(format('%I', relname), ', ') FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
          AND relname NOT IN ('_prisma_migrations', 'change_history'));
    BEGIN
      EXECUTE 'TRUNCATE ' || tables;
    END $$;
    DELETE FROM pg_statistic;`);
}

/** Lets a database be used until it is given back, by whom it was given to: to others it is as good as closed. */
function lend(pglite: PGlite): { lent: PGlite; takeBack: () => void } {
  // What is set, as the gateway sets its own way to send statements, is the borrower's alone.
  const { proxy, revoke } = Proxy.revocable({} as PGlite, {
    get(own, name) {
      const value: unknown = Reflect.get(Object.hasOwn(own, name) ? own : pglite, name, pglite);
      return typeof value === 'function' && !Object.hasOwn(own, name)
        ? (value.bind(pglite) as unknown)
        : value;
    },
  });
  return { lent: proxy, takeBack: revoke };
}

/** A migrated, empty database. */
export async function borrowEmbedded(
  dumpFile: string,
  options: DatabaseOptions,
): Promise<Database> {
  const pglite =
    emptied.pop() ?? (await PGlite.create({ loadDataDir: await openAsBlob(dumpFile) }));
  pristine ??= await conditionOf(pglite);
  const { lent, takeBack } = lend(pglite);
  const database = embeddedDatabase(lent, options);
  return {
    ...database,
    async close() {
      await database.prisma.$disconnect();
      takeBack();
      if ((await conditionOf(pglite)) !== pristine) return pglite.close();
      await empty(pglite);
      emptied.push(pglite);
    },
  };
}

let blank: Promise<File | Blob> | undefined;

async function dumpBlank(): Promise<File | Blob> {
  const pglite = await PGlite.create();
  const dump = await pglite.dumpDataDir('none');
  await pglite.close();
  return dump;
}

/** An embedded PostgreSQL that nothing was made in. Making one takes seconds: they are copies of the first. */
export async function createBlank(): Promise<PGlite> {
  return PGlite.create({ loadDataDir: await (blank ??= dumpBlank()) });
}
