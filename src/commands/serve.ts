import { createLog } from '../app/log.ts';
import { serve } from '../app/serve.ts';
import type { Config } from '../config/config.ts';

/** Runs the gateway until it is told to stop (SIGTERM, SIGINT). */
export async function runServe(config: Config): Promise<number> {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort());
  await serve(config, createLog(config), stop.signal);
  return 0;
}
