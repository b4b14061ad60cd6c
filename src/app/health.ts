import type { ServerResponse } from 'node:http';
import type { Database } from '../database/database.ts';
import { pendingMigrations } from '../database/database.ts';
import { onNobodysBehalf } from '../database/request.ts';
import { RETRY_AFTER_SECONDS } from '../domain/errors.ts';

/** Milliseconds the database gets to answer whether it is there. */
const PROBE_TIMEOUT_MS = 3000;

/** Whether requests can be answered now, and if not, why. */
export type Readiness = { ready: true } | { ready: false; reason: string };

/**
 * Makes the check behind `/readyz`: the gateway has started (migrations and demo data included), is not about to stop,
 * and the database answers. Checks that come while one is under way share its result.
 */
export function createReadinessCheck(
  database: () => Database | undefined,
  stopping: AbortSignal,
): () => Promise<Readiness> {
  let underWay: Promise<Readiness> | undefined;

  const probe = async (): Promise<Readiness> => {
    const open = database();
    if (!open) return { ready: false, reason: 'starting' };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), PROBE_TIMEOUT_MS);
    });
    try {
      const pending = await Promise.race([pendingMigrations(open.prisma), late]);
      if (pending === 'late') return { ready: false, reason: 'the database does not answer' };
      return pending.length === 0
        ? { ready: true }
        : { ready: false, reason: `migrations are missing: ${pending.join(', ')}` };
    } catch {
      // The reason goes to the log with the requests that it fails.
      return { ready: false, reason: 'the database cannot be reached' };
    } finally {
      clearTimeout(timer);
    }
  };

  return async () => {
    if (stopping.aborted) return { ready: false, reason: 'stopping' };
    underWay ??= onNobodysBehalf(probe).finally(() => (underWay = undefined));
    return underWay;
  };
}

/** Answers a probe: 200, or 503 with the reason. */
export function writeProbe(res: ServerResponse, readiness: Readiness): void {
  const body = JSON.stringify(
    readiness.ready ? { status: 'ok' } : { status: 'unavailable', reason: readiness.reason },
  );
  res.statusCode = readiness.ready ? 200 : 503;
  if (!readiness.ready) res.setHeader('Retry-After', RETRY_AFTER_SECONDS);
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(body);
}
