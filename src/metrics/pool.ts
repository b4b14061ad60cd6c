import { Histogram, type Registry } from 'prom-client';
import type { PoolLevels } from '../database/database.ts';
import { addGauge, addGauges } from './gauges.ts';

/** Seconds: from a connection that is idle to the longest wait that is usual. */
const BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** How busy the database's connections are. There is nothing to tell of the embedded database, or before one is ready. */
export function createPoolMetrics(registry: Registry) {
  let read: () => PoolLevels | undefined = () => undefined;
  addGauges(
    registry,
    'rosetta_gateway_pool_connections',
    'Connections to PostgreSQL that requests share.',
    'state',
    () => {
      const levels = read();
      return levels && { in_use: levels.inUse, idle: levels.idle };
    },
  );
  addGauge(
    registry,
    'rosetta_gateway_pool_waiting',
    'How many wait for a connection to PostgreSQL.',
    () => read()?.waiting,
  );
  const wait = new Histogram({
    name: 'rosetta_gateway_pool_wait_seconds',
    help: 'Time until who asked for a connection to PostgreSQL had one, or gave up.',
    buckets: BUCKETS,
    registers: [registry],
  });
  return {
    connectionWaitedFor: (seconds: number) => wait.observe(seconds),
    watchPool(levels: () => PoolLevels | undefined) {
      read = levels;
    },
  };
}
