import type { Logger } from 'pino';
import type { AuthConfig } from '../config/config.ts';
import type { PrismaClient } from '../database/generated/client/client.ts';
import { claimNonce } from '../database/nonces.ts';
import { endlessSession } from '../domain/session.ts';
import type { Viewer } from '../domain/viewer.ts';
import { checkApiKey } from './api-key.ts';
import { readCredentials, type Claim } from './credentials.ts';
import { refuse, type Identity } from './identity.ts';
import { createKeyFinder } from './key-finder.ts';
import { keySessions } from './session.ts';
import { createSignatureCheck } from './signature.ts';
import { createTokenCheck } from './token.ts';

/**
 * Finds out who sends a request.
 * @throws CheckUnavailableError, or what the database fails with, where that cannot be told now.
 */
export type Authenticate = (claim: Claim) => Promise<Identity>;

export interface AuthenticatorOptions {
  /** Undefined: whoever asks is anybody. */
  readonly auth: AuthConfig | undefined;
  /** Who that is; for tests. */
  readonly anybody?: Viewer | undefined;
  /** What the secrets of signed keys are encrypted with; absent: no signature can be checked. */
  readonly secretKey: Uint8Array | undefined;
  /** The database. @throws CheckUnavailableError while it is not ready. */
  readonly database: () => PrismaClient;
  readonly log: Logger;
}

export function createAuthenticator(options: AuthenticatorOptions): Authenticate {
  const { auth, secretKey, database, log } = options;
  if (!auth) {
    const session = endlessSession(options.anybody);
    return () => Promise.resolve({ session });
  }
  const findKey = createKeyFinder(database);
  const beginSession = keySessions(findKey, auth.budget);
  const checkToken = auth.token && createTokenCheck(auth.token, auth.budget);
  const checkSignature =
    secretKey &&
    createSignatureCheck({
      windowMs: auth.signWindowMs,
      secretKey,
      findKey,
      beginSession,
      claimNonce: (...args) => claimNonce(database(), ...args),
      onUnreadable: (keyId, error) =>
        log.error({ key: keyId, err: error }, 'a key was made with another GATEWAY_SECRET_KEY'),
    });

  return async (claim) => {
    const credentials = readCredentials(claim);
    if (typeof credentials === 'string') return refuse(credentials);
    const { way, values } = credentials;
    switch (way) {
      case 'signature':
        return checkSignature
          ? checkSignature(values, claim)
          : refuse('signature, and no GATEWAY_SECRET_KEY');
      case 'token':
        return checkToken ? checkToken(values) : refuse('token, and nothing to check it by');
      case 'apiKey':
        return checkApiKey(values, findKey, beginSession);
    }
  };
}
