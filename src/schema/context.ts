import type { PrismaClient } from '../database/generated/client/client.ts';
import type { Loaders } from '../loaders/loaders.ts';

/** What every resolver of one request shares. */
export interface GatewayContext {
  /** 32 lower-case hex digits, fresh for each request. */
  readonly requestId: string;
  readonly prisma: PrismaClient;
  readonly loaders: Loaders;
  /** Whether data is taken in. */
  readonly ingest: boolean;
  /** The host in a task's `viewUrl`. */
  readonly rosettaDomain: string;
}
