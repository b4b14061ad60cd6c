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

/**
 * A request whose work ends when it takes too long, or its caller hangs up before he has his answer. A class, since an object
 * that is written with a getter of its own has a hidden class of its own too, which keeps the whole request in memory until
 * the next full collection.
 */
class TimedRequest implements CurrentRequest {
  readonly requestId: string;
  readonly about: CurrentRequest['about'];
  readonly trace: CurrentRequest['trace'];
  readonly #signal = new WorkEnd();
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;
  #due: number;
  /** Whether nobody waits for it any more. */
  #isOver = false;

  constructor({ requestId, about, trace }: CurrentRequest, timeoutMs: number) {
    this.requestId = requestId;
    this.about = about;
    this.trace = trace;
    this.#timeoutMs = timeoutMs;
    this.#due = performance.now() + timeoutMs;
  }

  /** Whoever waits is to ask for it first: until somebody does, no timer is set. */
  get signal(): EndSignal {
    const now = performance.now();
    // The embedded database leaves timers no room between the statements of a request.
    if (now >= this.#due) this.#onTimeout();
    else if (!this.#isLifted && !this.#isOver) {
      this.#timer ??= setTimeout(() => this.#onTimeout(), this.#due - now);
    }
    return this.#signal;
  }

  /** Whether nothing is to end its work. */
  get #isLifted(): boolean {
    return this.#due === Infinity;
  }

  lift(): void {
    this.#due = Infinity;
    clearTimeout(this.#timer);
  }

  /** Nobody waits for it any more. @param isAnswered whether that is because it is answered. */
  close(isAnswered: boolean): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    if (isAnswered || this.#isLifted) return;
    this.#signal.end(new RequestOverError('The caller has hung up.', false));
  }

  #onTimeout(): void {
    const message = `The request was not answered within ${this.#timeoutMs} ms.`;
    this.#signal.end(new RequestOverError(message, true));
  }
}

/** Bounds a request's work to some time, and to its caller's patience. */
export function withDeadline(
  request: CurrentRequest,
  res: ServerResponse,
  timeoutMs: number,
): CurrentRequest {
  const timed = new TimedRequest(request, timeoutMs);
  res.once('close', () => timed.close(res.writableEnded));
  return timed;
}
