import { Counter, Histogram, type Registry } from 'prom-client';

/** Seconds: from a look-up by key to what reaches the time limit. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What is sent to the database. Its texts are no labels: callers can write any number of them. */
export function createStatementMetrics(registry: Registry) {
  const registers = [registry];
  const duration = new Histogram({
    name: 'rosetta_gateway_statement_duration_seconds',
    help: 'Time from the sending of a statement to the end of its answer.',
    labelNames: ['outcome'] as const,
    buckets: BUCKETS,
    registers,
  });
  const slow = new Counter({
    name: 'rosetta_gateway_slow_statements_total',
    help: 'Statements that took as long as GATEWAY_SLOW_STATEMENT or longer; each has a line of the log.',
    registers,
  });

  return {
    statementEnded: (outcome: 'success' | 'error', seconds: number) =>
      duration.observe({ outcome }, seconds),
    statementWasSlow: () => slow.inc(),
  };
}
