import type { ErrorCode } from '../domain/errors.ts';

/** How a request ended, from what is nobody's concern to what is the operator's. */
export const OUTCOMES = [
  'success',
  'caller_error',
  'refused',
  'aborted',
  'limited',
  'timeout',
  'unavailable',
  'error',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What is known of a request when it is over. */
export interface Ending {
  /** The codes of the errors in an answer of GraphQL. */
  readonly errorCodes?: readonly string[] | undefined;
  /** The code of a REST envelope. */
  readonly code?: number | undefined;
  /** Absent where the caller hung up, or the gateway did, before the answer was whole. */
  readonly status?: number | undefined;
}

const OF_ERROR_CODE: Readonly<Partial<Record<ErrorCode, Outcome>>> = {
  UNAUTHENTICATED: 'refused',
  FORBIDDEN: 'refused',
  RATE_LIMITED: 'limited',
  TIMEOUT: 'timeout',
  SERVICE_UNAVAILABLE: 'unavailable',
  INTERNAL_SERVER_ERROR: 'error',
};

const OF_STATUS: Readonly<Record<number, Outcome>> = {
  401: 'refused',
  403: 'refused',
  429: 'limited',
  503: 'unavailable',
  504: 'timeout',
};

/** The code of an envelope that has what was asked for. */
const SUCCESS = 2000;

function outcomeOfStatus(status: number): Outcome {
  if (status < 400) return 'success';
  return OF_STATUS[status] ?? (status < 500 ? 'caller_error' : 'error');
}

/** How a request ended: where an answer of GraphQL failed in several parts, the worst of them. */
export function outcomeOf({ errorCodes = [], code, status }: Ending): Outcome {
  if (status === undefined) return 'aborted';
  const found = errorCodes.map((one) => OF_ERROR_CODE[one as ErrorCode] ?? 'caller_error');
  const worst = OUTCOMES.findLast((outcome) => found.includes(outcome));
  if (worst) return worst;
  const outcome = outcomeOfStatus(status);
  return outcome === 'success' && code !== undefined && code !== SUCCESS ? 'caller_error' : outcome;
}
