import { createHash, createHmac, randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { createKey, type CreatedKey, type KeyTerms } from '../../src/auth/keys.ts';
import { createTestGateway, type TestGateway, type TestGatewayOptions } from './gateway.ts';

/** What the secrets of signed keys are encrypted with, in tests. */
export const SECRET_KEY = randomBytes(32);

/** A gateway that asks who is asking. */
export function createGuardedGateway({
  environment,
  ...options
}: TestGatewayOptions = {}): Promise<TestGateway> {
  return createTestGateway({
    ...options,
    environment: {
      GATEWAY_AUTH: 'on',
      GATEWAY_INGEST: 'on',
      GATEWAY_SECRET_KEY: SECRET_KEY.toString('base64'),
      ...environment,
    },
  });
}

/** Makes a key of a reader of all campaigns, unless told otherwise. */
export function makeKey(
  { database }: Pick<TestGateway, 'database'>,
  terms: Partial<KeyTerms> = {},
): Promise<CreatedKey> {
  return createKey(database.prisma, SECRET_KEY, {
    kind: 'api',
    name: '',
    role: 'reader',
    campaigns: undefined,
    people: 'shown',
    budget: null,
    expiresAt: null,
    ...terms,
  });
}

export type Headers = Record<string, string>;

const hexHash = (algorithm: string, text: string | Buffer) =>
  createHash(algorithm).update(text).digest('hex');

/** The headers of Rosetta's own signature. */
export function signed({ id, secret }: CreatedKey, time = Date.now()): Headers {
  return {
    'x-stardust-key': id,
    'x-ts': String(time),
    'x-sign': hexHash('md5', `${time}&${secret}&${id}`),
  };
}

export interface SignedRequest {
  method?: string;
  url: string;
  payload?: string | Buffer;
}

/** The headers of a signature over a whole request. */
export function signed256(
  { id, secret }: CreatedKey,
  { method = 'GET', url, payload = '' }: SignedRequest,
  { time = Date.now(), nonce = randomBytes(16).toString('hex') } = {},
): Headers {
  const text = [method, url, hexHash('sha256', payload), time, nonce].join('\n');
  return {
    'x-stardust-key': id,
    'x-ts': String(time),
    'x-nonce': nonce,
    'x-sign-256': createHmac('sha256', secret).update(text).digest('hex'),
  };
}

export const STATISTICS = '/statistics?annotationRequestId=ar-1';
export const JSON_TYPE = { 'content-type': 'application/json' };

/** The header of an API key. */
export const apiKey = ({ secret }: Pick<CreatedKey, 'secret'>): Headers => ({
  'x-api-key': secret,
});

/** A REST route asked with some headers. */
export const get = (gateway: TestGateway, headers: Headers, url = STATISTICS) =>
  gateway.rest({ method: 'GET', url, headers });

/** GraphQL asked with some headers. */
export const ask = (gateway: TestGateway, headers: Headers, query = '{ tasks { totalCount } }') =>
  gateway.inject({
    method: 'POST',
    url: '/graphql',
    headers: { ...JSON_TYPE, ...headers },
    payload: JSON.stringify({ query }),
  });

/** The log line of the last request. */
export const lastLine = ({ logged }: TestGateway) =>
  logged.findLast(({ msg }) => msg === 'request')!;

/**
 * Expects what every caller is told who is not known, word for word, but for what differs between any two answers.
 * @param reason what the log says.
 */
export async function expectRefused(
  gateway: TestGateway,
  headers: Headers,
  reason?: string,
): Promise<void> {
  const rest = await get(gateway, headers);
  expect(rest.statusCode).toBe(401);
  expect(rest.headers['www-authenticate']).toBe('Bearer realm="Rosetta Gateway"');
  expect({ ...rest.envelope, date: '', requestId: '' }).toEqual({
    code: 401,
    message: 'Unauthorized',
    data: null,
    date: '',
    requestId: '',
    success: false,
  });
  expect(lastLine(gateway)).toMatchObject({ route: '/statistics', status: 401, code: 401 });
  if (reason !== undefined) expect(lastLine(gateway).refusal).toBe(reason);
  const graphql = await ask(gateway, headers);
  expect(graphql.statusCode).toBe(401);
  expect(graphql.headers['www-authenticate']).toBe('Bearer realm="Rosetta Gateway"');
  expect(JSON.parse(graphql.payload)).toEqual({
    errors: [
      {
        message: 'Who is asking could not be established; see the README, "Who may ask".',
        extensions: { code: 'UNAUTHENTICATED' },
      },
    ],
  });
  const line = lastLine(gateway);
  expect(line).toMatchObject({ route: '/graphql', errorCodes: ['UNAUTHENTICATED'] });
  expect(line.viewer).toBeUndefined();
}

/** Expects that a reader of all campaigns is served, where there is the example's task. */
export async function expectServed(gateway: TestGateway, headers: Headers): Promise<void> {
  expect((await get(gateway, headers)).envelope.code).toBe(2000);
  const { payload } = await ask(gateway, headers);
  expect(JSON.parse(payload)).toMatchObject({ data: { tasks: { totalCount: 1 } } });
}
