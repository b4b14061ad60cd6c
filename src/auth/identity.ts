import type { Session } from '../domain/session.ts';

/** Why nobody was found to be asking (401), or one who may ask nothing (403). */
export interface Refusal {
  readonly status: 401 | 403;
  /** For the log. Callers are all told the same: nothing of theirs may show which keys exist. */
  readonly reason: string;
}

/** What a look at a request's head has shown: who asks, that he is refused, or that his signature covers the body too. */
export type Identity =
  { readonly session: Session } | { readonly refusal: Refusal } | { readonly proof: Proof };

/** A signature that can be checked once the body has been read. */
export interface Proof {
  /** Whether it may turn out right at all: the body of any other is not worth keeping, though it is read all the same. */
  readonly isPossible: boolean;
  /** @param bodyHash the SHA-256 of the body as it was sent, in hex digits. */
  check(bodyHash: string): Promise<Exclude<Identity, { proof: Proof }>>;
}

export function refuse(reason: string, status: Refusal['status'] = 401): { refusal: Refusal } {
  return { refusal: { status, reason } };
}

/** What a caller is checked by cannot be reached just now. */
export class CheckUnavailableError extends Error {
  override name = 'CheckUnavailableError';
}
