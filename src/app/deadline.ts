import { setMaxListeners } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { CurrentRequest } from '../database/request.ts';
import { RequestOverError } from '../domain/errors.ts';

/** A request whose work ends when it takes too long, or its caller hangs up before he has his answer. */
export function withDeadline(
  request: CurrentRequest,
  res: ServerResponse,
  timeoutMs: number,
): CurrentRequest {
  const over = new AbortController();
  // Each of its statements listens, and those that are sent at once are many.
  setMaxListeners(0, over.signal);
  const end = (message: string, isAwaited: boolean) =>
    over.abort(new RequestOverError(message, isAwaited));
  let due = performance.now() + timeoutMs;
  const onTimeout = () => end(`The request was not answered within ${timeoutMs} ms.`, true);
  const timer = setTimeout(onTimeout, timeoutMs);
  const onClose = () => {
    clearTimeout(timer);
    if (!res.writableEnded) end('The caller has hung up.', false);
  };
  res.once('close', onClose);
  return {
    ...request,
    get signal() {
      // The embedded database leaves timers no room between the statements of a request.
      if (performance.now() >= due) onTimeout();
      return over.signal;
    },
    lift() {
      due = Infinity;
      clearTimeout(timer);
      res.off('close', onClose);
    },
  };
}
