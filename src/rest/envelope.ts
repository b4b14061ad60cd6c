import { STATUS_CODES } from 'node:http';
import type { ErrorCode } from '../domain/errors.ts';
import { formatInstant } from '../domain/clocks.ts';

/** What an answer says outside its data: the business code with its text, and the HTTP status it goes out with. */
export interface Verdict {
  readonly code: number;
  readonly message: string;
  readonly status: number;
}

// The messages are the platform's own, word for word.
export const SUCCESS: Verdict = { code: 2000, message: 'Success', status: 200 };
export const INVALID_PARAMETER: Verdict = {
  code: 4005,
  message: 'Invalid parameter',
  status: 200,
};
const HICCUP = { code: 5000, message: 'Service hiccuped, please try again later.' };

const VERDICTS: Partial<Record<ErrorCode, Verdict>> = {
  BAD_USER_INPUT: INVALID_PARAMETER,
  CAMPAIGN_NOT_FOUND: { code: 51008, message: 'Campaign not exists.', status: 200 },
  ANNOTATION_REQUEST_NOT_FOUND: {
    code: 53003,
    message: 'Annotation request has not exists.',
    status: 200,
  },
  SCENE_NOT_FOUND: { code: 56001, message: 'SceneId is not exists.', status: 200 },
  SERVICE_UNAVAILABLE: { ...HICCUP, status: 503 },
  UNAUTHENTICATED: verdictOfStatus(401),
  FORBIDDEN: verdictOfStatus(403),
  RATE_LIMITED: verdictOfStatus(429),
};

/** How REST reports a GraphQL error; every code it has no word for is the platform's hiccup, 5000. */
export function verdictOfError(code: ErrorCode): Verdict {
  return VERDICTS[code] ?? verdictOfStatus(500);
}

/**
 * How an HTTP failure is reported: the status is the code and its reason phrase the message, except that 500 and 503 are
 * the platform's hiccup.
 */
export function verdictOfStatus(status: number): Verdict {
  return status === 500 || status === 503
    ? { ...HICCUP, status }
    : { code: status, message: STATUS_CODES[status] ?? 'Unknown', status };
}

/** What every envelope carries beside its verdict: 32 lower-case hex digits, and the zone of its `date`. */
export interface Stamp {
  readonly requestId: string;
  readonly timeZone: string;
}

/** The time of the last envelope: many go out in a second, which is all that it tells. */
let lastTime = { second: NaN, timeZone: '', text: '' };

function currentTime(timeZone: string): string {
  const now = new Date();
  const second = Math.floor(now.getTime() / 1000);
  if (second !== lastTime.second || timeZone !== lastTime.timeZone) {
    lastTime = { second, timeZone, text: formatInstant(now, timeZone) };
  }
  return lastTime.text;
}

/**
 * The envelope of an answer as JSON text. It succeeds where the verdict is {@link SUCCESS}; a failure has no data.
 * @param data the JSON text of what the route answers.
 */
export function renderEnvelope(verdict: Verdict, stamp: Stamp, data = 'null'): string {
  // Joined by hand: the keys' order is part of the contract, and nothing around the data needs escaping.
  return (
    `{"code":${verdict.code},"message":"${verdict.message}","data":${data},` +
    `"date":"${currentTime(stamp.timeZone)}","requestId":"${stamp.requestId}",` +
    `"success":${verdict === SUCCESS}}`
  );
}
