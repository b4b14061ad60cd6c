import type { Logger } from 'pino';
import type { WatchStatements } from '../database/statements.ts';
import type { Metrics } from '../metrics/metrics.ts';

/** How much of a slow statement is logged: those of large operations are longer, and what tells them apart is said by then. */
const MAX_LOGGED_CHARACTERS = 4000;

/**
 * Counts what is sent to a database, and logs what takes long: the text of it, never its parameters.
 * @param slowStatementMs milliseconds from which on that is; 0: never.
 */
export function watchForSlowness(
  log: Logger,
  metrics: Pick<Metrics, 'statementEnded' | 'statementWasSlow'>,
  slowStatementMs: number,
): WatchStatements {
  const limitMs = slowStatementMs === 0 ? Infinity : slowStatementMs;
  return (text, request) => {
    const started = performance.now();
    return (error) => {
      const durationMs = performance.now() - started;
      metrics.statementEnded(error === undefined ? 'success' : 'error', durationMs / 1000);
      if (durationMs < limitMs) return;
      metrics.statementWasSlow();
      log.warn(
        {
          requestId: request?.requestId,
          route: request?.about.route,
          operation: request?.about.operation,
          durationMs: Math.round(durationMs * 100) / 100,
          sql: text.slice(0, MAX_LOGGED_CHARACTERS),
        },
        'slow statement',
      );
    };
  };
}
