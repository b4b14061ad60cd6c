import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { DatabaseOptions } from '../database/database.ts';
import type { WatchStatements } from '../database/statements.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { watchForSlowness } from './slow-statements.ts';
import { commentWithOperation } from './sql-comments.ts';

const watchForTraces: WatchStatements = (text, request) => request?.trace?.statementBegins(text);

const watchBoth =
  (one: WatchStatements, other: WatchStatements): WatchStatements =>
  (text, request) => {
    const ends = [one(text, request), other(text, request)];
    return (error) => ends.forEach((end) => end?.(error));
  };

/** What is to be seen of the statements that a gateway sends. */
export function databaseOptions(
  config: Pick<Config, 'slowStatementMs' | 'sqlComments' | 'tracing'>,
  log: Logger,
  metrics: Metrics,
): DatabaseOptions {
  const watchSlowness = watchForSlowness(log, metrics, config.slowStatementMs);
  return {
    watch: config.tracing ? watchBoth(watchSlowness, watchForTraces) : watchSlowness,
    onWait: metrics.connectionWaitedFor,
    commentOn: config.sqlComments ? commentWithOperation() : undefined,
  };
}
