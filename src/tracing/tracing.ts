import type { IncomingMessage } from 'node:http';
import { defaultTextMapGetter, ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import type { TracingConfig } from '../config/config.ts';
import type { CurrentRequest } from '../database/request.ts';
import type { RequestTrace } from '../domain/trace.ts';
import { boundedLabels } from '../metrics/labels.ts';
import { complainTo } from './complaints.ts';
import { followRequest } from './request-trace.ts';

/**
 * Milliseconds in which a batch is sent, attempts to do it again included; then it is given up. OpenTelemetry's own default
 * of ten seconds would hold up the end of the process for as long, where nobody takes the last batch.
 */
const EXPORT_TIMEOUT_MS = 3000;

/** How many names of operations are told apart in those of spans. */
const MAX_OPERATIONS = 100;

/** How much is kept of a path or a statement. */
const MAX_CHARACTERS = 4000;

/** The methods that a span may be called by. */
const METHODS: ReadonlySet<string> = new Set(
  'GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH'.split(' '),
);

/** Shows what goes on in requests where traces are looked at. */
export interface Tracing {
  /**
   * A request begins.
   * @param path where it goes to, without a query string.
   */
  begin(
    request: Pick<CurrentRequest, 'requestId' | 'about'>,
    path: string,
    req: Pick<IncomingMessage, 'method' | 'headers'>,
  ): RequestTrace;
  /** A subscription is asked for over WebSocket, with no request of HTTP. */
  beginOverWebSocket(request: Pick<CurrentRequest, 'requestId' | 'about'>): RequestTrace;
  /** Sends what is left, within seconds. Nothing is traced afterwards. */
  stop(): Promise<void>;
}

function createSampler({ sampler, ratio }: TracingConfig): Sampler {
  switch (sampler) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratio);
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
  }
}

async function createExporter({ url, headers, protocol }: TracingConfig) {
  const { OTLPTraceExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter({ url, headers, timeoutMillis: EXPORT_TIMEOUT_MS });
}

/**
 * Makes what traces requests.
 * @param version the gateway's own.
 */
export async function createTracing(
  config: TracingConfig,
  version: string,
  log: Logger,
): Promise<Tracing> {
  const complaints = complainTo(log);
  const processor = new BatchSpanProcessor({
    exporter: await createExporter(config),
    exportTimeoutMillis: EXPORT_TIMEOUT_MS,
  });
  const provider = new TracerProvider({
    resource: defaultResource().merge(
      resourceFromAttributes({ 'service.version': version, ...config.resource }),
    ),
    sampler: createSampler(config),
    spanLimits: { attributeValueLengthLimit: MAX_CHARACTERS },
    spanProcessors: [processor],
  });
  const tracer = provider.getTracer('rosetta-gateway', version);
  const callers = new W3CTraceContextPropagator();
  const labelOf = boundedLabels(MAX_OPERATIONS);

  return {
    begin({ requestId, about }, path, { method = '', headers }) {
      const known = METHODS.has(method) ? method : '_OTHER';
      const attributes = {
        'rosetta.request_id': requestId,
        'http.request.method': known,
        ...(known !== method && { 'http.request.method_original': method }),
        'url.path': path,
        'url.scheme': 'http',
      };
      const name = known === '_OTHER' ? 'HTTP' : known;
      const caller = callers.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, caller);
      return followRequest(tracer, span, name, about, labelOf);
    },
    beginOverWebSocket({ requestId, about }) {
      const attributes = {
        'rosetta.request_id': requestId,
        'network.protocol.name': 'websocket',
      };
      const span = tracer.startSpan('websocket', { kind: SpanKind.SERVER, attributes });
      return followRequest(tracer, span, undefined, about, labelOf);
    },
    async stop() {
      await provider.shutdown().catch(complaints.complainOf);
      complaints.stop();
    },
  };
}
