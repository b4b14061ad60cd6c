import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { DatabaseOptions } from '../database/database.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { watchForSlowness } from './slow-statements.ts';
import { commentWithOperation } from './sql-comments.ts';

/** What is to be seen of the statements that a gateway sends. */
export function databaseOptions(
  config: Pick<Config, 'slowStatementMs' | 'sqlComments'>,
  log: Logger,
  metrics: Metrics,
): DatabaseOptions {
  return {
    watch: watchForSlowness(log, metrics, config.slowStatementMs),
    onWait: metrics.connectionWaitedFor,
    commentOn: config.sqlComments ? commentWithOperation() : undefined,
  };
}
