import { GatewayError } from './errors.ts';
import { isTextId } from './ids.ts';

/** How many annotation requests one list may be asked for. */
export const MAX_REQUESTS = 1000;

/**
 * Reads the annotation requests that a list is asked for, each once.
 * @throws GatewayError (BAD_USER_INPUT) for too many.
 */
export function readRequestIds(ids: readonly string[]): string[] {
  const distinct = new Set(ids);
  if (distinct.size > MAX_REQUESTS) {
    throw new GatewayError(
      'BAD_USER_INPUT',
      `The argument "annotationRequestIds" has ${distinct.size} ids; it may have at most ${MAX_REQUESTS}.`,
    );
  }
  return [...distinct];
}

/** Those that there can be: no request has another kind of id, and the driver would mistake some for ids that exist. */
export function possibleIds(requestIds: readonly string[]): string[] {
  return requestIds.filter(isTextId);
}
