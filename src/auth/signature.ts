import { createHash, createHmac, randomBytes } from 'node:crypto';
import { isSame } from './compare.ts';
import type { Claim } from './credentials.ts';
import { decrypt, encrypt } from './encryption.ts';
import { refuse, type Identity } from './identity.ts';
import type { FindKey } from './key-finder.ts';
import { isKeyId, isLive, type AccessKey } from './keys.ts';
import type { BeginSession } from './session.ts';

/** Milliseconds that a signed body may take to arrive. */
const LONGEST_BODY_MS = 3_600_000;

/** Milliseconds by which the clocks of two copies of the gateway may differ. */
const CLOCK_SKEW_MS = 60_000;

/** Milliseconds since 1970. */
const TIME = /^\d{1,15}$/;
const NONCE = /^[\x21-\x7e]{1,255}$/;

/** Rosetta's own signature: of the time and the keys, whatever is asked for. MD5 is what its callers compute. */
export function signTime(time: string, secret: string, accessKey: string): string {
  return createHash('md5').update(`${time}&${secret}&${accessKey}`).digest('hex');
}

/** The signature of a request. @param parts method, target, hash of the body, time and nonce. */
export function signRequest(parts: readonly string[], secret: string): string {
  return createHmac('sha256', secret).update(parts.join('\n')).digest('hex');
}

export interface SignatureOptions {
  readonly windowMs: number;
  /** What the secrets of keys are encrypted with. */
  readonly secretKey: Uint8Array;
  readonly findKey: FindKey;
  readonly beginSession: BeginSession;
  /** Takes a nonce of a key for some milliseconds. @returns whether nobody had it. */
  readonly claimNonce: (keyId: string, nonce: string, keptMs: number) => Promise<boolean>;
  /** Called where the secret of a key cannot be decrypted, which is our fault. */
  readonly onUnreadable: (keyId: string, error: unknown) => void;
}

/** Makes what checks signed requests. */
export function createSignatureCheck(options: SignatureOptions) {
  const { windowMs, secretKey, findKey, beginSession } = options;
  // Where there is no key, as much is done as where there is one.
  const decoy = {
    id: 'decoy',
    secret: encrypt(secretKey, 'decoy', randomBytes(32).toString('hex')),
  };

  const secretOf = (key: AccessKey | null): string => {
    const { id, secret } = key?.kind === 'signed' ? key : decoy;
    try {
      return decrypt(secretKey, id, secret);
    } catch (error) {
      options.onUnreadable(id, error);
      return randomBytes(32).toString('hex');
    }
  };

  /** @param sign makes of a secret what should have been sent. */
  const check = async (accessKey: string, given: string, sign: (secret: string) => string) => {
    const key = await findKey(accessKey);
    const isRight = isSame(Buffer.from(given), Buffer.from(sign(secretOf(key))));
    if (key?.kind !== 'signed') return refuse('unknown access key');
    if (!isRight) return refuse('wrong signature');
    if (!isLive(key)) return refuse('dead access key');
    return { session: beginSession(key) };
  };

  return async (
    values: ReadonlyMap<string, string>,
    { method, target }: Claim,
  ): Promise<Identity> => {
    const accessKey = values.get('x-stardust-key') ?? '';
    const time = values.get('x-ts') ?? '';
    const sign = values.get('x-sign');
    const sign256 = values.get('x-sign-256');
    if (!isKeyId(accessKey) || !TIME.test(time)) return refuse('malformed signature');
    const given = sign ?? sign256;
    if (given === undefined || (sign !== undefined && sign256 !== undefined)) {
      return refuse('no signature, or two');
    }
    if (Math.abs(Date.now() - Number(time)) > windowMs) return refuse('signature of another time');
    if (sign256 === undefined) {
      return check(accessKey, given, (secret) => signTime(time, secret, accessKey));
    }
    const nonce = values.get('x-nonce') ?? '';
    if (!NONCE.test(nonce)) return refuse('malformed nonce');
    const key = await findKey(accessKey);
    const started = performance.now();
    return {
      proof: {
        isPossible: key?.kind === 'signed' && isLive(key),
        async check(bodyHash) {
          const parts = [method, target, bodyHash, time, nonce];
          const answer = await check(accessKey, given, (secret) => signRequest(parts, secret));
          if ('refusal' in answer) return answer;
          // A copy of a request must not arrive so slowly that its nonce is forgotten before it is looked for.
          if (performance.now() - started > LONGEST_BODY_MS) return refuse('late body');
          // A time in the future is taken until twice the window has passed.
          const keptMs = 2 * windowMs + LONGEST_BODY_MS + CLOCK_SKEW_MS;
          const isNew = await options.claimNonce(accessKey, nonce, keptMs);
          return isNew ? answer : refuse('nonce used before');
        },
      },
    };
  };
}
