/** Every `extensions.code` the gateway gives an error itself, with what it tells the caller. */
export const ERROR_CODES = {
  BAD_USER_INPUT: 'An argument is outside what its description allows.',
  CAMPAIGN_NOT_FOUND: 'There is no campaign of that id.',
  ANNOTATION_REQUEST_NOT_FOUND: 'The campaign has no annotation request of that id.',
  SCENE_NOT_FOUND: 'The annotation request has no task for that scene.',
  UNAUTHENTICATED: 'Who is asking could not be established; see the README, "Who may ask".',
  FORBIDDEN: 'This is not allowed here.',
  COST_EXCEEDED: 'The operation costs more than is allowed.',
  RATE_LIMITED: 'The budget of this caller does not have what this costs yet.',
  TIMEOUT: 'The answer took longer than is allowed.',
  SERVICE_UNAVAILABLE: 'The gateway cannot answer now; the same request may succeed in a moment.',
  INTERNAL_SERVER_ERROR: 'The gateway failed; its log has the reason under the request id.',
} as const;

/** Seconds after which a caller may try again when the gateway could not answer for a moment. */
export const RETRY_AFTER_SECONDS = 1;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An error whose message is meant for the caller. GraphQL takes `extensions` over as they are. */
export class GatewayError extends Error {
  override name = 'GatewayError';
  readonly extensions: { readonly code: ErrorCode };

  constructor(
    readonly code: ErrorCode,
    message: string = ERROR_CODES[code],
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.extensions = { code };
  }
}

/** Why nothing more is done for a request. It has no `code`: of an error with one Prisma makes another, of its own. */
export class RequestOverError extends Error {
  override name = 'RequestOverError';

  constructor(
    message: string,
    /** Whether somebody still waits for an answer. */
    readonly isAwaited: boolean,
  ) {
    super(message);
  }
}
