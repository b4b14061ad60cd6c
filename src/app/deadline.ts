import { setMaxListeners } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { CurrentRequest } from '../database/request.ts';
import { RequestOverError } from '../domain/errors.ts';

/** Made for the first who looks: for requests that ask nothing of the database it would cost more than the rest of this. */
function abortedBy(reason: RequestOverError | undefined): AbortController {
  const over = new AbortController();
  // Each statement of a request listens, and those that are sent at once are many.
  setMaxListeners(0, over.signal);
  if (reason) over.abort(reason);
  return over;
}

/** A request whose work ends when it takes too long, or its caller hangs up before he has his answer. */
export function withDeadline(
  request: CurrentRequest,
  res: ServerResponse,
  timeoutMs: number,
): CurrentRequest {
  let reason: RequestOverError | undefined;
  let over: AbortController | undefined;
  const end = (message: string, isAwaited: boolean) => {
    reason ??= new RequestOverError(message, isAwaited);
    over?.abort(reason);
  };
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
      return (over ??= abortedBy(reason)).signal;
    },
    lift() {
      due = Infinity;
      clearTimeout(timer);
      res.off('close', onClose);
    },
  };
}
