import { createHash, createSecretKey } from 'node:crypto';
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { TokenConfig } from '../config/config.ts';
import { isTextId } from '../domain/ids.ts';
import { ROLES, type Role, type Viewer } from '../domain/viewer.ts';
import { CheckUnavailableError, refuse, type Identity } from './identity.ts';
import { createSession } from './session.ts';

/** Seconds by which the clock of who issues tokens may differ from ours. */
const CLOCK_TOLERANCE_S = 5;

/** Milliseconds that the issuer's keys may take to arrive. */
const JWKS_TIMEOUT_MS = 5000;

/** The algorithms of public keys. One of a shared secret among them would take a public key for the secret. */
const PUBLIC_KEY_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

/** What a claim of campaigns says where it names none: they are all meant. */
const ALL_CAMPAIGNS = 'all';

/** The campaigns of a claim, undefined meaning all; `false` where the claim says neither. */
function readCampaigns(claim: unknown): Viewer['campaigns'] | false {
  if (claim === ALL_CAMPAIGNS) return undefined;
  const isList =
    Array.isArray(claim) && claim.every((id) => typeof id === 'string' && isTextId(id));
  return isList ? (claim as string[]) : false;
}

/** What a token's caller is known by; where it names nobody, the token itself. */
function nameOf(token: string, { sub }: JWTPayload): string {
  if (typeof sub === 'string' && isTextId(sub)) return `token ${sub}`;
  return `token #${createHash('sha256').update(token).digest('hex').slice(0, 32)}`;
}

function readViewer(
  token: string,
  payload: JWTPayload,
  names: TokenConfig['claims'],
): Viewer | undefined {
  const claim = (name: string) => (Object.hasOwn(payload, name) ? payload[name] : undefined);
  const role = claim(names.role);
  const campaigns = readCampaigns(claim(names.campaigns));
  const people = claim(names.people) ?? 'shown';
  if (!(ROLES as readonly unknown[]).includes(role) || campaigns === false) return undefined;
  if (people !== 'shown' && people !== 'hidden') return undefined;
  // Whoever puts records in is told whether they say the same as those that are stored.
  if (people === 'hidden' && role !== 'reader') return undefined;
  return { name: nameOf(token, payload), role: role as Role, campaigns, people };
}

/** What the issuer's keys say of a token, as opposed to that they cannot be had. */
function isAboutToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys
  );
}

function createVerifier({ by, issuer, audience }: TokenConfig) {
  const options = {
    issuer,
    audience,
    clockTolerance: CLOCK_TOLERANCE_S,
    requiredClaims: ['exp'],
  };
  if ('secret' in by) {
    const secret = createSecretKey(by.secret);
    return (token: string) => jwtVerify(token, secret, { ...options, algorithms: ['HS256'] });
  }
  const keys = createRemoteJWKSet(by.jwksUrl, { timeoutDuration: JWKS_TIMEOUT_MS });
  const find: JWTVerifyGetKey = (header, token) =>
    keys(header, token).catch((error: unknown) => {
      if (isAboutToken(error)) throw error;
      const message = 'The keys of GATEWAY_JWT_JWKS_URL cannot be read.';
      throw new CheckUnavailableError(message, { cause: error });
    });
  return (token: string) =>
    jwtVerify(token, find, { ...options, algorithms: PUBLIC_KEY_ALGORITHMS });
}

/**
 * Makes what checks the header `Authorization: Bearer`, with a token in it.
 * @param budget points a minute of each caller.
 * @returns a function that throws CheckUnavailableError where the issuer's keys cannot be had.
 */
export function createTokenCheck(config: TokenConfig, budget: number) {
  const verify = createVerifier(config);
  return async (values: ReadonlyMap<string, string>): Promise<Identity> => {
    const [, token] =
      /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(values.get('authorization')!) ?? [];
    if (token === undefined) return refuse('malformed token');
    let payload: JWTPayload;
    try {
      ({ payload } = await verify(token));
    } catch (error) {
      if (error instanceof errors.JOSEError) return refuse(`token: ${error.code}`);
      throw error;
    }
    const viewer = readViewer(token, payload, config.claims);
    if (!viewer) return refuse('token without the claims that say what its caller may do', 403);
    const endsAt = (payload.exp! + CLOCK_TOLERANCE_S) * 1000;
    return { session: createSession(viewer, budget, () => Date.now() >= endsAt) };
  };
}
