import { randomBytes } from 'node:crypto';
import { isSame } from './compare.ts';
import { refuse, type Identity } from './identity.ts';
import type { FindKey } from './key-finder.ts';
import { hashOf, isLive, parseApiKey } from './keys.ts';
import type { BeginSession } from './session.ts';

/** What a secret is compared with where there is no key, so that as much is done as where there is one. */
const DECOY = randomBytes(32);

/** Checks the header `X-API-Key`. */
export async function checkApiKey(
  values: ReadonlyMap<string, string>,
  findKey: FindKey,
  beginSession: BeginSession,
): Promise<Identity> {
  const given = parseApiKey(values.get('x-api-key')!);
  if (!given) return refuse('malformed API key');
  const key = await findKey(given.id);
  const isRight = isSame(hashOf(given.secret), key?.kind === 'api' ? key.secret : DECOY);
  if (key?.kind !== 'api') return refuse('unknown API key');
  if (!isRight) return refuse('wrong secret of an API key');
  if (!isLive(key)) return refuse('dead API key');
  return { session: beginSession(key) };
}
