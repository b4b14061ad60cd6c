import type { PrismaPg } from '@prisma/adapter-pg';
import type { PrismaPGlite } from 'pglite-prisma-adapter';
import { withSeparateRequests } from './batches.ts';
import type { CommentOn } from './comments.ts';
import { PrismaClient } from './generated/client/client.ts';
import type { WatchStatements } from './statements.ts';

export interface DatabaseOptions {
  /** Called with the text of each statement that is sent and its parameters, as JSON; for tests. */
  onStatement?: ((sql: string, parameters: string) => void) | undefined;
  /** Told of each statement that is sent, on whose behalf, and how it went. */
  watch?: WatchStatements | undefined;
  /** What is added to statements that are sent to a PostgreSQL server. */
  commentOn?: CommentOn | undefined;
  /** Told how many seconds somebody has waited for one of the connections that requests share. */
  onWait?: ((seconds: number) => void) | undefined;
}

/** The one client of a database. */
export function createClient(
  adapter: PrismaPg | PrismaPGlite,
  { onStatement }: DatabaseOptions,
): PrismaClient {
  // Errors are logged once, by whoever handles the request; Prisma would print them too.
  const options = { adapter, errorFormat: 'minimal' } as const;
  if (!onStatement) return withSeparateRequests(new PrismaClient({ ...options, log: [] }));
  const prisma = new PrismaClient({ ...options, log: [{ level: 'query', emit: 'event' }] });
  prisma.$on('query', (event) => onStatement(event.query, event.params));
  return withSeparateRequests(prisma);
}
