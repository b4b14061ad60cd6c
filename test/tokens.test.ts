import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ask,
  createGuardedGateway,
  expectRefused,
  expectServed,
  get,
  lastLine,
} from './support/callers.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import type { TestGateway } from './support/gateway.ts';
import { EXAMPLE, importText } from './support/import.ts';

const SECRET = randomBytes(32).toString('hex');
const ISSUER = 'https://issuer.example';
const AUDIENCE = 'rosetta-gateway';
const CLAIMS = { rosetta_role: 'reader', rosetta_campaigns: 'all' };
const ENVIRONMENT = { GATEWAY_JWT_ISSUER: ISSUER, GATEWAY_JWT_AUDIENCE: AUDIENCE };

let database: TestDatabase;
let gateway: TestGateway;
beforeAll(async () => {
  database = await createTestDatabase();
  await importText(database, Object.values(EXAMPLE));
  gateway = await createGuardedGateway({
    database,
    environment: { ...ENVIRONMENT, GATEWAY_JWT_SECRET: SECRET },
  });
});
afterAll(() => database.close());

type Claims = Record<string, unknown>;

/** A token that is right, but for what is given; a claim that is undefined is left out. */
function tokenOf(claims: Claims = {}): SignJWT {
  const now = Math.floor(Date.now() / 1000);
  const all = { iss: ISSUER, aud: AUDIENCE, sub: 'anna', exp: now + 60, ...CLAIMS, ...claims };
  return new SignJWT(JSON.parse(JSON.stringify(all)) as Claims);
}

const sign = (claims?: Claims, secret = SECRET, alg = 'HS256') =>
  tokenOf(claims).setProtectedHeader({ alg }).sign(Buffer.from(secret));
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const seconds = (fromNow: number) => Math.floor(Date.now() / 1000) + fromNow;

describe('a token of a shared secret', () => {
  it('lets its caller in, by the name of its subject', async () => {
    await expectServed(gateway, bearer(await sign()));
    expect(lastLine(gateway)).toMatchObject({ viewer: 'token anna' });
    await expectServed(gateway, {
      authorization: `bearer ${await sign({ aud: ['x', AUDIENCE] })}`,
    });
  });

  it('shares the budget of the configuration with others of its subject', async () => {
    const budgeted = await createGuardedGateway({
      database,
      environment: { ...ENVIRONMENT, GATEWAY_JWT_SECRET: SECRET, GATEWAY_BUDGET: '1' },
    });
    const statusFor = async (claims: Claims) =>
      (await ask(budgeted, bearer(await sign(claims)))).statusCode;
    expect(await statusFor({ sub: 'one', jti: '1' })).toBe(200);
    expect(await statusFor({ sub: 'one', jti: '2' })).toBe(429);
    expect(await statusFor({ sub: 'other' })).toBe(200);
    await budgeted.close();
  });

  it('without a subject of use is a caller of its own', async () => {
    const names = new Set<unknown>();
    for (const sub of [undefined, '', 'x'.repeat(256), '\0', 7, undefined]) {
      // The identity of each: they would be the same otherwise.
      await expectServed(gateway, bearer(await sign({ sub, jti: String(names.size) })));
      names.add(lastLine(gateway).viewer);
    }
    expect(names.size).toBe(6);
    for (const name of names) expect(name).toMatch(/^token #[0-9a-f]{32}$/);
  });

  it.each([
    ['expired', { exp: seconds(-10) }, 'ERR_JWT_EXPIRED'],
    ['without an end', { exp: undefined }, 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
    ['of the future', { nbf: seconds(60) }, 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
    ['of another issuer', { iss: 'https://evil.example' }, 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
    ['of no issuer', { iss: undefined }, 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
    ['for another audience', { aud: 'other' }, 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
    ['for no audience', { aud: undefined }, 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
  ])('is refused %s', async (_, claims, code) => {
    await expectRefused(gateway, bearer(await sign(claims)), `token: ${code}`);
  });

  it('may be a few seconds off', async () => {
    await expectServed(gateway, bearer(await sign({ exp: seconds(-2), nbf: seconds(2) })));
  });

  it('is refused with another secret, another algorithm, none, or changed', async () => {
    const token = await sign();
    const [head, , signature] = token.split('.');
    const admin = Buffer.from(JSON.stringify({ ...CLAIMS, rosetta_role: 'admin' }));
    const none = new UnsecuredJWT({ ...CLAIMS, iss: ISSUER, aud: AUDIENCE, exp: seconds(60) });
    const { privateKey } = await generateKeyPair('RS256');
    const foreign = await tokenOf().setProtectedHeader({ alg: 'RS256' }).sign(privateKey);
    for (const wrong of [
      await sign(
        {},
        SECRET.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      ),
      await sign({}, SECRET, 'HS384'),
      await sign({}, SECRET, 'HS512'),
      foreign,
      none.encode(),
      `${none.encode()}AAAA`,
      `${head}.${admin.toString('base64url')}.${signature}`,
      `${token.slice(0, -4)}AAAA`,
      token.slice(0, -1),
    ]) {
      await expectRefused(gateway, bearer(wrong));
    }
    for (const header of ['Bearer', 'Bearer ', `Basic ${token}`, token, `Bearer ${token} x`]) {
      await expectRefused(gateway, { authorization: header }, 'malformed token');
    }
  });

  it.each([
    ['no role', { rosetta_role: undefined }],
    ['an unknown role', { rosetta_role: 'root' }],
    ['a list of roles', { rosetta_role: ['admin'] }],
    ['no campaigns', { rosetta_campaigns: undefined }],
    ['one campaign for a list', { rosetta_campaigns: 'c-1' }],
    ['campaigns that are no ids', { rosetta_campaigns: ['c-1', 7] }],
    ['an empty id', { rosetta_campaigns: [''] }],
    ['an object of campaigns', { rosetta_campaigns: { all: true } }],
    ['people who are neither', { rosetta_people: false }],
    [
      'people hidden from who could find them out by sending records',
      { rosetta_role: 'admin', rosetta_people: 'hidden' },
    ],
  ])('is 403 with %s', async (_, claims) => {
    const headers = bearer(await sign(claims));
    const rest = await get(gateway, headers);
    expect([rest.statusCode, rest.envelope.code]).toEqual([403, 403]);
    expect(rest.headers['www-authenticate']).toBeUndefined();
    const graphql = await ask(gateway, headers);
    expect(graphql.statusCode).toBe(403);
    expect(JSON.parse(graphql.payload)).toEqual({
      errors: [{ message: 'This is not allowed here.', extensions: { code: 'FORBIDDEN' } }],
    });
  });

  it('has claims whose names can be chosen', async () => {
    const named = await createGuardedGateway({
      database,
      environment: {
        ...ENVIRONMENT,
        GATEWAY_JWT_SECRET: SECRET,
        GATEWAY_JWT_ROLE_CLAIM: 'https://example.com/role',
        GATEWAY_JWT_CAMPAIGNS_CLAIM: 'constructor',
        GATEWAY_JWT_PEOPLE_CLAIM: 'p',
      },
    });
    const claims = { 'https://example.com/role': 'reader', p: 'hidden' };
    await expectServed(named, bearer(await sign({ ...claims, constructor: 'all' })));
    for (const wrong of [{}, claims, { ...claims, constructor: 'all', p: 'x' }]) {
      expect((await get(named, bearer(await sign(wrong)))).statusCode).toBe(403);
    }
  });

  it('is refused where none are taken', async () => {
    const without = await createGuardedGateway({ database });
    await expectRefused(without, bearer(await sign()), 'token, and nothing to check it by');
  });
});

describe('a token of public keys', () => {
  let keys: Server;
  let published: JWK[] = [];
  let requests = 0;
  let isBroken = false;
  let guarded: TestGateway;

  const create = (path = '/keys') =>
    createGuardedGateway({
      database,
      environment: {
        ...ENVIRONMENT,
        GATEWAY_JWT_JWKS_URL: `http://127.0.0.1:${(keys.address() as AddressInfo).port}${path}`,
      },
    });

  beforeAll(async () => {
    keys = createServer((_req, res) => {
      requests++;
      res.statusCode = isBroken ? 500 : 200;
      res.end(JSON.stringify({ keys: published }));
    }).listen(0, '127.0.0.1');
    await once(keys, 'listening');
  });
  afterAll(() => keys.close());

  const pairs = new Map<string, CryptoKey>();
  /** Publishes a key of an algorithm, under its name. */
  async function publish(alg: string, kid = alg): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    published.push({ ...(await exportJWK(publicKey)), kid, alg });
    pairs.set(kid, privateKey);
  }
  const signWith = (alg: string, kid = alg, claims: Claims = {}) =>
    tokenOf(claims).setProtectedHeader({ alg, kid }).sign(pairs.get(kid)!);

  const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];

  it('lets its caller in, by keys that are fetched once', async () => {
    for (const alg of ALGORITHMS) await publish(alg);
    guarded = await create();
    for (const alg of ALGORITHMS) await expectServed(guarded, bearer(await signWith(alg)));
    expect(requests).toBe(1);
    await expectRefused(guarded, bearer(await signWith('RS256', 'RS256', { exp: seconds(-9) })));
  });

  it('is refused as one of a secret, even of the public key', async () => {
    const pem = JSON.stringify(published[0]);
    for (const secret of [pem, published[0]!.n!, SECRET]) {
      const token = await tokenOf()
        .setProtectedHeader({ alg: 'HS256', kid: 'RS256' })
        .sign(Buffer.from(secret));
      await expectRefused(guarded, bearer(token), 'token: ERR_JOSE_ALG_NOT_ALLOWED');
    }
  });

  it('is refused with a key of another, with an unknown one, and with one it brings along', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    for (const header of [{ kid: 'RS256' }, { kid: 'none' }, { kid: 'RS256', jwk }]) {
      const token = await tokenOf()
        .setProtectedHeader({ alg: 'RS256', ...header })
        .sign(privateKey);
      await expectRefused(guarded, bearer(token));
    }
  });

  it('cannot be told from others while the keys cannot be had: 503, not 401', async () => {
    isBroken = true;
    const broken = await create();
    const headers = bearer(await signWith('RS256'));
    const rest = await get(broken, headers);
    expect([rest.statusCode, rest.envelope.code]).toEqual([503, 5000]);
    expect(rest.headers['retry-after']).toBe('1');
    const graphql = await ask(broken, headers);
    expect(graphql.statusCode).toBe(503);
    expect(graphql.payload).toContain('SERVICE_UNAVAILABLE');
    expect(graphql.payload).not.toMatch(/JWKS|127\.0\.0\.1|200 OK/);
    expect(broken.logged).toContainEqual(
      expect.objectContaining({
        level: 40,
        msg: 'caller not identified',
        requestId: rest.headers['x-request-id'],
      }),
    );
    // Whose keys are known goes on, as do other ways.
    await expectServed(guarded, headers);
    isBroken = false;
    await expectServed(broken, headers);
    published = [{ kty: 'nonsense' }];
    const odd = await create();
    await expectRefused(odd, bearer(await signWith('RS256')));
  });
});
