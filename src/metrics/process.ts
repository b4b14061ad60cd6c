import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

let ofProcess: Registry | undefined;

/** What prom-client knows of every Node process: memory, CPU, files, the event loop. There is one process, however many gateways. */
export function processMetrics(): Registry {
  if (!ofProcess) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}

/** Which program this is: always 1. */
export function addBuildInfo(registry: Registry, version: string): void {
  const info = new Gauge({
    name: 'rosetta_gateway_build_info',
    help: 'The version of the gateway; always 1.',
    labelNames: ['version', 'node'] as const,
    registers: [registry],
  });
  info.set({ version, node: process.versions.node }, 1);
}
