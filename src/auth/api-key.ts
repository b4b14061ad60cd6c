import { randomBytes } from 'node:crypto';
import { isSame } from './compare.ts';
import { refuse, type Identity } from './identity.ts';
import type { FindKey } from './key-finder.ts';
import { hashOf, isLive, parseApiKey, type AccessKey } from './keys.ts';
import type { BeginSession } from './session.ts';

/** What a secret is compared with where there is no key, so that as much is done as where there is one. */
const DECOY = randomBytes(32);

/** Secrets that were right, as long as what was found of their keys is remembered: to hash one takes ten times as long as to compare it. */
const proven = new WeakMap<AccessKey, Uint8Array>();

/** Whether a secret is that of a key; so is none where there is no key. */
function isSecretOf(key: AccessKey | undefined, secret: string): boolean {
  const known = key && proven.get(key);
  const bytes = Buffer.from(secret);
  if (known && isSame(bytes, known)) return true;
  const isRight = isSame(hashOf(secret), key?.secret ?? DECOY);
  if (key && isRight) proven.set(key, bytes);
  return isRight;
}

/** Checks the header `X-API-Key`. */
export async function checkApiKey(
  values: ReadonlyMap<string, string>,
  findKey: FindKey,
  beginSession: BeginSession,
): Promise<Identity> {
  const given = parseApiKey(values.get('x-api-key')!);
  if (!given) return refuse('malformed API key');
  const key = await findKey(given.id);
  const isRight = isSecretOf(key?.kind === 'api' ? key : undefined, given.secret);
  if (key?.kind !== 'api') return refuse('unknown API key');
  if (!isRight) return refuse('wrong secret of an API key');
  if (!isLive(key)) return refuse('dead API key');
  return { session: beginSession(key) };
}
