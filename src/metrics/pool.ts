import type { Registry } from 'prom-client';
import type { PoolLevels } from '../database/database.ts';
import { addGauge, addGauges } from './gauges.ts';

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
  return {
    watchPool(levels: () => PoolLevels | undefined) {
      read = levels;
    },
  };
}
