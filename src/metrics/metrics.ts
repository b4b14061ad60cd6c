import { Registry } from 'prom-client';
import { addBuildInfo, processMetrics } from './process.ts';
import { createPoolMetrics } from './pool.ts';
import { createRequestMetrics } from './requests.ts';
import { createRollUpMetrics } from './rollups.ts';
import { createRowMetrics } from './rows.ts';
import { createStatementMetrics } from './statements.ts';

export type { EndedRequest, Traffic } from './requests.ts';
export type { RowOutcome } from './rows.ts';

/** What the gateway counts, and how Prometheus reads it. */
export type Metrics = ReturnType<typeof createMetrics>;

/** @param version the gateway's own. */
export function createMetrics(version: string) {
  const registry = new Registry();
  addBuildInfo(registry, version);
  return {
    ...createRequestMetrics(registry),
    ...createRowMetrics(registry),
    ...createPoolMetrics(registry),
    ...createStatementMetrics(registry),
    ...createRollUpMetrics(registry),
    /** Everything in Prometheus' text format, and the media type that says so. */
    async render(): Promise<{ contentType: string; text: string }> {
      const all = Registry.merge([registry, processMetrics()]);
      return { contentType: all.contentType, text: await all.metrics() };
    },
  };
}
