/** The request header that names a request which may be repeated, and the answer's that says it is a repeated one. */
export const IDEMPOTENCY_KEY = 'Idempotency-Key';
export const IDEMPOTENT_REPLAYED = 'Idempotent-Replayed';

/** Whether a text can be a key: 1 to 255 visible ASCII characters. */
export function isIdempotencyKey(text: string): boolean {
  return /^[\x21-\x7e]{1,255}$/.test(text);
}

/** What a run of a request leaves for its repeats. */
export interface KeptAnswer {
  /** SHA-256 of the request's body, in hex digits. */
  readonly fingerprint: string;
  /** JSON. */
  readonly answer: string;
}

/**
 * The first run of a request, or the first after those that failed. It must be ended, in one of two ways; neither ever
 * rejects.
 */
export interface Run {
  readonly state: 'new';
  /** Keeps the answer for repeats. */
  keep(kept: KeptAnswer): Promise<void>;
  /** Frees the key for another run. */
  release(): Promise<void>;
}

/** What is known of the request that a key names: nothing so far, that it is under way, or what it was answered with. */
export type Claim =
  | Run
  | { readonly state: 'running' }
  | ({ readonly state: 'done'; readonly purpose: string } & KeptAnswer);

/**
 * Takes a key for a run, if it is free.
 * @param viewer the name of who asks: keys of others are other keys.
 * @param purpose what is asked for, the body aside.
 */
export type ClaimKey = (viewer: string, key: string, purpose: string) => Promise<Claim>;

/** What came of a request that has a key: its own run's result, or the answer to an earlier one, or why there is neither. */
export type Once<T> =
  | { readonly state: 'new'; readonly result: T }
  | { readonly state: 'repeated'; readonly answer: string }
  | { readonly state: 'running' }
  | { readonly state: 'other' };

export interface KeyedRequest<T> {
  /** The name of who asks. */
  readonly viewer: string;
  readonly key: string;
  readonly purpose: string;
  /** The SHA-256 of its body, in hex digits, which is then read to its end. */
  readonly fingerprint: () => string | Promise<string>;
  /** Does what is asked for. Only a run that gives an `answer`, as JSON, is kept. */
  readonly run: () => Promise<{ readonly result: T; readonly answer?: string | undefined }>;
}

/** Runs a request unless it has been run. A repeat with another body or purpose is `other`. */
export async function runOnce<T>(
  claimKey: ClaimKey,
  { viewer, key, purpose, fingerprint, run }: KeyedRequest<T>,
): Promise<Once<T>> {
  const claim = await claimKey(viewer, key, purpose);
  switch (claim.state) {
    case 'running':
      return { state: 'running' };
    case 'done':
      return claim.purpose === purpose && claim.fingerprint === (await fingerprint())
        ? { state: 'repeated', answer: claim.answer }
        : { state: 'other' };
    case 'new':
      try {
        const { result, answer } = await run();
        if (answer === undefined) await claim.release();
        else await claim.keep({ fingerprint: await fingerprint(), answer });
        return { state: 'new', result };
      } catch (error) {
        await claim.release();
        throw error;
      }
  }
}
