/** Why a question was not answered, as the gateway may say it. */
export type FailureKind =
  /** 503 with `Retry-After`, or `SERVICE_UNAVAILABLE`. */
  | 'unavailable'
  /** A statement took too long: `TIMEOUT`, and 500 on REST, which has no word of its own for it. */
  | 'timeout'
  /** 429 with `Retry-After`, or `RATE_LIMITED`. */
  | 'limited'
  /** 409: an earlier attempt at the same is not over yet. */
  | 'running'
  /** An export or a subscription that ended before its time, and said so. */
  | 'broken'
  /** No answer, since nobody listens or the connection was lost. Only a gateway that is stopped or killed may do that. */
  | 'lost'
  /** An answer that ended before its time without a word. Only a gateway that is killed may do that. */
  | 'cut';

/** An answer that is no answer, but is clear about it. */
export class Failure extends Error {
  override name = 'Failure';

  constructor(
    readonly kind: FailureKind,
    message: string,
  ) {
    super(message);
  }
}

/** What must never happen, whatever befalls the gateway. */
export class WrongAnswer extends Error {
  override name = 'WrongAnswer';
}

/** What of the inside must never be in a failure. */
const INSIDE =
  /ECONN|terminat|administrator|postgres|prisma|127\.0\.0\.1|node_modules|\.[jt]s:\d|\bat \w+ \(|SELECT |password/i;

/** Milliseconds after which a caller takes it that there is no answer: more than every limit of a stage's gateway. */
const PATIENCE_MS = 30_000;

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** Makes of the error of a client what it means. */
export function failureOf(what: string, error: unknown, kind: FailureKind = 'lost'): Error {
  if (error instanceof Failure || error instanceof WrongAnswer) return error;
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new WrongAnswer(`${what}: no answer within ${PATIENCE_MS} ms`);
  }
  return new Failure(kind, `${what}: ${String((error as Error).cause ?? error)}`);
}

/** Asks once. @throws Failure (lost, cut), or WrongAnswer where there is no answer in time. */
export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  let begun: Response | undefined;
  try {
    begun = await fetch(url, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) });
    return { status: begun.status, headers: begun.headers, text: await begun.text() };
  } catch (error) {
    throw failureOf(url, error, begun ? 'cut' : 'lost');
  }
}

function failAs(kind: FailureKind, what: string, { status, headers, text }: Answer): never {
  const said = `${what}: ${status} ${text.slice(0, 1000)}`;
  if (INSIDE.test(text)) throw new WrongAnswer(`tells of the inside: ${said}`);
  const retryAfter = headers.get('retry-after');
  if ((status === 503 || status === 429) && !/^[1-9]\d*$/.test(retryAfter ?? '')) {
    throw new WrongAnswer(`does not say when to try again: ${said}`);
  }
  throw new Failure(kind, said);
}

/** The text of `data` in an envelope that says Success. @throws Failure for a clear failure, WrongAnswer for anything else. */
export function readEnvelope(what: string, answer: Answer): string {
  const { status, text } = answer;
  const envelope = /^\{"code":(\d+),"message":"[^"]*","data":(.*),"date":"[^"]*",.*"success":/s;
  const [, code, data] = envelope.exec(text) ?? [];
  if (status === 200 && code === '2000') return data!;
  if (status === 503 && code === '5000' && data === 'null') failAs('unavailable', what, answer);
  if (status === 500 && code === '5000' && data === 'null') failAs('timeout', what, answer);
  if (status === 429 && code === '429' && data === 'null') failAs('limited', what, answer);
  throw new WrongAnswer(`${what}: ${status} ${text.slice(0, 1000)}`);
}

const FAILURES_BY_CODE: ReadonlyMap<string | undefined, FailureKind> = new Map([
  ['SERVICE_UNAVAILABLE', 'unavailable'],
  ['TIMEOUT', 'timeout'],
  ['RATE_LIMITED', 'limited'],
]);

export interface GraphQLFault {
  message: string;
  extensions?: { code?: string };
}

/** What the errors of an answer come to; undefined where one is none that a fault may have. */
export function kindOfErrors(errors: readonly GraphQLFault[]): FailureKind | undefined {
  const kinds = errors.map(({ extensions }) => FAILURES_BY_CODE.get(extensions?.code));
  return kinds.includes(undefined) ? undefined : kinds[0];
}

/** The answer of GraphQL, which must have no errors. @throws Failure for a clear failure, WrongAnswer for anything else. */
export function readGraphQL(what: string, answer: Answer): string {
  const { status, text } = answer;
  let body: { data?: unknown; errors?: GraphQLFault[] };
  try {
    body = JSON.parse(text) as typeof body;
  } catch {
    throw new WrongAnswer(`${what}: ${status} ${text.slice(0, 1000)}`);
  }
  if (status === 200 && body.errors === undefined) return text;
  if (status === 409) failAs('running', what, answer);
  const kind = kindOfErrors(body.errors ?? [{ message: '' }]);
  if (kind === undefined) throw new WrongAnswer(`${what}: ${status} ${text.slice(0, 1000)}`);
  failAs(kind, what, answer);
}

export async function askGraphQL(
  url: string,
  query: string,
  variables: object = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  return ask(`${url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
}
