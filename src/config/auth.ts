import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { oneOf, wholeNumber } from './values.ts';

/** Bytes of the key that secrets are encrypted with, for AES-256. */
const SECRET_KEY_BYTES = 32;
/** Bytes below which a shared secret could be guessed from a token: the length of HMAC-SHA256's own output. */
const MIN_JWT_SECRET_BYTES = 32;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether only programs of this machine can reach an address. A name other than localhost may stand for any address. */
function isLoopback(host: string): boolean {
  const family = isIP(host);
  return family === 0
    ? host.toLowerCase() === 'localhost'
    : LOOPBACK.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

// None of these messages holds the value: all of them are about secrets, or beside some.
const secretKey = z
  .base64(`is not Base64; allowed are ${SECRET_KEY_BYTES} bytes of it: openssl rand -base64 32`)
  .transform((text) => Buffer.from(text, 'base64'))
  .refine(
    ({ length }) => length === SECRET_KEY_BYTES,
    `is of another length; allowed are ${SECRET_KEY_BYTES} bytes in Base64: openssl rand -base64 32`,
  );

const jwtSecret = z
  .string()
  .transform((text) => Buffer.from(text))
  .refine(
    ({ length }) => length >= MIN_JWT_SECRET_BYTES,
    `is too short; allowed are ${MIN_JWT_SECRET_BYTES} bytes or more`,
  );

const jwksUrl = z
  .string()
  .refine((text) => URL.canParse(text), 'is not a URL; allowed is https://host/path')
  .transform((text) => new URL(text))
  .refine(
    // Who can change the keys on their way can make tokens of any role.
    ({ protocol, hostname }) =>
      protocol === 'https:' ||
      (protocol === 'http:' && isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'))),
    'is not https; allowed is https://host/path, and http to this machine only',
  );

/** The variables about who is asking. */
export const authVariables = {
  GATEWAY_AUTH: oneOf(['on', 'off']).optional(),
  GATEWAY_SIGN_WINDOW: wholeNumber(1, 86_400_000).default(300_000),
  GATEWAY_BUDGET: wholeNumber(0, 999_999_999).default(6_000_000),
  GATEWAY_SECRET_KEY: secretKey.optional(),
  GATEWAY_JWT_SECRET: jwtSecret.optional(),
  GATEWAY_JWT_JWKS_URL: jwksUrl.optional(),
  GATEWAY_JWT_ISSUER: z.string().optional(),
  GATEWAY_JWT_AUDIENCE: z.string().optional(),
  GATEWAY_JWT_ROLE_CLAIM: z.string().default('rosetta_role'),
  GATEWAY_JWT_CAMPAIGNS_CLAIM: z.string().default('rosetta_campaigns'),
  GATEWAY_JWT_PEOPLE_CLAIM: z.string().default('rosetta_people'),
};

type AuthEnvironment = { HOST: string } & z.output<z.ZodObject<typeof authVariables>>;

/** Finds what is wrong with variables that are right each for itself. */
export function checkAuth(env: AuthEnvironment, ctx: z.RefinementCtx): void {
  const refuse = (name: keyof AuthEnvironment, message: string) =>
    ctx.addIssue({ code: 'custom', path: [name], message });
  if (env.GATEWAY_AUTH === 'off' && !isLoopback(env.HOST)) {
    refuse(
      'GATEWAY_AUTH',
      `is off, and HOST ${JSON.stringify(env.HOST)} can be reached from elsewhere; allowed is off with a loopback HOST, such as 127.0.0.1, only`,
    );
  }
  const ways = [env.GATEWAY_JWT_SECRET, env.GATEWAY_JWT_JWKS_URL].filter(Boolean).length;
  if (ways === 2) {
    refuse(
      'GATEWAY_JWT_SECRET',
      'and GATEWAY_JWT_JWKS_URL are both set; allowed is one of them, for all tokens',
    );
  }
  for (const name of ['GATEWAY_JWT_ISSUER', 'GATEWAY_JWT_AUDIENCE'] as const) {
    if (ways > 0 && env[name] === undefined) {
      refuse(name, 'is missing; tokens need GATEWAY_JWT_ISSUER and GATEWAY_JWT_AUDIENCE');
    } else if (ways === 0 && env[name] !== undefined) {
      refuse(name, 'is set without GATEWAY_JWT_SECRET or GATEWAY_JWT_JWKS_URL to check tokens by');
    }
  }
}

/** How tokens are checked. */
export interface TokenConfig {
  /** The secret shared with who issues them, or where his public keys are. */
  readonly by: { readonly secret: Uint8Array } | { readonly jwksUrl: URL };
  readonly issuer: string;
  readonly audience: string;
  /** The names of the claims that say what a caller may do. */
  readonly claims: { readonly role: string; readonly campaigns: string; readonly people: string };
}

/** How callers show who they are. */
export interface AuthConfig {
  /** Milliseconds by which the time of a signature may differ from ours. */
  readonly signWindowMs: number;
  /** Points a minute that callers may cost each who have no budget of their own; 0: without end. */
  readonly budget: number;
  /** Absent: no tokens are taken. */
  readonly token: TokenConfig | undefined;
}

function readToken(env: AuthEnvironment): TokenConfig | undefined {
  const { GATEWAY_JWT_SECRET: secret, GATEWAY_JWT_JWKS_URL: jwksUrl } = env;
  const by = secret ? { secret } : jwksUrl ? { jwksUrl } : undefined;
  return (
    by && {
      by,
      issuer: env.GATEWAY_JWT_ISSUER!,
      audience: env.GATEWAY_JWT_AUDIENCE!,
      claims: {
        role: env.GATEWAY_JWT_ROLE_CLAIM,
        campaigns: env.GATEWAY_JWT_CAMPAIGNS_CLAIM,
        people: env.GATEWAY_JWT_PEOPLE_CLAIM,
      },
    }
  );
}

/** Unless told, nobody is asked who he is on an address that only this machine can reach. */
export function readAuth(env: AuthEnvironment): AuthConfig | undefined {
  const isOn = env.GATEWAY_AUTH ? env.GATEWAY_AUTH === 'on' : !isLoopback(env.HOST);
  if (!isOn) return undefined;
  return {
    signWindowMs: env.GATEWAY_SIGN_WINDOW,
    budget: env.GATEWAY_BUDGET,
    token: readToken(env),
  };
}
