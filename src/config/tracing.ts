import { validateHeaderName, validateHeaderValue } from 'node:http';
import { z } from 'zod';
import { oneOf } from './values.ts';

/** Pairs as OpenTelemetry writes them in a variable: `name=value,name=value`, percent-encoded where needed. */
function readPairs(text: string): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair.trim() !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/s.exec(pair) ?? [];
      if (name === undefined) throw new SyntaxError('A pair has no name.');
      return [decodeURIComponent(name), decodeURIComponent(value!)];
    }),
  );
}

const PAIRS = 'allowed are pairs, name=value,name=value, percent-encoded where needed';

// What is wrong is not shown: headers hold secrets.
const pairs = z.string().transform((text, ctx) => {
  try {
    return readPairs(text);
  } catch {
    ctx.addIssue(`is no list of pairs; ${PAIRS}`);
    return z.NEVER;
  }
});

const headers = pairs.superRefine((given, ctx) => {
  try {
    for (const [name, value] of Object.entries(given)) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    }
  } catch {
    ctx.addIssue(`has what cannot stand in a header of HTTP; ${PAIRS}`);
  }
});

const endpoint = z.string().superRefine((text, ctx) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return;
  ctx.addIssue('is not a URL of HTTP; allowed is http://host:4318, or https');
});

const protocol = oneOf(['http/protobuf', 'http/json']);

const ratio = z
  .string()
  .regex(/^(0(\.\d+)?|1(\.0+)?)$/, 'is not a share; allowed is a number from 0 to 1')
  .transform(Number);

/** The variables about traces, by the names that OpenTelemetry gives them. */
export const tracingVariables = {
  OTEL_SDK_DISABLED: oneOf(['true', 'false']).default('false'),
  OTEL_TRACES_EXPORTER: oneOf(['otlp', 'none']).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint.optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: protocol.default('http/protobuf'),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: protocol.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: headers.optional(),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: headers.optional(),
  OTEL_TRACES_SAMPLER: oneOf([
    'always_on',
    'always_off',
    'traceidratio',
    'parentbased_always_on',
    'parentbased_always_off',
    'parentbased_traceidratio',
  ]).default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: ratio.default(1),
  OTEL_SERVICE_NAME: z.string().optional(),
  OTEL_RESOURCE_ATTRIBUTES: pairs.optional(),
};

type TracingEnvironment = z.output<z.ZodObject<typeof tracingVariables>>;

/** Where traces are sent, and which. */
export interface TracingConfig {
  readonly url: string;
  readonly protocol: 'http/protobuf' | 'http/json';
  readonly headers: Readonly<Record<string, string>>;
  readonly sampler: TracingEnvironment['OTEL_TRACES_SAMPLER'];
  /** The share of traces that a sampler takes that goes by their ids, 0 to 1. */
  readonly ratio: number;
  /** What is said of the gateway with all of them. */
  readonly resource: Readonly<Record<string, string>>;
}

/** Where an endpoint is given, or the exporter named, there are traces; else there are none. */
export function readTracing(env: TracingEnvironment): TracingConfig | undefined {
  const { OTEL_TRACES_EXPORTER: exporter, OTEL_EXPORTER_OTLP_ENDPOINT: base } = env;
  const own = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  const isWanted = exporter ? exporter === 'otlp' : (base ?? own) !== undefined;
  if (!isWanted || env.OTEL_SDK_DISABLED === 'true') return undefined;
  const { OTEL_RESOURCE_ATTRIBUTES: attributes, OTEL_SERVICE_NAME: name } = env;
  return {
    url: own ?? `${(base ?? 'http://localhost:4318').replace(/\/$/, '')}/v1/traces`,
    protocol: env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? env.OTEL_EXPORTER_OTLP_PROTOCOL,
    headers: { ...env.OTEL_EXPORTER_OTLP_HEADERS, ...env.OTEL_EXPORTER_OTLP_TRACES_HEADERS },
    sampler: env.OTEL_TRACES_SAMPLER,
    ratio: env.OTEL_TRACES_SAMPLER_ARG,
    resource: {
      'service.name': 'rosetta-gateway',
      ...attributes,
      ...(name && { 'service.name': name }),
    },
  };
}
