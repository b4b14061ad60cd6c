import type { ServerResponse } from 'node:http';
import type { CurrentRequest, EndSignal } from '../database/request.ts';
import { RequestOverError } from '../domain/errors.ts';

/** The end of a request's work. To make an AbortSignal for each, and to listen to it, takes longer than a small answer. */
class WorkEnd implements EndSignal {
  #reason: RequestOverError | undefined;
  readonly #listeners = new Set<() => void>();

  get aborted(): boolean {
    return this.#reason !== undefined;
  }

  get reason(): RequestOverError | undefined {
    return this.#reason;
  }

  throwIfAborted(): void {
    if (this.#reason) throw this.#reason;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  end(reason: RequestOverError): void {
    if (this.#reason) return;
    this.#reason = reason;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }
}

/** A request whose work ends when it takes too long, or its caller hangs up before he has his answer. */
export function withDeadline(
  request: CurrentRequest,
  res: ServerResponse,
  timeoutMs: number,
): CurrentRequest {
  const signal = new WorkEnd();
  let due = performance.now() + timeoutMs;
  const onTimeout = () =>
    signal.end(new RequestOverError(`The request was not answered within ${timeoutMs} ms.`, true));
  const timer = setTimeout(onTimeout, timeoutMs);
  const onClose = () => {
    clearTimeout(timer);
    if (!res.writableEnded) signal.end(new RequestOverError('The caller has hung up.', false));
  };
  res.once('close', onClose);
  return {
    ...request,
    get signal() {
      // The embedded database leaves timers no room between the statements of a request.
      if (performance.now() >= due) onTimeout();
      return signal;
    },
    lift() {
      due = Infinity;
      clearTimeout(timer);
      res.off('close', onClose);
    },
  };
}
