import type { PrismaPg } from '@prisma/adapter-pg';
import type { PrismaPGlite } from 'pglite-prisma-adapter';
import { PrismaClient } from './generated/client/client.ts';

export interface DatabaseOptions {
  /** Called with the text of each statement that is sent and its parameters, as JSON; for tests. */
  onStatement?: ((sql: string, parameters: string) => void) | undefined;
}

/** The one client of a database. */
export function createClient(
  adapter: PrismaPg | PrismaPGlite,
  { onStatement }: DatabaseOptions,
): PrismaClient {
  // Errors are logged once, by whoever handles the request; Prisma would print them too.
  if (!onStatement) return new PrismaClient({ adapter, log: [], errorFormat: 'minimal' });
  const prisma = new PrismaClient({
    adapter,
    log: [{ level: 'query', emit: 'event' }],
    errorFormat: 'minimal',
  });
  prisma.$on('query', (event) => onStatement(event.query, event.params));
  return prisma;
}
