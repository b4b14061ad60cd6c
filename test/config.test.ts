import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig, VARIABLE_NAMES } from '../src/config/config.ts';

/** The message of the error that a bad environment must produce. */
function refusal(environment: Record<string, string>): string {
  try {
    readConfig(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error(`${JSON.stringify(environment)} was accepted.`);
}

describe('defaults', () => {
  it('serve the embedded database with demo data, on loopback', () => {
    expect(readConfig({})).toEqual({
      host: '127.0.0.1',
      port: 4000,
      database: { kind: 'embedded', directory: '.data' },
      demo: true,
      migrate: true,
      ingest: false,
      auth: undefined,
      secretKey: undefined,
      minGroup: 5,
      surface: {
        introspection: true,
        suggestions: true,
        graphiql: true,
        corsOrigins: new Set(),
      },
      operations: { manifest: undefined, persistedOnly: false },
      timeZone: 'UTC',
      rosettaDomain: 'rosetta.example.com',
      compiled: true,
      limits: {
        characters: 100_000,
        tokens: 5000,
        depth: 20,
        fields: 5000,
        rootFields: 50,
        aliases: 200,
        directives: 200,
        cost: 100_000,
      },
      maxBodyBytes: 1_048_576,
      maxSpoolBytes: 1_073_741_824,
      maxHeaderBytes: 131_072,
      requestTimeoutMs: 60_000,
      maxExports: 4,
      maxLagMs: 500,
      maxRequests: 400,
      tracing: undefined,
      slowStatementMs: 1000,
      sqlComments: false,
      shutdownTimeoutMs: 10_000,
      logLevel: 'info',
      logFormat: undefined,
    });
  });

  it('load no demo data into a PostgreSQL server, unless told to', () => {
    const DATABASE_URL = 'postgres://user:secret@db:5432/rosetta';
    expect(readConfig({ DATABASE_URL })).toMatchObject({
      demo: false,
      database: {
        kind: 'postgresql',
        url: DATABASE_URL,
        poolSize: 10,
        poolWaitMs: 5000,
        statementTimeoutMs: 30_000,
        namedStatements: true,
      },
    });
    expect(readConfig({ DATABASE_URL, GATEWAY_DEMO: 'on' }).demo).toBe(true);
  });

  it('stand for empty variables too', () => {
    const empty = Object.fromEntries(VARIABLE_NAMES.map((name) => [name, '']));
    expect(readConfig(empty)).toEqual(readConfig({}));
  });
});

const NUMBERS = {
  PORT: [0, 65_535],
  GATEWAY_SIGN_WINDOW: [1, 86_400_000],
  GATEWAY_BUDGET: [0, 999_999_999],
  GATEWAY_MAX_BODY_BYTES: [1, 1_073_741_824],
  GATEWAY_MAX_SPOOL_BYTES: [1, 9_007_199_254_740_991],
  GATEWAY_MAX_HEADER_BYTES: [1024, 16_777_216],
  GATEWAY_MAX_CHARACTERS: [1, 1_073_741_824],
  GATEWAY_MAX_TOKENS: [1, 1_000_000],
  GATEWAY_MAX_DEPTH: [1, 500],
  GATEWAY_MAX_FIELDS: [1, 1_000_000],
  GATEWAY_MAX_ROOT_FIELDS: [1, 1_000_000],
  GATEWAY_MAX_ALIASES: [0, 1_000_000],
  GATEWAY_MAX_DIRECTIVES: [0, 1_000_000],
  GATEWAY_MAX_COST: [10_000, 1_000_000_000_000],
  GATEWAY_MAX_EXPORTS: [1, 1000],
  GATEWAY_POOL_SIZE: [1, 1000],
  GATEWAY_POOL_WAIT: [1, 2_147_483_647],
  GATEWAY_REQUEST_TIMEOUT: [1, 2_147_483_647],
  GATEWAY_STATEMENT_TIMEOUT: [1, 2_147_483_647],
  GATEWAY_SLOW_STATEMENT: [0, 2_147_483_647],
  GATEWAY_SHUTDOWN_TIMEOUT: [0, 2_147_483_647],
} as const;

const CHOICES = {
  GATEWAY_DEMO: ['on', 'off'],
  GATEWAY_MIGRATE: ['on', 'off'],
  GATEWAY_INGEST: ['on', 'off'],
  GATEWAY_COMPILED: ['on', 'off'],
  GATEWAY_AUTH: ['on', 'off'],
  GATEWAY_INTROSPECTION: ['on', 'off'],
  GATEWAY_SUGGESTIONS: ['on', 'off'],
  GATEWAY_GRAPHIQL: ['on', 'off'],
  GATEWAY_OPERATIONS: ['any', 'persisted'],
  GATEWAY_NAMED_STATEMENTS: ['on', 'off'],
  GATEWAY_SQL_COMMENTS: ['on', 'off'],
  GATEWAY_LOG_LEVEL: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
  GATEWAY_LOG_FORMAT: ['json', 'pretty'],
  OTEL_TRACES_EXPORTER: ['otlp', 'none'],
  OTEL_EXPORTER_OTLP_PROTOCOL: ['http/protobuf', 'http/json'],
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: ['http/protobuf', 'http/json'],
  OTEL_TRACES_SAMPLER: [
    'always_on',
    'always_off',
    'traceidratio',
    'parentbased_always_on',
    'parentbased_always_off',
    'parentbased_traceidratio',
  ],
} as const;

describe.each(Object.entries(NUMBERS))('%s', (name, [min, max]) => {
  it('takes its bounds', () => {
    for (const value of [min, max]) expect(() => readConfig({ [name]: `${value}` })).not.toThrow();
  });

  it.each(['-1', '1.5', '1e3', '0x10', 'abc', ' 1', '1 ', '+1', '１', '99999999999999999', 'NaN'])(
    'refuses %j, which is no whole number',
    (value) => {
      expect(refusal({ [name]: value })).toBe(
        `${name} is not a whole number; allowed is a whole number from ${min} to ${max}`,
      );
    },
  );

  it('refuses what is out of range', () => {
    for (const value of [max + 1, ...(min > 0 ? [min - 1] : [])]) {
      expect(refusal({ [name]: `${value}` })).toBe(
        `${name} is out of range; allowed is a whole number from ${min} to ${max}`,
      );
    }
  });
});

describe.each(Object.entries(CHOICES))('%s', (name, values) => {
  it('takes its values', () => {
    const GATEWAY_OPERATIONS_MANIFEST = 'manifest.json';
    for (const value of values) {
      const environment = { GATEWAY_OPERATIONS_MANIFEST, [name]: value };
      expect(() => readConfig(environment)).not.toThrow();
    }
  });

  it.each(['true', '1', 'ON', 'yes', ' on'])('refuses %j', (value) => {
    expect(refusal({ [name]: value })).toBe(
      `${name} is none of the known values; allowed is ${values.join(' or ')}`,
    );
  });
});

describe('DATABASE_URL', () => {
  it.each([
    ['postgresql://user:pa%40ss@[::1]:5432/db?sslmode=require'],
    ['postgres:///db?host=/var/run/postgresql'],
    ['postgresql://db/rosetta?schema=public'],
  ])('takes %s', (url) => {
    expect(readConfig({ DATABASE_URL: url }).database).toMatchObject({ url });
  });

  it.each([
    ['s3cr3t', 'is not a URL; allowed is postgresql://user:password@host:port/database'],
    [
      'postgresql://user:s3cr3t@host:port/db',
      'is not a URL; allowed is postgresql://user:password@host:port/database',
    ],
    ['mysql://user:s3cr3t@host/db', 'has the scheme "mysql:"; allowed is postgresql: or postgres:'],
    [
      'postgresql://user:s3cr3t@host/db?schema=other',
      'asks for the schema "other"; allowed is only "public", or none: use a database of its own',
    ],
  ])('refuses %j and keeps its secret', (DATABASE_URL, message) => {
    expect(refusal({ DATABASE_URL })).toBe(`DATABASE_URL ${message}`);
  });

  it('keeps a password secret wherever the address breaks', () => {
    const damage = fc.constantFrom('', ':', '/', '@', '#', '?', '%', ' ', '[', '\\', '\n', 'x://');
    const scheme = fc.constantFrom('postgresql', 'redis', '');
    fc.assert(
      fc.property(scheme, damage, damage, fc.constantFrom('', 'port'), (name, a, b, port) => {
        const DATABASE_URL = `${name}://${a}user:s3cr3t${b}@host:${port}/db?schema=x`;
        // Some of these are addresses after all, if strange ones.
        try {
          readConfig({ DATABASE_URL });
        } catch (error) {
          expect((error as Error).message).toMatch(/^DATABASE_URL /);
          expect((error as Error).message).not.toContain('s3cr3t');
        }
      }),
    );
  });
});

describe('GATEWAY_TIME_ZONE', () => {
  it.each(['UTC', 'Asia/Shanghai', 'America/Argentina/Buenos_Aires'])('takes %s', (zone) => {
    expect(readConfig({ GATEWAY_TIME_ZONE: zone }).timeZone).toBe(zone);
  });

  it.each(['Mars/Base', 'Asia Shanghai', '8'])('refuses %j', (zone) => {
    expect(refusal({ GATEWAY_TIME_ZONE: zone })).toMatch(
      /^GATEWAY_TIME_ZONE is not a time zone; allowed is a name of the IANA time zone database/,
    );
  });
});

describe('ROSETTA_DOMAIN', () => {
  it.each(['rosetta.example.com', 'localhost:8443'])('takes %s', (domain) => {
    expect(readConfig({ ROSETTA_DOMAIN: domain }).rosettaDomain).toBe(domain);
  });

  it.each(['https://rosetta.example.com', 'a/b', 'a b', 'user@host', 'host:port', 'é.example'])(
    'refuses %j',
    (domain) => {
      expect(refusal({ ROSETTA_DOMAIN: domain })).toBe(
        'ROSETTA_DOMAIN is not a host name; allowed are letters, digits, dots and hyphens, and a port',
      );
    },
  );
});

describe('GATEWAY_AUTH', () => {
  const NEAR = ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1', 'localhost', 'LocalHost'];
  const FAR = ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', 'fe80::1', 'gateway.example', '127.1'];

  it.each(NEAR)('is off at %s unless told, where it may be either', (HOST) => {
    expect(readConfig({ HOST }).auth).toBeUndefined();
    expect(readConfig({ HOST, GATEWAY_AUTH: 'off' }).auth).toBeUndefined();
    expect(readConfig({ HOST, GATEWAY_AUTH: 'on' }).auth).toBeDefined();
  });

  it.each(FAR)('is on at %s, where it may not be off', (HOST) => {
    expect(readConfig({ HOST }).auth).toEqual({
      signWindowMs: 300_000,
      budget: 6_000_000,
      token: undefined,
    });
    expect(refusal({ HOST, GATEWAY_AUTH: 'off' })).toBe(
      `GATEWAY_AUTH is off, and HOST "${HOST}" can be reached from elsewhere; allowed is off with a loopback HOST, such as 127.0.0.1, only`,
    );
  });
});

describe('GATEWAY_CORS_ORIGINS', () => {
  it('are origins as browsers name them', () => {
    const { surface } = readConfig({
      GATEWAY_CORS_ORIGINS: 'https://app.example.com, http://localhost:3000,http://[::1]:8080',
    });
    expect([...surface.corsOrigins]).toEqual([
      'https://app.example.com',
      'http://localhost:3000',
      'http://[::1]:8080',
    ]);
  });

  it.each([
    '*',
    'null',
    'app.example.com',
    'https://app.example.com/',
    'https://app.example.com:443',
    'https://*.example.com',
    'https://App.example.com',
    'https://user@app.example.com',
    'file:///',
    ' ',
  ])('are not %j', (one) => {
    expect(refusal({ GATEWAY_CORS_ORIGINS: `https://a.example,${one}` })).toBe(
      `GATEWAY_CORS_ORIGINS has ${JSON.stringify(one.trim())}, which is no origin; allowed are origins as browsers name them, https://app.example.com for instance, separated by commas`,
    );
  });
});

it('what is shown of the schema follows GATEWAY_INTROSPECTION unless told', () => {
  const shown = (environment: Record<string, string>) => {
    const { introspection, suggestions, graphiql } = readConfig(environment).surface;
    return [introspection, suggestions, graphiql];
  };
  expect(shown({ GATEWAY_INTROSPECTION: 'off' })).toEqual([false, false, false]);
  expect(shown({ GATEWAY_INTROSPECTION: 'off', GATEWAY_SUGGESTIONS: 'on' })).toEqual([
    false,
    true,
    false,
  ]);
  expect(shown({ GATEWAY_GRAPHIQL: 'off' })).toEqual([true, true, false]);
});

describe('GATEWAY_OPERATIONS=persisted', () => {
  const GATEWAY_OPERATIONS = 'persisted';
  const GATEWAY_OPERATIONS_MANIFEST = 'manifest.json';

  it('has a manifest, and no GraphiQL', () => {
    const { surface, operations } = readConfig({ GATEWAY_OPERATIONS, GATEWAY_OPERATIONS_MANIFEST });
    expect(operations).toEqual({ manifest: 'manifest.json', persistedOnly: true });
    expect(surface).toMatchObject({ introspection: true, suggestions: true, graphiql: false });
    expect(refusal({ GATEWAY_OPERATIONS, GATEWAY_GRAPHIQL: 'on' })).toBe(
      'GATEWAY_OPERATIONS_MANIFEST is missing; GATEWAY_OPERATIONS=persisted needs the path of a manifest\n' +
        'GATEWAY_GRAPHIQL is on, and what is asked with it would be refused; allowed is off with GATEWAY_OPERATIONS=persisted',
    );
  });
});

describe('GATEWAY_SECRET_KEY', () => {
  const bytes = (length: number) => Buffer.alloc(length, 'k').toString('base64');

  it('is 32 bytes', () => {
    expect(readConfig({ GATEWAY_SECRET_KEY: bytes(32) }).secretKey).toEqual(Buffer.alloc(32, 'k'));
  });

  it.each([bytes(31), bytes(33), 's3cr3t!', 's3cr3t', `${bytes(32)}=`, bytes(32).slice(0, -1)])(
    'is not %s, which stays secret',
    (GATEWAY_SECRET_KEY) => {
      const message = refusal({ GATEWAY_SECRET_KEY });
      expect(message).toMatch(
        /^GATEWAY_SECRET_KEY is (not Base64; allowed are|of another length; allowed are) 32 bytes/,
      );
      expect(message).not.toContain(GATEWAY_SECRET_KEY);
    },
  );
});

describe('GATEWAY_JWT_…', () => {
  const SECRET = 's3cr3t'.repeat(6);
  const terms = { GATEWAY_JWT_ISSUER: 'i', GATEWAY_JWT_AUDIENCE: 'a', GATEWAY_AUTH: 'on' };

  it('say how tokens are checked', () => {
    const { token } = readConfig({ ...terms, GATEWAY_JWT_SECRET: SECRET }).auth!;
    expect(token).toEqual({
      by: { secret: Buffer.from(SECRET) },
      issuer: 'i',
      audience: 'a',
      claims: { role: 'rosetta_role', campaigns: 'rosetta_campaigns', people: 'rosetta_people' },
    });
    for (const url of ['https://i.example/keys', 'http://localhost:1/k', 'http://[::1]/k']) {
      const { auth } = readConfig({ ...terms, GATEWAY_JWT_JWKS_URL: url });
      expect(auth!.token!.by).toEqual({ jwksUrl: new URL(url) });
    }
  });

  it.each([
    [{ GATEWAY_JWT_SECRET: 's3cr3t' }, 'GATEWAY_JWT_SECRET is too short; allowed are 32 bytes'],
    [{ GATEWAY_JWT_JWKS_URL: 'keys' }, 'GATEWAY_JWT_JWKS_URL is not a URL; allowed is https://'],
    [{ GATEWAY_JWT_JWKS_URL: 'http://i.example/' }, 'GATEWAY_JWT_JWKS_URL is not https; allowed'],
    [{ GATEWAY_JWT_JWKS_URL: 'file:///keys' }, 'GATEWAY_JWT_JWKS_URL is not https; allowed'],
    [
      { GATEWAY_JWT_SECRET: SECRET, GATEWAY_JWT_JWKS_URL: 'https://i.example' },
      'GATEWAY_JWT_SECRET and GATEWAY_JWT_JWKS_URL are both set; allowed is one of them',
    ],
    [
      { GATEWAY_JWT_SECRET: SECRET, GATEWAY_JWT_ISSUER: '' },
      'GATEWAY_JWT_ISSUER is missing; tokens need GATEWAY_JWT_ISSUER and GATEWAY_JWT_AUDIENCE',
    ],
    [
      { GATEWAY_JWT_AUDIENCE: '' },
      'GATEWAY_JWT_ISSUER is set without GATEWAY_JWT_SECRET or GATEWAY_JWT_JWKS_URL',
    ],
  ])('are refused as %j', (more, message) => {
    const refused = refusal({ ...terms, ...more });
    expect(refused).toContain(message);
    expect(refused).not.toContain('s3cr3t');
  });
});

describe('OTEL_…', () => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://collector:4318';
  const tracing = (environment: Record<string, string>) => readConfig(environment).tracing;

  it('say where traces are sent, as OpenTelemetry has it', () => {
    expect(tracing({ OTEL_EXPORTER_OTLP_ENDPOINT })).toEqual({
      url: 'http://collector:4318/v1/traces',
      protocol: 'http/protobuf',
      headers: {},
      sampler: 'parentbased_always_on',
      ratio: 1,
      resource: { 'service.name': 'rosetta-gateway' },
    });
    expect(
      tracing({
        OTEL_EXPORTER_OTLP_ENDPOINT,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces.example/here',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
        OTEL_EXPORTER_OTLP_HEADERS: 'a=1, b=x%3Dy==',
        OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=2',
        OTEL_TRACES_SAMPLER: 'traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.25',
        OTEL_SERVICE_NAME: 'mine',
        OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,service.instance.id=4001',
      }),
    ).toEqual({
      url: 'https://traces.example/here',
      protocol: 'http/json',
      headers: { a: '2', b: 'x=y==' },
      sampler: 'traceidratio',
      ratio: 0.25,
      resource: { 'service.name': 'mine', 'service.instance.id': '4001' },
    });
  });

  it('turn them on and off', () => {
    expect(tracing({ OTEL_TRACES_EXPORTER: 'otlp' })!.url).toBe('http://localhost:4318/v1/traces');
    const off = { OTEL_SERVICE_NAME: 'mine', OTEL_TRACES_SAMPLER: 'always_on' };
    expect(tracing(off)).toBeUndefined();
    expect(tracing({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER: 'none' })).toBeUndefined();
    expect(tracing({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: 'true' })).toBeUndefined();
  });

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, 'is not a URL of HTTP; allowed is http://'],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 's3cr3t' }, 'is not a URL of HTTP; allowed is http://'],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 's3cr3t' }, 'is no list of pairs; allowed are pairs'],
    [{ OTEL_EXPORTER_OTLP_HEADERS: '=s3cr3t' }, 'is no list of pairs; allowed are pairs'],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=%s3cr3t' }, 'is no list of pairs; allowed are pairs'],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=s3cr3t%0A' }, 'has what cannot stand in a header of HTTP'],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 's3cr3t:=1' }, 'has what cannot stand in a header of HTTP'],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'a=1,b' }, 'is no list of pairs; allowed are pairs'],
    [{ OTEL_TRACES_SAMPLER_ARG: '1.5' }, 'is not a share; allowed is a number from 0 to 1'],
    [{ OTEL_SDK_DISABLED: 's3cr3t' }, 'is none of the known values; allowed is true or false'],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'is none of the known values; allowed is http/'],
  ])('are refused as %j, secrets kept', (environment, message) => {
    const [name] = Object.keys(environment);
    const refused = refusal(environment);
    expect(refused.startsWith(`${name} ${message}`), refused).toBe(true);
    expect(refused).not.toContain('s3cr3t');
  });
});

it('names every bad variable, each on a line of its own', () => {
  const bad = Object.fromEntries(
    [...Object.keys(NUMBERS), ...Object.keys(CHOICES), 'GATEWAY_TIME_ZONE', 'ROSETTA_DOMAIN'].map(
      (name) => [name, '?'],
    ),
  );
  const named = refusal({ ...bad, DATABASE_URL: '?' })
    .split('\n')
    .map((line) => line.slice(0, line.indexOf(' ')));
  expect(named.sort()).toEqual([...Object.keys(bad), 'DATABASE_URL'].sort());
});

it('has every variable, and no other, in the tables of README.md', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const tables = readme.match(/^\| *variable *\|[^\n]*\n(?:\|[^\n]*\n)+/gm) ?? [];
  const listed = [...tables.join('').matchAll(/^\| *`([^`]*)` *\|/gm)].map(([, name]) => name);
  expect(listed.sort()).toEqual([...VARIABLE_NAMES].sort());
});

it('takes ops/gateway.env, with what is commented out there, and asks everybody who he is', async () => {
  const text = await readFile(new URL('../ops/gateway.env', import.meta.url), 'utf8');
  const assignments = [...text.matchAll(/^(?:# )?([A-Z_]+)=(.*)$/gm)];
  const environment = Object.fromEntries(assignments.map(([, name, value]) => [name!, value!]));
  expect(VARIABLE_NAMES).toEqual(expect.arrayContaining(Object.keys(environment)));
  expect(readConfig(environment).auth).toBeDefined();
});
