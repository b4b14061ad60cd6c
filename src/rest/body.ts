import type { IncomingMessage } from 'node:http';

export interface BodyLimits {
  readonly maxBytes: number;
  /** Milliseconds from the first read to the last byte. */
  readonly timeoutMs: number;
}

/** A body that could not be read to its end, by the HTTP status that says so. 400: the sender hung up. */
export type UnreadBody = 413 | 408 | 400;

const NO_BYTES = Buffer.alloc(0);

/** Whether a request has a body: HTTP has no other ways to announce one. */
export function hasBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const { 'content-length': announced, 'transfer-encoding': coding } = headers;
  return coding !== undefined || (announced !== undefined && announced !== '0');
}

/** Where a request keeps its body, when it was read. */
const BODY = Symbol('body');
/** Where it says that its whole body was taken, before it has told its end. */
const IS_TAKEN = Symbol('is taken');
interface ReadRequest extends IncomingMessage {
  [BODY]?: Promise<Buffer | UnreadBody>;
  [IS_TAKEN]?: true;
}

/**
 * Reads a request's body to its end, a GET's too, within bounds. A request without one has no bytes. It is read once: who
 * asks again is given the same. Never rejects.
 */
export function readBody(req: ReadRequest, limits: BodyLimits): Promise<Buffer | UnreadBody> {
  // Most requests have none and are spared the wait.
  if (!hasBody(req)) return Promise.resolve(NO_BYTES);
  return (req[BODY] ??= readOnce(req, limits));
}

/** Takes a body that is there already, to its last byte, as most are: nothing has to be waited for, nor bounded in time. */
function takeWhole(req: ReadRequest): Promise<Buffer> {
  const bytes = (req.read() as Buffer | null) ?? NO_BYTES;
  req[IS_TAKEN] = true;
  // Only where it flows does a request tell, a moment later, that it has ended.
  req.resume();
  return Promise.resolve(bytes);
}

/** Whether a request has a body that has not been read to its end. */
export function isUnread(req: ReadRequest): boolean {
  return hasBody(req) && !req.readableEnded && !req[IS_TAKEN];
}

function readOnce(req: ReadRequest, limits: BodyLimits): Promise<Buffer | UnreadBody> {
  const announced = Number(req.headers['content-length']);
  // What is announced as too long is not read at all.
  if (announced > limits.maxBytes) return Promise.resolve(413);
  // Node's parser hands on the last byte before it says that it was the last.
  const isThere = req.complete || req.readableLength === announced;
  if (isThere && !req.destroyed && req.readableLength <= limits.maxBytes) return takeWhole(req);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (result: Buffer | UnreadBody) => {
      clearTimeout(timer);
      req.off('data', onData).off('end', onEnd).off('close', onClose);
      resolve(result);
    };
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > limits.maxBytes) settle(413);
      else chunks.push(chunk);
    };
    const onEnd = () => settle(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    const onClose = () => settle(400);
    const timer = setTimeout(() => settle(408), limits.timeoutMs);
    // Without a listener for it, the error of a sender who hangs up would end the process; "close" follows it. It stays
    // for as long as the request lives.
    req.on('error', () => undefined);
    req.on('data', onData).on('end', onEnd).on('close', onClose);
    if (req.destroyed) settle(400);
  });
}

const WHY_UNREAD = {
  400: 'the sender broke off',
  408: 'the sender went silent',
  413: 'the body is too long',
  503: 'the gateway is stopping, or holds as much as it can bear',
} as const;

/** A streamed body did not come to its end; by the HTTP status that says so. */
export class UnreadBodyError extends Error {
  override name = 'UnreadBodyError';

  constructor(readonly status: keyof typeof WHY_UNREAD) {
    super(WHY_UNREAD[status]);
  }
}

/** A body that is read as fast as its chunks are taken. */
export interface BodyStream {
  /** Breaks off with an {@link UnreadBodyError}. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Leaves the rest of the body to somebody else. */
  stop(): void;
}

const EVENTS = ['readable', 'end', 'close'] as const;

export interface StreamLimits {
  /** Milliseconds for which the sender may say nothing while we wait. */
  readonly silenceMs: number;
  /** Ends the body where it is. */
  readonly stopping: AbortSignal;
}

/** Streams a request's body. */
export function streamBody(
  req: IncomingMessage,
  { silenceMs, stopping }: StreamLimits,
): BodyStream {
  let wake = () => {};
  let isStopped = false;
  const onEvent = () => wake();
  const isSilent = () =>
    new Promise<boolean>((resolve) => {
      // Where we were the ones who had no time, what has arrived meanwhile comes first.
      const timer = setTimeout(() => setImmediate(resolve, true), silenceMs);
      wake = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });
  const stop = () => {
    isStopped = true;
    for (const event of EVENTS) req.off(event, onEvent);
    stopping.removeEventListener('abort', onEvent);
    wake();
  };
  async function* read(): AsyncGenerator<Uint8Array> {
    // As in readBody: "close" follows the error.
    req.on('error', () => undefined);
    for (const event of EVENTS) req.on(event, onEvent);
    stopping.addEventListener('abort', onEvent);
    try {
      for (;;) {
        if (stopping.aborted) throw new UnreadBodyError(503);
        if (isStopped) throw new UnreadBodyError(400);
        const chunk = req.read() as Buffer | null;
        if (chunk !== null) yield chunk;
        else if (req.readableEnded) return;
        else if (req.destroyed) throw new UnreadBodyError(400);
        else if (await isSilent()) throw new UnreadBodyError(408);
      }
    } finally {
      stop();
    }
  }
  return { chunks: read(), stop };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The arguments of a JSON body: the JSON source of each member's value, by name, in the order given. The source is kept
 * because a parsed number no longer shows how it was written, and a parsed object not that a name came twice. JSON `null`
 * is an absent argument and left out.
 * @returns undefined where the bytes are no JSON object in UTF-8; an empty map where there are none.
 */
export function parseBody(bytes: Buffer): ReadonlyMap<string, string[]> | undefined {
  const members = new Map<string, string[]>();
  if (bytes.length === 0) return members;
  let text: string;
  try {
    text = utf8.decode(bytes);
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) return undefined;
  } catch {
    return undefined;
  }
  for (const [name, source] of topLevelMembers(text)) {
    if (source === 'null') continue;
    const sources = members.get(name);
    if (sources === undefined) members.set(name, [source]);
    else sources.push(source);
  }
  return members;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** Splits the text of a JSON object, which must be valid, into its members. */
function* topLevelMembers(text: string): Generator<[name: string, source: string]> {
  let start = text.indexOf('"');
  while (start !== -1) {
    const nameEnd = endOfString(text, start);
    const valueStart = text.indexOf(':', nameEnd) + 1;
    const valueEnd = endOfValue(text, valueStart);
    yield [parseText(text.slice(start, nameEnd)), text.slice(valueStart, valueEnd).trim()];
    start = text.indexOf('"', valueEnd);
  }
}

/** The text that a JSON string stands for, which must be valid. */
export function parseText(source: string): string {
  return source.includes('\\') ? (JSON.parse(source) as string) : source.slice(1, -1);
}

/** The index after the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

/** Whether a character has an odd number of backslashes before it. */
function isEscaped(text: string, index: number): boolean {
  let first = index;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (index - first) % 2 === 1;
}

/** The index of the comma or brace that follows the value at `start`. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  let index = start;
  while (index < text.length) {
    const char = text.charCodeAt(index);
    if (depth === 0 && (char === COMMA || CLOSING.has(char))) break;
    if (OPENING.has(char)) depth++;
    else if (CLOSING.has(char)) depth--;
    index = char === QUOTE ? endOfString(text, index) : index + 1;
  }
  return index;
}
