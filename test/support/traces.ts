import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** A span as a collector gets it, its attributes as a plain object. */
export interface SentSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  /** 1: internal, 2: server, 3: client. */
  kind: number;
  status: { code?: number };
  attributes: Record<string, unknown>;
  resource: Record<string, unknown>;
}

type Value = Record<string, unknown> & { arrayValue?: { values: Value[] } };
interface Attributes {
  attributes: { key: string; value: Value }[];
}
type Batch = {
  resourceSpans: {
    resource: Attributes;
    scopeSpans: { spans: (Omit<SentSpan, 'attributes'> & Attributes)[] }[];
  }[];
};

const readValue = (value: Value): unknown =>
  value.arrayValue ? value.arrayValue.values.map(readValue) : Object.values(value)[0];

const readAttributes = ({ attributes }: Attributes) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, readValue(value)]));

/** What takes traces over OTLP, in JSON. */
export interface Collector {
  readonly url: string;
  /** What has arrived so far. */
  readonly spans: SentSpan[];
  readonly requests: { path: string | undefined; headers: IncomingHttpHeaders }[];
  close(): Promise<void>;
}

const accept = (res: ServerResponse) => {
  res.setHeader('Content-Type', 'application/json');
  res.end('{}');
};

/** @param answer what it does when it has read a batch. */
export async function startCollector(answer = accept): Promise<Collector> {
  const spans: SentSpan[] = [];
  const requests: Collector['requests'] = [];
  const server = createServer((req, res) => {
    requests.push({ path: req.url, headers: req.headers });
    if (req.headers['content-type'] !== 'application/json') return accept(req.resume() && res);
    void json(req).then((body) => {
      for (const { resource, scopeSpans } of (body as Batch).resourceSpans) {
        const ofAll = readAttributes(resource);
        for (const span of scopeSpans.flatMap((scope) => scope.spans)) {
          spans.push({ ...span, attributes: readAttributes(span), resource: ofAll });
        }
      }
      answer(res);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
