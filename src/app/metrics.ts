import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { splitTarget } from '../rest/rest.ts';
import { METRICS_PATH } from './paths.ts';

/** Milliseconds a request may take to arrive; it is a line and some headers. */
const REQUEST_TIMEOUT_MS = 10_000;

/** Answers who asks how the gateway is doing. */
export async function writeMetrics(res: ServerResponse, metrics: Metrics): Promise<void> {
  const { contentType, text } = await metrics.render();
  res.statusCode = 200;
  res.setHeader('Content-Type', contentType);
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  res.end(text);
}

/** Whether a request asks, and does not tell. */
export function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** A server that has the metrics and nothing else, for whoever can reach it. */
function createMetricsServer(metrics: Metrics, log: Logger): Server {
  const refuse = (res: ServerResponse, status: number) => {
    res.statusCode = status;
    if (status === 405) res.setHeader('Allow', 'GET, HEAD');
    res.setHeader('Content-Length', 0);
    res.end();
  };
  return createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (req, res) => {
      if (splitTarget(req.url ?? '/').path !== METRICS_PATH) return refuse(res, 404);
      if (!isRead(req)) return refuse(res, 405);
      writeMetrics(res, metrics).catch((error: unknown) => {
        log.error({ err: error }, 'the metrics could not be told');
        refuse(res, 500);
      });
    },
  );
}

/** Tells the metrics on a port of their own. @returns what ends that. */
export async function listenForMetrics(
  { host, port }: NonNullable<Config['metrics']>,
  metrics: Metrics,
  log: Logger,
): Promise<() => void> {
  const server = createMetricsServer(metrics, log).listen(port, host);
  await once(server, 'listening');
  log.info({ host, port: (server.address() as AddressInfo).port }, 'metrics');
  return () => {
    server.close();
    server.closeAllConnections();
  };
}
