import { z } from 'zod';
import { isTimeZone } from '../domain/time.ts';
import { authVariables, checkAuth, readAuth } from './auth.ts';
import { limitVariables, readLimits } from './limits.ts';
import { checkSurface, readOperations, readSurface, surfaceVariables } from './surface.ts';
import { readTracing, tracingVariables } from './tracing.ts';
import { MAX_TIMER_MS, oneOf, wholeNumber } from './values.ts';

export type { AuthConfig, TokenConfig } from './auth.ts';
export type { TracingConfig } from './tracing.ts';

/** What went wrong with the environment, in a form to print and end the start with. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

const postgresUrl = z.string().superRefine((text, ctx) => {
  // The value itself never goes into a message: it may hold a password.
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    ctx.addIssue('is not a URL; allowed is postgresql://user:password@host:port/database');
    return;
  }
  if (url.protocol !== 'postgresql:' && url.protocol !== 'postgres:') {
    ctx.addIssue(
      `has the scheme ${JSON.stringify(url.protocol)}; allowed is postgresql: or postgres:`,
    );
  }
  const schema = url.searchParams.get('schema');
  if (schema !== null && schema !== 'public') {
    ctx.addIssue(
      `asks for the schema ${JSON.stringify(schema)}; allowed is only "public", or none: use a database of its own`,
    );
  }
});

const address = z.string().min(1, 'is empty; allowed is an address to listen on');

const timeZone = z
  .string()
  .refine(
    isTimeZone,
    'is not a time zone; allowed is a name of the IANA time zone database, Asia/Shanghai for instance',
  );

const domain = z
  .string()
  .regex(
    /^[A-Za-z0-9.-]+(:\d{1,5})?$/,
    'is not a host name; allowed are letters, digits, dots and hyphens, and a port',
  );

/**
 * Every variable the gateway reads, with its default and its meaning. README's table says the same; a test compares the
 * two lists.
 */
const variables = {
  HOST: address.default('127.0.0.1'),
  PORT: wholeNumber(0, 65_535).default(4000),
  DATABASE_URL: postgresUrl.optional(),
  GATEWAY_DATA_DIR: z
    .string()
    .min(1, 'is empty; allowed is the path of a directory')
    .default('.data'),
  GATEWAY_DEMO: oneOf(['on', 'off']).optional(),
  GATEWAY_MIGRATE: oneOf(['on', 'off']).default('on'),
  GATEWAY_COMPILED: oneOf(['on', 'off']).default('on'),
  GATEWAY_INGEST: oneOf(['on', 'off']).default('off'),
  ...authVariables,
  GATEWAY_MIN_GROUP: wholeNumber(1, 1000).default(5),
  ...surfaceVariables,
  GATEWAY_TIME_ZONE: timeZone.default('UTC'),
  ROSETTA_DOMAIN: domain.default('rosetta.example.com'),
  GATEWAY_MAX_BODY_BYTES: wholeNumber(1, 1_073_741_824).default(1_048_576),
  GATEWAY_MAX_SPOOL_BYTES: wholeNumber(1, Number.MAX_SAFE_INTEGER).default(1_073_741_824),
  GATEWAY_MAX_HEADER_BYTES: wholeNumber(1024, 16_777_216).default(131_072),
  ...limitVariables,
  GATEWAY_MAX_EXPORTS: wholeNumber(1, 1000).default(4),
  GATEWAY_MAX_REQUESTS: wholeNumber(1, 1_000_000).default(400),
  GATEWAY_REQUEST_TIMEOUT: wholeNumber(1, MAX_TIMER_MS).default(60_000),
  GATEWAY_MAX_LAG: wholeNumber(1, MAX_TIMER_MS).default(500),
  GATEWAY_POOL_SIZE: wholeNumber(1, 1000).default(10),
  GATEWAY_POOL_WAIT: wholeNumber(1, MAX_TIMER_MS).default(5000),
  GATEWAY_STATEMENT_TIMEOUT: wholeNumber(1, MAX_TIMER_MS).default(30_000),
  GATEWAY_NAMED_STATEMENTS: oneOf(['on', 'off']).default('on'),
  GATEWAY_SQL_COMMENTS: oneOf(['on', 'off']).default('off'),
  GATEWAY_SLOW_STATEMENT: wholeNumber(0, MAX_TIMER_MS).default(1000),
  GATEWAY_METRICS_PORT: wholeNumber(0, 65_535).optional(),
  GATEWAY_METRICS_HOST: address.default('127.0.0.1'),
  GATEWAY_SHUTDOWN_TIMEOUT: wholeNumber(0, MAX_TIMER_MS).default(10_000),
  GATEWAY_LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default(
    'info',
  ),
  GATEWAY_LOG_FORMAT: oneOf(['json', 'pretty']).optional(),
  ...tracingVariables,
};

export const VARIABLE_NAMES = Object.keys(variables) as (keyof typeof variables)[];

/** Where the rows live: a PostgreSQL server, or the embedded PostgreSQL in a directory of its own. */
export type DatabaseConfig =
  | {
      kind: 'postgresql';
      url: string;
      poolSize: number;
      /** Milliseconds a request waits for a free connection before it is answered with 503. */
      poolWaitMs: number;
      /** Milliseconds one statement may take. */
      statementTimeoutMs: number;
      /** Whether statements are prepared under a name; a transaction-pooling proxy does not bear that. */
      namedStatements: boolean;
    }
  | { kind: 'embedded'; directory: string };

export type Config = ReturnType<typeof readConfig>;

/**
 * Reads the configuration from environment variables. An empty variable counts as absent.
 * @throws ConfigError naming every bad variable, what is wrong with it and what is allowed.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>) {
  const given = Object.fromEntries(
    VARIABLE_NAMES.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])),
  );
  const result = z
    .object(variables)
    .superRefine(checkAuth)
    .superRefine(checkSurface)
    .safeParse(given);
  if (!result.success) {
    throw new ConfigError(
      result.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('\n'),
    );
  }
  const env = result.data;
  const database: DatabaseConfig = env.DATABASE_URL
    ? {
        kind: 'postgresql',
        url: env.DATABASE_URL,
        poolSize: env.GATEWAY_POOL_SIZE,
        poolWaitMs: env.GATEWAY_POOL_WAIT,
        statementTimeoutMs: env.GATEWAY_STATEMENT_TIMEOUT,
        namedStatements: env.GATEWAY_NAMED_STATEMENTS === 'on',
      }
    : { kind: 'embedded', directory: env.GATEWAY_DATA_DIR };
  return {
    host: env.HOST,
    port: env.PORT,
    database,
    /** Whether the simulated demo data is loaded into an empty database. */
    demo: env.GATEWAY_DEMO ? env.GATEWAY_DEMO === 'on' : database.kind === 'embedded',
    migrate: env.GATEWAY_MIGRATE === 'on',
    /** Whether data is taken in over HTTP. */
    ingest: env.GATEWAY_INGEST === 'on',
    /** How callers show who they are; undefined: nobody is asked. */
    auth: readAuth(env),
    /** What the secrets of signed keys are encrypted with; absent: they can be neither made nor checked. */
    secretKey: env.GATEWAY_SECRET_KEY,
    /** How many operators a group has at least of whose work those are told from whom people are hidden. */
    minGroup: env.GATEWAY_MIN_GROUP,
    /** What is shown of the schema, and to pages of whom. */
    surface: readSurface(env),
    operations: readOperations(env),
    /** Whether queries are answered by one statement each, where all that they ask for is plain. */
    compiled: env.GATEWAY_COMPILED === 'on',
    /** The zone of `date` and `created_time` in REST answers. */
    timeZone: env.GATEWAY_TIME_ZONE,
    /** The host in a task's `viewUrl`. */
    rosettaDomain: env.ROSETTA_DOMAIN,
    /** How large an operation may be. */
    limits: readLimits(env),
    maxBodyBytes: env.GATEWAY_MAX_BODY_BYTES,
    /** How many bytes of imports may be put aside at once of which it is not known yet who sends them. */
    maxSpoolBytes: env.GATEWAY_MAX_SPOOL_BYTES,
    /** How many exports may be under way at once. */
    maxExports: env.GATEWAY_MAX_EXPORTS,
    /** How many requests may be under way at once, those that last aside. */
    maxRequests: env.GATEWAY_MAX_REQUESTS,
    /** Milliseconds a request may take, those that last aside. */
    requestTimeoutMs: env.GATEWAY_REQUEST_TIMEOUT,
    /** Milliseconds by which the event loop, or a connection to the database, may be late before more is turned away. */
    maxLagMs: env.GATEWAY_MAX_LAG,
    maxHeaderBytes: env.GATEWAY_MAX_HEADER_BYTES,
    /** Milliseconds from which on a statement is logged for its slowness; 0: none is. */
    slowStatementMs: env.GATEWAY_SLOW_STATEMENT,
    /** Whether statements that a PostgreSQL server gets say which operation they are sent for. */
    sqlComments: env.GATEWAY_SQL_COMMENTS === 'on',
    /** Where the metrics are told apart from everything else; undefined: on the port of everything else, to admins. */
    metrics:
      env.GATEWAY_METRICS_PORT === undefined
        ? undefined
        : { host: env.GATEWAY_METRICS_HOST, port: env.GATEWAY_METRICS_PORT },
    /** Where traces are sent; undefined: there are none. */
    tracing: readTracing(env),
    /** Milliseconds that requests under way get to finish after SIGTERM. */
    shutdownTimeoutMs: env.GATEWAY_SHUTDOWN_TIMEOUT,
    logLevel: env.GATEWAY_LOG_LEVEL,
    /** Absent: pretty on a terminal, JSON elsewhere. */
    logFormat: env.GATEWAY_LOG_FORMAT,
  };
}
