import { AsyncLocalStorage } from 'node:async_hooks';
import type { RequestTrace } from '../domain/trace.ts';

/** What ends a request's work: as much of an AbortSignal as those need who work. */
export interface EndSignal extends Pick<AbortSignal, 'aborted' | 'reason' | 'throwIfAborted'> {
  addEventListener(type: 'abort', listener: () => void, options?: { once: true }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** A request under way, as those who send statements on its behalf know it. */
export interface CurrentRequest {
  readonly requestId: string;
  /** What is asked for, once that is known, and why resolvers answered where a statement might have. */
  readonly about: { readonly route?: string; readonly operation?: string; resolved?: string };
  /** What is traced of it; absent where nothing is. */
  readonly trace?: RequestTrace | undefined;
  /** Ends its work; absent where nothing does. */
  readonly signal?: EndSignal | undefined;
  /** Says that nothing is to end its work any more. */
  readonly lift?: (() => void) | undefined;
}

const current = new AsyncLocalStorage<CurrentRequest | undefined>();

/** The request on whose behalf the code that asks is running; undefined where it is nobody's. */
export function currentRequest(): CurrentRequest | undefined {
  return current.getStore();
}

/**
 * Carries through what the present request has begun, whatever becomes of the request: called before what cannot be undone.
 * @throws the signal's reason if that was earlier.
 */
export function carryThrough(): void {
  const request = currentRequest();
  request?.signal?.throwIfAborted();
  request?.lift?.();
}

/** Does something on behalf of a request, with all that follows from it. */
export function onBehalfOf<T>(request: CurrentRequest | undefined, work: () => T): T {
  return current.run(request, work);
}

/** Takes each step of an iteration on behalf of a request, whoever asks for it. */
export function iterateOnBehalfOf<T>(
  request: CurrentRequest,
  source: AsyncIterable<T>,
): AsyncIterableIterator<T> {
  const steps = source[Symbol.asyncIterator]();
  return {
    next: () => onBehalfOf(request, () => steps.next()),
    return: (value?: unknown) =>
      onBehalfOf(
        request,
        () => steps.return?.(value) ?? Promise.resolve({ value, done: true as const }),
      ),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/**
 * Waits for something that the end of the present request does not end, but not beyond that.
 * @throws what it fails with, or the signal's reason.
 */
export function untilOver<T>(pending: Promise<T>): Promise<T> {
  const signal = currentRequest()?.signal;
  if (!signal) return pending;
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    pending.then(
      (value) => {
        signal.removeEventListener('abort', onAbort);
        resolve(value);
      },
      (error: Error) => {
        signal.removeEventListener('abort', onAbort);
        reject(error);
      },
    );
  });
}

/** Does something that others share or that outlives the request it began with: the end of that one is not to end it. */
export function onNobodysBehalf<T>(work: () => T): T {
  return current.run(undefined, work);
}
